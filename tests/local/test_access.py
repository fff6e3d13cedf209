"""Who may use the laptop's AWS: requests as browsers, curl, programs and moto itself send them."""

import json
import shutil
import subprocess
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError

from laptop_stack import eventually
from local.laptop import processing_job

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")


def curl(url, *options):
    """The status and the headers and body of an answer."""
    told = subprocess.run(
        ["curl", "--silent", "--show-error", "--include", "--max-time", "60", *options, url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return int(told.split()[1]), told


def signed(aws):
    """The options by which curl shows the key; signatures are not verified."""
    return ["--header", f"Authorization: AWS {aws.access_key.id}:0"]


@pytest.mark.parametrize(
    "header", ["Host: example.com", "Origin: https://example.com", "Authorization;"]
)
def test_a_shell_command_that_somebody_else_posts_does_not_run(aws, header, tmp_path):
    key = [] if header.startswith("Authorization") else signed(aws)
    assert curl(aws.endpoint_url, *signed(aws))[0] == 200
    job = processing_job(f"touch {tmp_path}/ran")
    post = ("--header", "X-Amz-Target: SageMaker.CreateProcessingJob", "--data", json.dumps(job))
    status, told = curl(aws.endpoint_url, *post, *key, "--header", header)
    assert status == 403
    assert "access-control" not in told.lower()
    with pytest.raises(ClientError, match="Could not find"):
        aws.client("sagemaker").describe_processing_job(ProcessingJobName=job["ProcessingJobName"])


def test_the_key_is_in_presigned_urls_and_is_another_for_every_laptop(aws):
    bucket = aws.outputs["OutputBucket"]
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key="shared.txt", Body=b"hello")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "shared.txt"})
    status, told = curl(url)
    assert (status, told.splitlines()[-1]) == (200, "hello")
    assert aws.access_key.id in url
    assert curl(url.replace(aws.access_key.id, "LKIA0123456789ABCDEF"))[0] == 403
    assert curl(url, "--header", "Sec-Fetch-Site: cross-site")[0] == 403


def test_a_key_that_iam_has_issued_is_accepted_until_it_is_deleted(aws):
    iam, user = aws.client("iam"), f"user-{uuid.uuid4().hex}"
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    of_user = session.client("sts", endpoint_url=aws.endpoint_url)
    assert of_user.get_caller_identity()["Arn"].endswith(f"user/{user}")
    iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    with pytest.raises(ClientError, match="landrun local env"):
        of_user.get_caller_identity()


def test_what_a_state_machine_calls_by_itself_is_signed_with_the_key(aws):
    task = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets", "End": True}
    states = aws.client("stepfunctions")
    machine = states.create_state_machine(
        name=f"machine-{uuid.uuid4().hex}",
        definition=json.dumps({"StartAt": "List", "States": {"List": task}}),
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]

    def ended():
        found = states.describe_execution(executionArn=execution)
        return None if found["status"] == "RUNNING" else found

    assert aws.outputs["LandingBucket"] in eventually(ended)["output"]
