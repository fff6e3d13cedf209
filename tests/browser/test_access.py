"""Pages of another origin in a real browser: what they post to the laptop's AWS does not run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page

from .pages import Laptop

JOB = {
    "ProcessingJobName": "job-of-a-page",
    "RoleArn": "arn:aws:iam::123456789012:role/any",
    "AppSpecification": {"ImageUri": "any", "ContainerEntrypoint": ["true"]},
    "ProcessingResources": {
        "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    },
}
TAG = '", "Value": ""}]}'
JOB_IN_A_FIELD = {f'{json.dumps(JOB)[:-1]}, "Tags": [{{"Key": "': TAG}
"""A form's field whose name, equals sign and value are a request's body."""

UPLOAD = {"key": "incoming/of-a-page.csv", "file": "hello"}

FETCH = "(a) => fetch(a.url, a.options).then((answer) => answer.type, () => 'refused')"
FORM = """(a) => new Promise((done) => {
    const frame = document.createElement('iframe'), form = document.createElement('form');
    frame.name = 'answer';
    document.body.append(frame, form);
    Object.assign(form, {method: 'post', target: 'answer', enctype: a.options, action: a.url});
    for (const [name, value] of Object.entries(a.fields)) {
        const input = document.createElement('input');
        [input.name, input.value] = [name, value];
        form.append(input);
    }
    frame.onload = () => done('answered');
    form.submit();
})"""
WITH_SCRIPT = "<body>an object<script>document.body.dataset.ran = 'yes'</script>"


def posted(headers: dict[str, str], **more: str) -> dict[str, Any]:
    return {"method": "POST", "body": json.dumps(JOB), "headers": headers, **more}


SIGNED = {
    "X-Amz-Target": "SageMaker.CreateProcessingJob",
    "Content-Type": "application/x-amz-json-1.1",
    "Authorization": "AWS {key}:0",
}
ACTION = "{aws}/?Action=CreateProcessingJob"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server of another origin; what it serves is a page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize(
    ("script", "path", "options", "fields", "said"),
    [
        pytest.param(FETCH, "{aws}", posted(SIGNED), {}, "refused", id="as an SDK, with the key"),
        pytest.param(
            *(FETCH, "{aws}", posted({"Content-Type": "text/plain"}, mode="no-cors"), {}, "opaque"),
            id="a request that no browser asks about",
        ),
        pytest.param(FORM, ACTION, "text/plain", JOB_IN_A_FIELD, "answered", id="a form"),
        pytest.param(
            *(FORM, "{aws}/{bucket}", "multipart/form-data", UPLOAD, "answered"),
            id="a form's upload",
        ),
        pytest.param(FETCH, "{aws}", {}, {}, "refused", id="reading"),
        pytest.param(FETCH, "{aws}/moto-api/data.json", {}, {}, "refused", id="reading all"),
        pytest.param(FETCH, "{live_page}", {}, {}, "refused", id="reading the live page"),
    ],
)
def test_what_a_page_of_another_origin_asks_for_does_not_run(
    laptop: Laptop,
    new_page: Callable[..., Page],
    port: int,
    host: str,
    script: str,
    path: str,
    options: Any,
    fields: dict[str, str],
    said: str,
) -> None:
    page, bucket = new_page(), laptop.aws.outputs["LandingBucket"]
    page.goto(f"http://{host}:{port}/")
    sent = json.loads(json.dumps(options).replace("{key}", str(laptop.aws.access_key.id)))
    url = path.format(aws=laptop.aws.endpoint_url, bucket=bucket, live_page=laptop.address)

    assert page.evaluate(script, {"url": url, "options": sent, "fields": fields}) == said
    nothing_ran(laptop)


def test_an_object_that_somebody_opens_by_its_presigned_url_runs_no_script(
    laptop: Laptop, new_page: Callable[..., Page]
) -> None:
    page, s3 = new_page(), laptop.aws.client("s3")
    object_ = {"Bucket": laptop.aws.outputs["OutputBucket"], "Key": "a.html"}
    s3.put_object(**object_, Body=WITH_SCRIPT.encode(), ContentType="text/html")

    page.goto(s3.generate_presigned_url("get_object", Params=object_))

    assert page.evaluate("document.body.textContent.startsWith('an object')")
    assert page.evaluate("document.body.dataset.ran === undefined")


def test_what_the_pages_post_runs_when_a_program_does(laptop: Laptop) -> None:
    sagemaker = laptop.aws.client("sagemaker")
    sagemaker.create_processing_job(**JOB | {"ProcessingJobName": "job-of-a-program"})
    found = sagemaker.list_processing_jobs(NameContains="job-of-a-program")

    assert len(found["ProcessingJobSummaries"]) == 1


def nothing_ran(laptop: Laptop) -> None:
    jobs = laptop.aws.client("sagemaker").list_processing_jobs(NameContains="job-of-a-page")
    assert jobs["ProcessingJobSummaries"] == []
    bucket = laptop.aws.outputs["LandingBucket"]
    found = laptop.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=UPLOAD["key"])
    assert found["KeyCount"] == 0
