"""A laptop's AWS of the engine alone: moto's server and the adapters, no template, no functions."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import time
import uuid
from pathlib import Path

import boto3
import pytest

from local.engine.serve import serve
from local.laptop import forks

ROLE = "arn:aws:iam::123456789012:role/processing"
IN, OUT = "/opt/ml/processing/input/in", "/opt/ml/processing/output/out"


class Laptop:
    """One server process and the boto3 clients that speak to it."""

    def until(self, true):
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            if value := true():
                return value
            time.sleep(0.05)
        pytest.fail(f"not within {self._patience} s")

    def __init__(self, kind, folder):
        self.program, self.work_dir = folder / "program", folder / "work"
        self.program.mkdir()
        self._patience = 30 if kind == "engine" else 1
        self._connection, theirs = forks().Pipe()
        given = (kind, self.program, self.work_dir, theirs)
        self._process = forks().Process(target=serve, args=given)
        self._process.start()
        theirs.close()
        self.endpoint_url = f"http://127.0.0.1:{self._connection.recv()}"

    @functools.cache  # noqa: B019 - one laptop per session
    def client(self, service):
        session = boto3.Session("test", "test", region_name="us-east-1")
        return session.client(service, endpoint_url=self.endpoint_url)

    @contextlib.contextmanager
    def quota(self, most):
        for number in (most, None):
            self._connection.send({"quota": number})
            self._connection.recv()
            if number is not None:
                yield

    def close(self):
        """End it and say what was left."""
        self._connection.send("close")
        left = self._connection.recv()
        self._process.join(20)
        self._connection.close()
        return left

    def kill(self):
        self._process.kill()
        self._process.join()
        self._connection.close()

    # Buckets, scripts, jobs

    def bucket(self):
        name = f"b-{uuid.uuid4().hex}"
        self.client("s3").create_bucket(Bucket=name)
        return name

    def put(self, bucket, **objects):
        for key, body in objects.items():
            self.client("s3").put_object(Bucket=bucket, Key=key, Body=body.encode())

    def read(self, bucket, prefix=""):
        s3 = self.client("s3")
        found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return {
            item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode()
            for item in found
        }

    def script(self, text):
        """Write a script; its path in the container."""
        name = f"s{uuid.uuid4().hex}.py"
        (self.program / name).write_text(text)
        return f"/opt/program/{name}"

    def request(self, text="", *arguments, inputs=(), output=None, instances=1, **more):
        """A CreateProcessingJob request whose script is ``text``."""
        image = {"ImageUri": "image", "ContainerEntrypoint": ["python3", self.script(text)]}
        if arguments:
            image["ContainerArguments"] = list(arguments)
        if inputs:
            named = [{"InputName": f"{n}", "S3Input": source} for n, source in enumerate(inputs)]
            more["ProcessingInputs"] = named
        if output:
            target = {"S3Uri": output, "LocalPath": OUT, "S3UploadMode": "EndOfJob"}
            outputs = [{"OutputName": "out", "S3Output": target}]
            more["ProcessingOutputConfig"] = {"Outputs": outputs}
        cluster = {"InstanceCount": instances, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
        return {
            "ProcessingJobName": f"job-{uuid.uuid4().hex[:12]}",
            "RoleArn": ROLE,
            "AppSpecification": image,
            "ProcessingResources": {"ClusterConfig": cluster},
            **more,
        }

    def start(self, request):
        self.client("sagemaker").create_processing_job(**request)
        return request["ProcessingJobName"]

    def describe(self, name):
        return self.client("sagemaker").describe_processing_job(ProcessingJobName=name)

    def ended(self, name):
        ends = ("Completed", "Failed", "Stopped")
        self.until(lambda: self.describe(name)["ProcessingJobStatus"] in ends)
        return self.describe(name)

    def run(self, *words, **more):
        return self.ended(self.start(self.request(*words, **more)))

    # State machines

    def machine(self, definition):
        answer = self.client("stepfunctions").create_state_machine(
            name=f"m-{uuid.uuid4().hex[:12]}", definition=json.dumps(definition), roleArn=ROLE
        )
        return answer["stateMachineArn"]

    def machine_of(self, request, **more):
        """A state machine whose one state runs a job."""
        resource = "arn:aws:states:::sagemaker:createProcessingJob.sync"
        return self.machine_with(Type="Task", Resource=resource, Parameters=request, **more)

    def machine_with(self, program=None, **state):
        """A state machine of one state."""
        last = {} if state["Type"] in ("Fail", "Succeed") else {"End": True}
        states = {"S": {**last, **state}}
        return self.machine({"StartAt": "S", **(program or {}), "States": states})

    def execute(self, machine, given=None, name=None):
        named = {"name": name} if name else {}
        answer = self.client("stepfunctions").start_execution(
            stateMachineArn=machine, input=json.dumps(given or {}), **named
        )
        return answer["executionArn"]

    def execution(self, arn):
        return self.client("stepfunctions").describe_execution(executionArn=arn)

    def settled(self, arn):
        self.until(lambda: self.execution(arn)["status"] != "RUNNING")
        return self.execution(arn)

    def stop(self, arn, **why):
        return self.client("stepfunctions").stop_execution(executionArn=arn, **why)

    def history(self, arn, **more):
        answer = self.client("stepfunctions").get_execution_history(executionArn=arn, **more)
        return answer["events"]

    def types(self, arn):
        return [event["type"] for event in self.history(arn)]

    # Events and messages

    def queue(self, source=None):
        """A queue's URL, of events from ``source`` if any, and what takes its messages."""
        sqs, name = self.client("sqs"), f"q-{uuid.uuid4().hex[:12]}"
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        if source:
            pattern = json.dumps({"source": [source]})
            self.client("events").put_rule(Name=name, EventPattern=pattern)
            target = {"Id": "q", "Arn": f"arn:aws:sqs:us-east-1:123456789012:{name}"}
            self.client("events").put_targets(Rule=name, Targets=[target])

        def take():
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            for message in found:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return [json.loads(message["Body"]) for message in found]

        return url, take


@pytest.fixture(scope="session")
def laptops(tmp_path_factory):
    """``laptops("engine")``, and ``laptops("bare")``: moto as it comes."""
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = Laptop(kind, tmp_path_factory.mktemp(kind))
        return made[kind]

    yield get
    for one in made.values():
        one.close()


@pytest.fixture
def laptop(request, laptops):
    return laptops(getattr(request, "param", "engine"))


moto_lacks = pytest.mark.parametrize(
    "laptop",
    ["engine", pytest.param("bare", marks=pytest.mark.xfail(strict=True))],
    indirect=True,
)
"""Of a claim that fails for moto as it comes; when it no longer fails, our patch can go."""


def s3_input(uri, kind="S3Prefix", **more):
    where = {"S3Uri": uri, "LocalPath": IN, "S3DataType": kind, "S3InputMode": "File"}
    return {**where, **more}


def alive(pid):
    """Whether a process runs; an orphan that nobody has reaped yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
