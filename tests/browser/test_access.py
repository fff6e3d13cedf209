"""Pages of a real browser against the laptop's AWS: what they post does not run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from landrun_ops.local import LocalAws

from .pages import go

LANDRUN = Path(sys.executable).with_name("landrun")
SECONDS = 60
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources: {Bucket: {Type: AWS::S3::Bucket}}
Outputs: {Bucket: {Value: !Ref Bucket}}
"""
TARGET = "SageMaker.CreateProcessingJob"
HTML = b"<!doctype html><body data-ready=yes>a page"

FETCH = "fetch(%s, %s).then((answer) => answer.type, () => 'refused')"
FORM = """new Promise((done) => {
    const frame = document.createElement('iframe'), form = document.createElement('form');
    frame.name = 'answer';
    document.body.append(frame, form);
    form.method = 'post'; form.target = 'answer'; form.enctype = %s; form.action = %s;
    for (const [name, value] of %s) {
        const input = document.createElement('input');
        [input.name, input.value] = [name, value];
        form.append(input);
    }
    frame.onload = () => done('answered');
    form.submit();
})"""

UPLOAD = """(() => {
    const body = new FormData();
    for (const [name, value] of %s) { body.append(name, value); }
    return fetch(%s, {method: 'POST', mode: 'no-cors', body});
})().then((answer) => answer.type)"""

STEALING = """<!doctype html><body data-ready=yes>an object<script>
document.body.dataset.ran = 'yes';
fetch('/', {method: 'POST', body: '%s', headers: {'X-Amz-Target': '%s', Authorization:
  'AWS ' + new URLSearchParams(location.search).get('AWSAccessKeyId') + ':0'}});
</script>"""


class Served(BaseHTTPRequestHandler):
    """Answers every request with a page of another origin."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(HTML)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port_of_the_page() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Served) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    project = tmp_path_factory.mktemp("project")
    (project / "template.yaml").write_text(TEMPLATE)
    up = subprocess.Popen(
        [LANDRUN, "local", "up", "--json", "--project", project, "--state-dir", project / "state"],
        stdout=subprocess.PIPE,
    )
    assert up.stdout
    assert up.stdout.readline().startswith(b"{")
    yield LocalAws.attach(project / "state")
    up.send_signal(signal.SIGINT)
    up.wait(SECONDS)
    up.stdout.close()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


def processing_job(mark: Path) -> dict[str, Any]:
    """A request for a job that makes a file."""
    return {
        "ProcessingJobName": f"job-{uuid.uuid4().hex}",
        "RoleArn": "arn:aws:iam::123456789012:role/any",
        "AppSpecification": {
            "ImageUri": "any",
            "ContainerEntrypoint": ["/bin/sh", "-c", f"touch {mark}"],
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            }
        },
    }


def ran(aws: LocalAws, job: dict[str, Any]) -> None:
    """Run a job as a program does that has the key, to its end."""
    sagemaker = aws.client("sagemaker")
    sagemaker.create_processing_job(**job)
    deadline = time.monotonic() + SECONDS
    while True:
        found = sagemaker.describe_processing_job(ProcessingJobName=job["ProcessingJobName"])
        if found["ProcessingJobStatus"] == "Completed":
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def jobs(aws: LocalAws) -> set[str]:
    found = aws.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"]
    return {one["ProcessingJobName"] for one in found}


def fetching(aws: LocalAws, body: str, **options: Any) -> str:
    """A script that posts a body."""
    return FETCH % (
        json.dumps(aws.endpoint_url),
        json.dumps({"method": "POST", "body": body, **options}),
    )


def with_headers(aws: LocalAws, body: str) -> str:
    """As an SDK does, with the key, which a page cannot have: its browser asks beforehand."""
    signature = f"AWS {aws.access_key.id}:0"
    kind = "application/x-amz-json-1.1"
    headers = {"X-Amz-Target": TARGET, "Content-Type": kind, "Authorization": signature}
    return fetching(aws, body, headers=headers)


def without_asking(aws: LocalAws, body: str) -> str:
    """A simple request, which a browser sends for every page; the answer is hidden."""
    return fetching(aws, body, mode="no-cors", headers={"Content-Type": "text/plain"})


def with_a_form(aws: LocalAws, body: str) -> str:
    """What a browser posts without any script; such a body has an equals sign somewhere."""
    address = f"{aws.endpoint_url}/?Action=CreateProcessingJob"
    name, value = f'{body[:-1]}, "Tags": [{{"Key": "', '", "Value": ""}]}'
    return posting("text/plain", address, {name: value})


def posting(kind: str, address: str, fields: dict[str, str]) -> str:
    return FORM % tuple(json.dumps(one) for one in (kind, address, [*fields.items()]))


POSTS: dict[Callable[[LocalAws, str], str], str] = {
    with_headers: "refused",
    without_asking: "opaque",
    with_a_form: "answered",
}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("post", POSTS)
def test_a_command_that_a_page_posts_does_not_run_and_a_programs_does(
    aws: LocalAws,
    page: Page,
    port_of_the_page: int,
    tmp_path: Path,
    host: str,
    post: Callable[[LocalAws, str], str],
) -> None:
    before = jobs(aws)
    of_page = processing_job(tmp_path / "page")
    of_program = processing_job(tmp_path / "program")
    go(page, f"http://{host}:{port_of_the_page}/")

    assert page.evaluate(post(aws, json.dumps(of_page))) == POSTS[post]
    ran(aws, of_program)

    assert jobs(aws) - before == {of_program["ProcessingJobName"]}
    assert (tmp_path / "program").exists()
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize("by_script", [True, False])
def test_an_object_that_a_page_uploads_does_not_land(
    aws: LocalAws, page: Page, port_of_the_page: int, by_script: bool
) -> None:
    fields = {"key": f"{uuid.uuid4()}.csv", "file": "hello"}
    address = f"{aws.endpoint_url}/{aws.outputs['Bucket']}"
    go(page, f"http://127.0.0.1:{port_of_the_page}/")

    if by_script:
        said = page.evaluate(UPLOAD % (json.dumps([*fields.items()]), json.dumps(address)))
    else:
        said = page.evaluate(posting("multipart/form-data", address, fields))

    assert said == ("opaque" if by_script else "answered")
    found = aws.client("s3").list_objects_v2(Bucket=aws.outputs["Bucket"]).get("Contents", [])
    assert fields["key"] not in {one["Key"] for one in found}


def test_a_page_reads_nothing(aws: LocalAws, page: Page, port_of_the_page: int) -> None:
    go(page, f"http://127.0.0.1:{port_of_the_page}/")
    reading = "fetch(%s).then((answer) => answer.text(), () => 'refused')"
    for path in ("", "/moto-api/data.json"):
        assert page.evaluate(reading % json.dumps(aws.endpoint_url + path)) == "refused"


def test_an_object_that_somebody_opens_by_its_presigned_url_runs_no_script(
    aws: LocalAws, page: Page, tmp_path: Path
) -> None:
    before = jobs(aws)
    job = processing_job(tmp_path / "page")
    object_ = {"Bucket": aws.outputs["Bucket"], "Key": "a.html"}
    s3 = aws.client("s3")
    body = STEALING % (json.dumps(job), TARGET)
    s3.put_object(**object_, Body=body.encode(), ContentType="text/html")

    go(page, s3.generate_presigned_url("get_object", Params=object_))

    assert page.evaluate("document.body.textContent.startsWith('an object')")
    assert page.evaluate("document.body.dataset.ran === undefined")
    assert jobs(aws) == before
