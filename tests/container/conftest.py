"""Tests of the job's real image, in a real Docker: only where `check.sh` runs them.

They fail rather than skip: whoever asks for them wants to know.
"""

from __future__ import annotations

import os
import uuid

import boto3
import pytest
from moto import mock_aws

from landrun_ops.actions.docker import Docker
from landrun_ops.local.processing_job.docker_container import connect
from landrun_ops.local.processing_job.job import Laptop, Order, run

IMAGE = os.environ.get("LANDRUN_CONTAINER_IMAGE", "")
"""The image under test, built on the base of packages."""

collect_ignore_glob = [] if IMAGE else ["test_*.py"]
if not os.environ.get("LANDRUN_DOCKER_REGISTRY"):
    collect_ignore_glob.append("test_push.py")

INPUT = "/opt/ml/processing/input/messages"
OUTPUT = "/opt/ml/processing/output/processed"
HELLO = b'{"text": "hello"}\n'


@pytest.fixture
def docker():
    return Docker()


@pytest.fixture
def shell(docker):
    """Runs a command of sh in the image and gives what it wrote."""

    def run_in_image(command, *options):
        return docker("run", "--rm", *options, "--entrypoint", "sh", IMAGE, "-c", command)

    return run_in_image


class Job:
    """A job of the image under test, as SageMaker would be asked for it."""

    def __init__(self, laptop):
        self.laptop = laptop
        self.name = f"landrun-test-{uuid.uuid4().hex}"

    def request(self, *words, instances=1, **more):
        cluster = {"InstanceCount": instances, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
        source = {"S3Uri": "s3://bucket/in/", "LocalPath": INPUT, "S3DataType": "S3Prefix"}
        target = {"S3Uri": "s3://bucket/out/", "LocalPath": OUTPUT, "S3UploadMode": "EndOfJob"}
        return {
            "ProcessingJobName": self.name,
            "RoleArn": "arn:aws:iam::123456789012:role/x",
            "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": list(words)},
            "ProcessingResources": {"ClusterConfig": cluster},
            "ProcessingInputs": [{"InputName": "messages", "S3Input": source}],
            "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": target}]},
            **more,
        }

    def order(self, *words, **more):
        return Order(self.request(*words, **more), f"arn:{self.name}", lambda: None)

    def run(self, *words, **more):
        return self.go(self.order(*words, **more))

    def go(self, order):
        return run(order, self.laptop)

    def land(self, name, data):
        self.laptop.client("s3").put_object(Bucket="bucket", Key=f"in/{name}", Body=data)

    def log(self, host="algo-1"):
        path = self.laptop.work_dir / "jobs" / self.name / f"{host}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def outputs(self):
        s3 = self.laptop.client("s3")
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket="bucket")["Contents"]]
        return {
            key.removeprefix("out/"): s3.get_object(Bucket="bucket", Key=key)["Body"].read()
            for key in keys
            if key.startswith("out/")
        }


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws():
        clients = {name: boto3.client(name, region_name="us-east-1") for name in ("s3", "logs")}
        clients["s3"].create_bucket(Bucket="bucket")
        laptop = Laptop(
            program=tmp_path,
            work_dir=tmp_path,
            python="python3",
            client=clients.__getitem__,
            put=lambda bucket, key, body, _: clients["s3"].put_object(
                Bucket=bucket, Key=key, Body=body
            ),
            access={"AWS_REGION": "us-east-1"},
            grace=2,
            docker=connect(IMAGE, "make container"),
        )
        job = Job(laptop)
        job.land("a.jsonl", HELLO)
        yield job
