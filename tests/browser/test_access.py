"""Pages of another origin in a real browser: what they post to the laptop's AWS does not run."""

from __future__ import annotations

import html
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

JOB = {
    "ProcessingJobName": "job-of-a-page",
    "RoleArn": "arn:aws:iam::123456789012:role/any",
    "AppSpecification": {"ImageUri": "any", "ContainerEntrypoint": ["true"]},
    "ProcessingResources": {
        "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    },
}
UPLOADED = "incoming/of-a-page.csv"
PART = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
UPLOAD = f"{PART.format('key', UPLOADED)}{PART.format('file', 'hello')}--x--"

FIELD = (f'{json.dumps(JOB)[:-1]}, "Tags": [{{"Key": "', '", "Value": ""}]}')
"""A form's field whose name, equals sign and value are a request's body."""
FORM = """<form method="post" enctype="text/plain" action="{}/?Action=CreateProcessingJob">
<input name="{}" value="{}"></form>"""
SUBMIT = "(form) => { document.body.innerHTML = form; document.forms[0].submit(); }"

FETCH = "(a) => fetch(a.url, a.options).then((answer) => answer.type, () => 'refused')"
WITH_SCRIPT = "<body>an object<script>document.body.dataset.ran = 'yes'</script>"


def posted(body, content_type, **headers):
    headers["Content-Type"] = content_type
    mode = "cors" if len(headers) > 1 else "no-cors"  # what no browser asks about beforehand
    return {"method": "POST", "mode": mode, "body": body, "headers": headers}


SIGNED = {"X-Amz-Target": "SageMaker.CreateProcessingJob", "Authorization": "AWS {key}:0"}


@pytest.fixture(scope="module")
def port():
    """The port of a server of another origin; what it serves is a page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        ("{aws}", posted(json.dumps(JOB), "application/x-amz-json-1.1", **SIGNED), "refused"),
        ("{aws}/{bucket}", posted(UPLOAD, "multipart/form-data; boundary=x"), "opaque"),
        ("{aws}", {}, "refused"),
        ("{live_page}", {}, "refused"),
    ],
    ids=["as an SDK", "an upload", "reading", "reading the live page"],
)
def test_what_a_page_of_another_origin_asks_for_does_not_run(
    laptop, new_page, port, host, path, options, said
):
    page, bucket = new_page(), laptop.aws.outputs["LandingBucket"]
    page.goto(f"http://{host}:{port}/")
    sent = json.loads(json.dumps(options).replace("{key}", str(laptop.aws.access_key.id)))
    url = path.format(aws=laptop.aws.endpoint_url, bucket=bucket, live_page=laptop.address)

    assert page.evaluate(FETCH, {"url": url, "options": sent}) == said
    nothing_ran(laptop)


def test_what_a_form_of_a_page_of_another_origin_posts_does_not_run(laptop, new_page, port):
    page = new_page()
    page.goto(f"http://localhost:{port}/")
    with page.expect_navigation():
        page.evaluate(SUBMIT, FORM.format(laptop.aws.endpoint_url, *map(html.escape, FIELD)))

    nothing_ran(laptop)


def test_an_object_that_somebody_opens_by_its_presigned_url_runs_no_script(laptop, new_page):
    page, s3 = new_page(), laptop.aws.client("s3")
    object_ = {"Bucket": laptop.aws.outputs["OutputBucket"], "Key": "a.html"}
    s3.put_object(**object_, Body=WITH_SCRIPT.encode(), ContentType="text/html")

    page.goto(s3.generate_presigned_url("get_object", Params=object_))

    assert page.evaluate("document.body.textContent.startsWith('an object')")
    assert page.evaluate("document.body.dataset.ran === undefined")


def test_what_the_pages_post_runs_when_a_program_does(laptop):
    sagemaker = laptop.aws.client("sagemaker")
    sagemaker.create_processing_job(**JOB | {"ProcessingJobName": "job-of-a-program"})
    found = sagemaker.list_processing_jobs(NameContains="job-of-a-program")

    assert len(found["ProcessingJobSummaries"]) == 1


def nothing_ran(laptop):
    jobs = laptop.aws.client("sagemaker").list_processing_jobs(NameContains="job-of-a-page")
    assert jobs["ProcessingJobSummaries"] == []
    bucket = laptop.aws.outputs["LandingBucket"]
    found = laptop.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=UPLOADED)
    assert found["KeyCount"] == 0
