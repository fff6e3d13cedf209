"""The functions against a second emulator of AWS, which knows nothing of moto: ministack.

Buckets, queues, rules, tables and functions are those of the template; only the state machine is
another, which runs no job.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest

from landrun_ops.local.access import AccessKey
from landrun_ops.local.event_sources import Poller
from landrun_ops.local.lambda_runtime import DeployedFunction, Lambda, LocalFunction
from landrun_ops.local.state import Processes
from scan.stacks import stack as resources_of
from scan.stacks import translated

if "LANDRUN_SCAN" not in os.environ:
    pytest.skip("make scan installs the emulator, and runs these", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
EMULATOR = ROOT / ".venv-scan/emulator/bin/ministack"
ACCOUNT, REGION = "123456789012", "us-east-1"
UPLOADS = 40
FAILING = 4
MACHINE = {
    "StartAt": "Which",
    "States": {
        "Which": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.Trigger.Key", "StringMatches": "*fail*", "Next": "Bad"}],
            "Default": "Good",
        },
        "Good": {"Type": "Wait", "Seconds": 1, "End": True},
        "Bad": {"Type": "Fail", "Error": "Bad", "Cause": "as asked"},
    },
}
QUEUES = {"LandingQueue": "ObjectCreatedFunction", "StatusQueue": "ExecutionStatusFunction"}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("emulator")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    own = {"GATEWAY_PORT": port, "BIND_HOST": "127.0.0.1", "MINISTACK_ACCOUNT_ID": ACCOUNT}
    access = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "HOME": str(folder)}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [EMULATOR], env={"PATH": os.environ["PATH"], **own, **access}, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: urllib.request.urlopen(f"{url}/_ministack/health").status == 200)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def eventually(ask, seconds=60):
    until = time.monotonic() + seconds
    while True:
        try:
            found = ask()
        except OSError:
            found = None
        if found:
            return found
        assert time.monotonic() < until, f"still {found!r} after {seconds} s"
        time.sleep(0.2)


class Emulated:
    """The template's resources in the emulator, and its functions, which run here."""

    def __init__(self, endpoint, folder):
        self.endpoint = endpoint
        self.resources = resources_of({})
        self.urls = {}
        self.bucket = "landrun-landingbucket"
        self._create()
        functions = [
            LocalFunction(
                DeployedFunction(name, translated().code[name], self._configuration(name)),
                access=self.access,
                logs=folder,
                report=lambda line: sys.stderr.write(f"{line}\n"),
                processes=Processes(folder),
            )
            for name in QUEUES.values()
        ]
        sqs = self.client("sqs")
        self.runtime = Lambda(functions, {}, lambda _: sqs, sys.stderr.write)
        self.pollers = [
            Poller(_source(queue, name), self.runtime, sqs, sqs, sys.stderr.write)
            for queue, name in QUEUES.items()
        ]

    @property
    def access(self):
        return AccessKey("test", "test").environment(self.endpoint)

    def client(self, service):
        session = boto3.Session("test", "test", region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint)

    def of_type(self, kind):
        for name, resource in self.resources.items():
            if resource["Type"] == kind:
                yield name, resource["Properties"]

    def executions(self):
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:ProcessingStateMachine"
        pages = self.client("stepfunctions").get_paginator("list_executions")
        return [one for page in pages.paginate(stateMachineArn=arn) for one in page["executions"]]

    def rows(self):
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName="RunsTable")
        return [item for page in pages for item in page["Items"]]

    def _configuration(self, name):
        variables = dict(self.resources[name]["Properties"]["Environment"]["Variables"])
        variables["DEAD_LETTER_QUEUE_URL"] = self.urls[variables["DEAD_LETTER_QUEUE_URL"]]
        return {
            **self.resources[name]["Properties"],
            "FunctionName": name,
            "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
            "MemorySize": 512,
            "Timeout": 60,
            "Environment": {"Variables": variables},
        }

    def _create(self):
        s3, sqs, dynamodb = (self.client(name) for name in ("s3", "sqs", "dynamodb"))
        for name, _ in self.of_type("AWS::S3::Bucket"):
            bucket = f"landrun-{name.lower()}"
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        for name, _ in self.of_type("AWS::SQS::Queue"):
            attributes = {"VisibilityTimeout": "360"}
            self.urls[name] = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        for name, properties in self.of_type("AWS::DynamoDB::Table"):
            wanted = ("AttributeDefinitions", "KeySchema", "BillingMode")
            indexes = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
            given = {key: properties[key] for key in (*wanted, *indexes) if key in properties}
            dynamodb.create_table(TableName=name, **given)
        self.client("sns").create_topic(Name="NotificationsTopic")
        self.client("stepfunctions").create_state_machine(
            name="ProcessingStateMachine",
            definition=json.dumps(MACHINE),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/any",
        )
        events = self.client("events")
        for name, properties in self.of_type("AWS::Events::Rule"):
            events.put_rule(Name=name, EventPattern=json.dumps(properties["EventPattern"]))
            targets = [{"Id": one["Id"], "Arn": one["Arn"]} for one in properties["Targets"]]
            events.put_targets(Rule=name, Targets=targets)
        self.urls["Copies"] = sqs.create_queue(QueueName="Copies")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:Copies"
        events.put_targets(Rule="LandingRule", Targets=[{"Id": "Copies", "Arn": arn}])


def _source(queue, function):
    """An event source mapping, as moto keeps it."""
    return SimpleNamespace(
        enabled=True,
        batch_size=10,
        function_name=function,
        event_source_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
        function_response_types=["ReportBatchItemFailures"],
    )


@pytest.fixture(scope="module")
def stack(endpoint, tmp_path_factory):
    made = Emulated(endpoint, tmp_path_factory.mktemp("functions"))
    for poller in made.pollers:
        poller.start()
    yield made
    for poller in made.pollers:
        poller.stop()
    made.runtime.stop()
    for poller in made.pollers:
        poller.join()


@pytest.fixture(scope="module")
def landed(stack):
    """Keys of objects that have landed, each of which has started its execution."""
    s3 = stack.client("s3")
    keys = [f"incoming/{n}{'-fail' if n < FAILING else ''} +é.csv" for n in range(UPLOADS)]
    for key in (*keys, "elsewhere/x.csv"):
        s3.put_object(Bucket=stack.bucket, Key=key, Body=b"text\nhello\n")
    eventually(lambda: len(stack.executions()) >= UPLOADS)
    return keys


def test_each_upload_becomes_one_execution_and_one_row_with_its_outcome(stack, landed):
    def finished():
        rows = stack.rows()
        running = [row for row in rows if row["status"]["S"] == "RUNNING"]
        return rows if len(rows) >= UPLOADS and not running else None

    rows = eventually(finished)
    executions = {one["name"]: one["status"] for one in stack.executions()}
    assert sorted(row["trigger"]["M"]["Key"]["S"] for row in rows) == sorted(landed)
    assert {row["name"]["S"]: row["status"]["S"] for row in rows} == executions
    assert list(executions.values()).count("FAILED") == FAILING
    failed = [row for row in rows if row["status"]["S"] == "FAILED"]
    assert {row["error"]["S"] for row in failed} == {"Bad"}


def test_an_event_that_comes_again_starts_nothing(stack, landed):
    sqs, url = stack.client("sqs"), stack.urls["LandingQueue"]
    copies = sqs.receive_message(QueueUrl=stack.urls["Copies"], MaxNumberOfMessages=10)["Messages"]
    for copy in copies:
        sqs.send_message(QueueUrl=url, MessageBody=copy["Body"])

    def is_empty():
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return {found[name] for name in names} == {"0"}

    eventually(is_empty)
    assert len(stack.executions()) == UPLOADS
    dead = sqs.receive_message(QueueUrl=stack.urls["LandingDeadLetterQueue"])
    assert "Messages" not in dead
