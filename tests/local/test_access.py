"""Who may use the laptop's AWS: a request to run a shell command, as several senders make it."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from local.laptop import processing_job


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 200),
        ({"Host": "example.com"}, 403),
        ({"Origin": "https://example.com"}, 403),
        ({"Authorization": ""}, 403),
    ],
)
def test_a_shell_command_that_somebody_else_posts_does_not_run(aws, changed, status):
    job = processing_job("true")
    scope = f"{aws.access_key.id}/20261122/us-east-1/sagemaker/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "SageMaker.CreateProcessingJob",
    }
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint_url).netloc)
    connection.request("POST", "/", json.dumps(job), headers | changed)
    answer = connection.getresponse()
    connection.close()

    assert answer.status == status
    assert "Access-Control-Allow-Origin" not in answer.headers
    listed = aws.client("sagemaker").list_processing_jobs(NameContains=job["ProcessingJobName"])
    assert len(listed["ProcessingJobSummaries"]) == (1 if status == 200 else 0)
