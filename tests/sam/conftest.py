"""AWS's SAM CLI on what is deployed, with functions in Docker and the laptop's AWS beside them."""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import boto3
import pytest
import yaml
from botocore.config import Config

from landrun_ops.local import LocalAws

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".landrun/sam"
SAM = ROOT / ".venv-sam/bin/sam"
LANDRUN = ROOT / ".venv/bin/landrun"
VARIABLES = WORK / "variables.json"
ARCHITECTURE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
OVERRIDES = ("--parameter-overrides", f"Architecture={ARCHITECTURE}")
PATIENCE = 120
"""Seconds until anything has happened, at most."""

LANDED = ("landrun-landingbucket-1a2b3c4d5e6f", "incoming/2026/11/22/messages.jsonl")
"""The object that most payloads of events/ are about: it is there, so that its run succeeds."""

PREFIX = "sam"
"""Of the runs that the functions start; those of the payloads about executions say landrun."""

PARAMETERS = {
    "JobNamePrefix": PREFIX,
    "ScheduleExpression": "rate(365 days)",
    "ScheduledInput": "nightly/",
}


def environment(**more):
    """This process's environment, without what would lead to somebody's AWS account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nowhere = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    python = Path((WORK / "python").read_text().strip())
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    sam = {"PATH": path, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}
    return {**kept, **nowhere, **sam, "AWS_EC2_METADATA_DISABLED": "true", **more}


def run(*command, **more):
    done = subprocess.run(
        command, env=environment(**more), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def eventually(holds, what):
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.2)
    return found


@contextmanager
def running(log, *command, **more):
    """Run a program in a group of its own for the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            env=environment(**more),
            start_new_session=True,
            preexec_fn=heed_interrupts,  # noqa: PLW1509  (no thread runs yet that could hold a lock)
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def heed_interrupts():
    """Let SIGINT end a program that is started where a shell ignores it, as in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Stack:
    """A stack on the laptop's AWS, and its functions in Docker."""

    def __init__(self, env, functions_port):
        self.env = env
        self._functions = boto3.client(
            "lambda",
            endpoint_url=f"http://127.0.0.1:{functions_port}",
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=Config(read_timeout=PATIENCE, retries={"total_max_attempts": 1}),
        )
        self.client = cache(LocalAws.attach(WORK / "state").client)
        self.client("s3").create_bucket(Bucket=LANDED[0])
        self.land(*LANDED)
        self.land(env["LANDRUN_LANDING_BUCKET"], "nightly/orders.jsonl")

    def invoke(self, function, payload):
        """Invoke a function with a payload of events/, and return its answer."""
        body = (ROOT / f"events/{payload}.json").read_bytes()
        reply = self._functions.invoke(FunctionName=function, Payload=body)
        return json.loads(reply["Payload"].read())

    def land(self, bucket, key):
        body = (ROOT / "samples/orders.jsonl").read_bytes()
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def executions(self):
        pages = self.client("stepfunctions").get_paginator("list_executions")
        found = pages.paginate(stateMachineArn=self.env["LANDRUN_STATE_MACHINE_ARN"])
        return {one["name"] for page in found for one in page["executions"]}

    def row(self, name):
        """Return a run's row; empty when there is none."""
        found = self.client("dynamodb").get_item(
            TableName=self.env["LANDRUN_RUNS_TABLE"], Key={"name": {"S": name}}, ConsistentRead=True
        )
        return found.get("Item", {})

    def forget(self, name):
        table = self.env["LANDRUN_RUNS_TABLE"]
        self.client("dynamodb").delete_item(TableName=table, Key={"name": {"S": name}})

    def dead_letters(self, queue):
        found = self.client("sqs").get_queue_attributes(
            QueueUrl=self.env[f"LANDRUN_{queue}_DEAD_LETTER_QUEUE_URL"],
            AttributeNames=["ApproximateNumberOfMessages"],
        )
        return int(found["Attributes"]["ApproximateNumberOfMessages"])


def resources(template, kind):
    """Return the properties of a built template's resources of one type."""

    class Loader(yaml.SafeLoader):
        """Reads CloudFormation's tags as what they stand before."""

    Loader.add_multi_constructor("!", lambda loader, _, node: loader.construct_scalar(node))
    content = yaml.load(template.read_text(encoding="utf-8"), Loader)
    return {
        name: one["Properties"]
        for name, one in content["Resources"].items()
        if one["Type"] == f"AWS::Serverless::{kind}"
    }


@pytest.fixture(scope="session")
def built():
    """What `sam build` and `make build` leave: the template that `sam deploy` deploys."""
    run(SAM, "build", "--build-dir", WORK / "build", *OVERRIDES)
    template = WORK / "build/template.yaml"
    folders = [WORK / "build" / one["CodeUri"] for one in resources(template, "Function").values()]
    run("sh", "requirements/compile.sh", *folders)
    return template


@pytest.fixture(scope="session")
def local_options(built):
    """The options of `sam local`: no image is pulled, and containers reach the laptop."""
    image = WORK / "image"
    stand_in = ["--invoke-image", image.read_text().strip()] if image.exists() else []
    host = ["--add-host", "host.docker.internal:host-gateway", "--skip-pull-image"]
    return ["--template", str(built), *OVERRIDES, *host, *stand_in]


@pytest.fixture(scope="session")
def local_env():
    """`landrun local up --listen` runs, and this is what `landrun local env` shows."""
    state, log = f"--state-dir={WORK / 'state'}", WORK / "up.log"
    options = [f"--parameter={key}={value}" for key, value in PARAMETERS.items()]
    listen = ("--listen", "host.docker.internal")
    with running(log, LANDRUN, "local", "up", *listen, state, *options):
        eventually(lambda: "ready at" in log.read_text(), f"landrun local up, see {log}")
        assert "can run commands as you" in log.read_text()
        VARIABLES.write_text(run(LANDRUN, "local", "env", "--sam", state))
        yield json.loads(run(LANDRUN, "local", "env", "--json", state))


@pytest.fixture(scope="session")
def stack(local_env, local_options):
    """The stack whose functions `sam local start-lambda` runs, in containers that stay."""
    port, log = free_port(), WORK / "start-lambda.log"
    command = (SAM, "local", "start-lambda", "--port", str(port), "--no-watch")
    variables = ("--env-vars", VARIABLES, "--warm-containers", "EAGER")
    with running(log, *command, *variables, *local_options, **local_env):
        eventually(lambda: listens(port), f"sam local start-lambda, see {log}")
        yield Stack(local_env, port)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
