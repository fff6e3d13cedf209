"""Pages of another origin in a real browser: what they post to the laptop's AWS does not run."""

import html
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local.laptop import processing_job

JOB = json.dumps(processing_job("true") | {"ProcessingJobName": "job-of-a-page"})
UPLOADED = "incoming/of-a-page.csv"
PART = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
UPLOAD = f"{PART.format('key', UPLOADED)}{PART.format('file', 'hello')}--x--"

FIELD = (f'{JOB[:-1]}, "Tags": [{{"Key": "', '", "Value": ""}]}')
"""A form's field whose name, equals sign and value are a request's body."""
FORM = """<form method="post" enctype="text/plain" action="{}/?Action=CreateProcessingJob">
<input name="{}" value="{}"></form>"""
SUBMIT = "(form) => { document.body.innerHTML = form; document.forms[0].submit(); }"

FETCH = "(a) => fetch(a.url, a.options).then((answer) => answer.type, () => 'refused')"
WITH_SCRIPT = "<body>an object<script>document.body.dataset.ran = 'yes'</script>"


@pytest.fixture(scope="module")
def port():
    """The port of a server of another origin; what it serves is a page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_what_a_page_of_another_origin_asks_for_or_posts_does_not_run(laptop, new_page, port, host):
    page, aws, bucket = new_page(), laptop.aws.endpoint_url, laptop.outputs["LandingBucket"]
    page.goto(f"http://{host}:{port}/")
    target, key = "SageMaker.CreateProcessingJob", f"AWS {laptop.aws.access_key.id}:0"
    signed = {"X-Amz-Target": target, "Authorization": key}
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    unasked = {"method": "POST", "mode": "no-cors"}  # browsers send these without asking before
    for url, options, said in [
        (aws, {"method": "POST", "body": JOB, "headers": signed}, "refused"),
        (aws, unasked | {"body": JOB}, "opaque"),
        (f"{aws}/{bucket}", unasked | {"body": UPLOAD, "headers": form}, "opaque"),
        (laptop.address, {}, "refused"),
    ]:
        assert page.evaluate(FETCH, {"url": url, "options": options}) == said
    with page.expect_navigation():
        page.evaluate(SUBMIT, FORM.format(aws, *map(html.escape, FIELD)))

    jobs = laptop.client("sagemaker").list_processing_jobs(NameContains="job-of-a-page")
    assert jobs["ProcessingJobSummaries"] == []
    assert laptop.client("s3").list_objects_v2(Bucket=bucket, Prefix=UPLOADED)["KeyCount"] == 0


def test_an_object_that_somebody_opens_by_its_presigned_url_runs_no_script(laptop, new_page):
    page, s3 = new_page(), laptop.client("s3")
    object_ = {"Bucket": laptop.outputs["OutputBucket"], "Key": "a.html"}
    s3.put_object(**object_, Body=WITH_SCRIPT.encode(), ContentType="text/html")

    page.goto(s3.generate_presigned_url("get_object", Params=object_))

    assert page.evaluate("document.body.textContent.startsWith('an object')")
    assert page.evaluate("document.body.dataset.ran === undefined")
