"""moto in this process: with all patches of the laptop's AWS, or as it comes."""

import functools
import json
import uuid

import boto3
import pytest
from moto import mock_aws
from moto.stepfunctions.parser.utils import TMP_THREADS

from landrun_ops.local import engine
from landrun_ops.local.access import AccessKey
from landrun_ops.local.moto_patches import tasks
from landrun_ops.local.settings import ACCOUNT, REGION
from laptop_stack import eventually

ENDPOINT = "http://127.0.0.1:4566"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
IN, OUT = "/opt/ml/processing/input/in", "/opt/ml/processing/output/out"
PACE = 0.05
"""Waits before retries are so much shorter than on AWS."""


@pytest.fixture
def patched(request):
    """Whether moto is patched; a test that is not parametrized has it so."""
    return getattr(request, "param", True)


both = pytest.mark.parametrize("patched", [False, True], ids=["moto", "patched"], indirect=True)
"""Of a test that says what a patch is for, and that it works: see ``patched``."""

moto_lacks = pytest.mark.parametrize(
    "patched",
    [pytest.param(False, marks=pytest.mark.xfail(strict=True)), True],
    ids=["moto", "patched"],
    indirect=True,
)
"""Of a claim that fails for moto as it comes; when it no longer fails, our patch can go."""


def request(text="true", *arguments, inputs=(), output=None, instances=1, **more):
    """A CreateProcessingJob request for the shell's script ``text``; its ``$0`` is an argument."""
    image = {"ImageUri": "image", "ContainerEntrypoint": ["sh", "-c", text]}
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


@functools.cache
def client(service):
    return boto3.Session("test", "test", region_name=REGION).client(service)


class Aws:
    """What tests do with boto3; ``engine`` is the laptop's, or None in moto as it comes."""

    def __init__(self, folder, engine):
        self.folder, self.engine = folder, engine
        self.patience = 30 if engine else 0.5  # what moto lacks never comes
        self.sagemaker, self.states = client("sagemaker"), client("stepfunctions")
        self.s3, self.sqs = client("s3"), client("sqs")

    def until(self, true):
        return eventually(true, timeout=self.patience, every=0.01)

    # Objects and jobs

    def bucket(self, **objects):
        name = f"b-{uuid.uuid4().hex}"
        self.s3.create_bucket(Bucket=name)
        for key, body in objects.items():
            self.s3.put_object(Bucket=name, Key=key, Body=body.encode())
        return name

    def read(self, bucket):
        keys = [one["Key"] for one in self.s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
        return {
            key: self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys
        }

    def start(self, request):
        self.sagemaker.create_processing_job(**request)
        return request["ProcessingJobName"]

    def describe(self, name):
        return self.sagemaker.describe_processing_job(ProcessingJobName=name)

    def ended(self, name):
        ends = ("Completed", "Failed", "Stopped")
        self.until(lambda: self.describe(name)["ProcessingJobStatus"] in ends)
        return self.describe(name)

    def run(self, *words, **more):
        return self.ended(self.start(request(*words, **more)))

    # State machines

    def machine(self, definition):
        return self.states.create_state_machine(
            name=f"m-{uuid.uuid4().hex[:12]}", definition=json.dumps(definition), roleArn=ROLE
        )["stateMachineArn"]

    def machine_with(self, program=None, **state):
        """A state machine of one state."""
        last = {} if state["Type"] in ("Fail", "Succeed") else {"End": True}
        return self.machine({"StartAt": "S", **(program or {}), "States": {"S": last | state}})

    def machine_of(self, request, **more):
        """A state machine whose one state runs a job."""
        return self.machine_with(**job_state(request), **more)

    def execute(self, machine, given=None, **more):
        return self.states.start_execution(
            stateMachineArn=machine, input=json.dumps(given or {}), **more
        )["executionArn"]

    def execution(self, arn):
        return self.states.describe_execution(executionArn=arn)

    def settled(self, arn):
        self.until(lambda: self.execution(arn)["status"] != "RUNNING")
        return self.execution(arn)

    def stop(self, arn, **why):
        return self.states.stop_execution(executionArn=arn, **why)

    def redrive(self, arn):
        return self.states.redrive_execution(executionArn=arn)["redriveDate"]

    def history(self, arn, **more):
        return self.states.get_execution_history(executionArn=arn, **more)["events"]

    def types(self, arn):
        return [event["type"] for event in self.history(arn)]

    # Messages and events

    def queue(self, source=None):
        """A queue's URL, of events from ``source`` if any, and what takes its messages."""
        name = f"q-{uuid.uuid4().hex[:12]}"
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        if source:
            pattern, arn = {"source": [source]}, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
            client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
            client("events").put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])

        def take():
            found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            return [json.loads(message["Body"]) for message in found.get("Messages", [])]

        return url, take


def job_state(request):
    resource = "arn:aws:states:::sagemaker:createProcessingJob.sync"
    return {"Type": "Task", "Resource": resource, "Parameters": request}


@pytest.fixture
def aws(patched, tmp_path, monkeypatch):
    """moto in place of AWS, executions included."""
    waits, access = tasks.wait, AccessKey.random().environment(ENDPOINT)
    monkeypatch.setattr(tasks, "wait", lambda env, seconds: waits(env, seconds * PACE))
    monkeypatch.setattr(engine, "_client", lambda _, service: client(service))
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        installed = None
        if patched:
            installed = engine.install(program=tmp_path, work_dir=tmp_path, access=access)
        yield Aws(tmp_path, installed)
        if installed:
            installed.close()
    TMP_THREADS.clear()  # nobody waits for executions that moto cannot stop
