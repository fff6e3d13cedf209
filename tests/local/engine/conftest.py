"""A laptop's AWS of the engine alone: moto's server and the adapters, no template, no functions."""

from __future__ import annotations

import contextlib
import functools
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

ROLE = "arn:aws:iam::123456789012:role/processing"
SERVE = Path(__file__).with_name("serve.py")


def until(true: Callable[[], Any], *, seconds: float = 15) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := true():
            return value
        time.sleep(0.05)
    pytest.fail(f"not within {seconds} s")


class Laptop:
    """One server process and the boto3 clients that speak to it."""

    until = staticmethod(until)

    def __init__(self, kind: str, folder: Path) -> None:
        self.program, self.work_dir = folder / "program", folder / "work"
        self.program.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, str(SERVE), kind, str(self.program), str(self.work_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    @functools.cached_property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self._answer()['port']}"

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    @functools.cache  # noqa: B019 - one laptop per session
    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # pragma: allowlist secret
        )

    @contextlib.contextmanager
    def quota(self, most: int) -> Iterator[None]:
        self._quota(most)
        try:
            yield
        finally:
            self._quota(None)

    def _quota(self, most: int | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"quota": most}) + "\n")
        self._process.stdin.flush()
        self._answer()

    def close(self) -> dict[str, Any]:
        """End it and say what was left."""
        assert self.endpoint_url  # else its line would be taken for the last one
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        left = self._answer()
        self._process.wait(20)
        self._process.stdout.close()
        return left

    # Buckets, scripts, jobs

    def bucket(self) -> str:
        name = f"b-{uuid.uuid4().hex}"
        self.client("s3").create_bucket(Bucket=name)
        return name

    def put(self, bucket: str, **objects: str) -> None:
        for key, body in objects.items():
            self.client("s3").put_object(Bucket=bucket, Key=key, Body=body.encode())

    def read(self, bucket: str, prefix: str = "") -> dict[str, str]:
        s3 = self.client("s3")
        found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return {
            item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode()
            for item in found
        }

    def script(self, text: str) -> str:
        """Write a script; its path in the container."""
        name = f"s{uuid.uuid4().hex}.py"
        (self.program / name).write_text(text)
        return f"/opt/program/{name}"

    def request(
        self,
        text: str = "",
        *arguments: str,
        inputs: tuple[dict[str, Any], ...] = (),
        output: str | None = None,
        instances: int = 1,
        **more: Any,
    ) -> dict[str, Any]:
        """A CreateProcessingJob request whose script is ``text``."""
        image: dict[str, Any] = {
            "ImageUri": "image",
            "ContainerEntrypoint": ["python3", self.script(text)],
        }
        if arguments:
            image["ContainerArguments"] = list(arguments)
        request: dict[str, Any] = {
            "ProcessingJobName": f"job-{uuid.uuid4().hex[:12]}",
            "RoleArn": ROLE,
            "AppSpecification": image,
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceCount": instances,
                    "InstanceType": "ml.m5.large",
                    "VolumeSizeInGB": 30,
                }
            },
            **more,
        }
        if inputs:
            request["ProcessingInputs"] = [
                {"InputName": f"input-{index}", "S3Input": source}
                for index, source in enumerate(inputs)
            ]
        if output:
            request["ProcessingOutputConfig"] = {
                "Outputs": [
                    {
                        "OutputName": "out",
                        "S3Output": {
                            "S3Uri": output,
                            "LocalPath": "/opt/ml/processing/output/out",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            }
        return request

    def start(self, request: dict[str, Any]) -> str:
        self.client("sagemaker").create_processing_job(**request)
        return request["ProcessingJobName"]

    def describe(self, name: str) -> dict[str, Any]:
        return self.client("sagemaker").describe_processing_job(ProcessingJobName=name)

    def ended(self, name: str) -> dict[str, Any]:
        return until(
            lambda: (
                job
                if (job := self.describe(name))["ProcessingJobStatus"]
                in ("Completed", "Failed", "Stopped")
                else None
            )
        )

    def run(self, *words: str, **more: Any) -> dict[str, Any]:
        return self.ended(self.start(self.request(*words, **more)))

    # State machines

    def machine(self, definition: dict[str, Any]) -> str:
        answer = self.client("stepfunctions").create_state_machine(
            name=f"m-{uuid.uuid4().hex[:12]}", definition=json.dumps(definition), roleArn=ROLE
        )
        return answer["stateMachineArn"]

    def machine_of(self, request: dict[str, Any], **more: Any) -> str:
        """A state machine whose one state runs a job."""
        resource = "arn:aws:states:::sagemaker:createProcessingJob.sync"
        state = {"Type": "Task", "Resource": resource, "Parameters": request, "End": True}
        program = more.pop("program", {})
        return self.machine({"StartAt": "Job", **program, "States": {"Job": {**state, **more}}})

    def execute(self, machine: str, given: Any = None, name: str | None = None) -> str:
        named = {"name": name} if name else {}
        answer = self.client("stepfunctions").start_execution(
            stateMachineArn=machine, input=json.dumps(given or {}), **named
        )
        return answer["executionArn"]

    def execution(self, arn: str) -> dict[str, Any]:
        return self.client("stepfunctions").describe_execution(executionArn=arn)

    def settled(self, arn: str) -> dict[str, Any]:
        return until(lambda: d if (d := self.execution(arn))["status"] != "RUNNING" else None)

    def history(self, arn: str, **more: Any) -> list[dict[str, Any]]:
        answer = self.client("stepfunctions").get_execution_history(executionArn=arn, **more)
        return answer["events"]


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    laptop = Laptop("engine", tmp_path_factory.mktemp("laptop"))
    yield laptop
    laptop.close()


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """moto as it comes."""
    laptop = Laptop("bare", tmp_path_factory.mktemp("bare"))
    yield laptop
    laptop.close()


@pytest.fixture
def s3_input() -> Callable[..., dict[str, Any]]:
    """``s3_input("s3://b/p/")`` is an S3Input at /opt/ml/processing/input/in."""

    def build(uri: str, kind: str = "S3Prefix", **more: Any) -> dict[str, Any]:
        return {
            "S3Uri": uri,
            "LocalPath": "/opt/ml/processing/input/in",
            "S3DataType": kind,
            "S3InputMode": "File",
            **more,
        }

    return build
