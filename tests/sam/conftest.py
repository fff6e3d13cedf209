"""AWS's SAM CLI on what is deployed, with functions in Docker and the laptop's AWS beside them."""

import json
import os
import platform
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from landrun_ops.local import LocalAws
from laptop_stack import LaptopStack, eventually

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".landrun/sam"
SAM = ROOT / ".venv-sam/bin/sam"
LANDRUN = ROOT / ".venv/bin/landrun"
VARIABLES = WORK / "variables.json"
ARCHITECTURE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
OVERRIDES = ("--parameter-overrides", f"Architecture={ARCHITECTURE}")

PREFIX = "sam"
"""Of the runs that the functions start; those of the payloads about executions say landrun."""

PARAMETERS = (f"JobNamePrefix={PREFIX}", "ScheduledInput=nightly/")


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


@contextmanager
def running(log, *command, **more):
    """Run a program for the block, and write into a file what it says."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, stdout=output, stderr=output, cwd=ROOT, env=environment(**more)
        ) as process,
    ):
        yield
        process.terminate()


@pytest.fixture(scope="session")
def built():
    """What `sam build` and `make build` leave: the folder of each function, by its name."""
    folder = WORK / "build"
    run(SAM, "build", "--build-dir", folder, *OVERRIDES)
    functions = {one.name: one for one in folder.glob("*Function")}
    run("sh", "requirements/compile.sh", *functions.values())
    return functions


@pytest.fixture(scope="session")
def local_options(built):
    """The options of `sam local`: no image is pulled, and containers reach the laptop."""
    image = WORK / "image"
    stand_in = ["--invoke-image", image.read_text().strip()] if image.exists() else []
    host = ["--add-host", "host.docker.internal:host-gateway", "--skip-pull-image"]
    return ["--template", str(WORK / "build/template.yaml"), *OVERRIDES, *host, *stand_in]


@pytest.fixture(scope="session")
def local_env():
    """`landrun local up --listen` runs, and this is what `landrun local env` shows."""
    state, log = f"--state-dir={WORK / 'state'}", WORK / "up.log"
    options = [f"--parameter={one}" for one in PARAMETERS]
    listen = ("--listen", "host.docker.internal")
    with running(log, LANDRUN, "local", "up", *listen, state, *options):
        eventually(lambda: "ready at" in log.read_text())
        assert "can run commands as you" in log.read_text()
        VARIABLES.write_text(run(LANDRUN, "local", "env", "--sam", state))
        yield json.loads(run(LANDRUN, "local", "env", "--json", state))


@pytest.fixture(scope="session")
def stack(local_env, load_event):
    """The stack on the laptop's AWS, with an object for ticks, and the one that payloads name."""
    stack = LaptopStack(LocalAws.attach(WORK / "state"))
    landed = json.loads(load_event("object-created")["Records"][0]["body"])["detail"]
    stack.client("s3").create_bucket(Bucket=landed["bucket"]["name"])
    orders = (ROOT / "samples/orders.jsonl").read_bytes()
    stack.put(landed["bucket"]["name"], landed["object"]["key"], orders)
    stack.put(stack.outputs["LandingBucket"], "nightly/orders.jsonl", orders)
    return stack


@pytest.fixture(scope="session")
def invoke(stack, local_env, local_options):
    """``invoke(function, payload)`` answers by `sam local start-lambda`, in warm containers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = (SAM, "local", "start-lambda", "--port", str(port), "--no-watch")
    variables = ("--env-vars", VARIABLES, "--warm-containers", "EAGER")
    log = WORK / "start-lambda.log"
    functions = boto3.client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(read_timeout=120, retries={"total_max_attempts": 1}),
    )

    def answer(function, payload):
        body = (ROOT / f"events/{payload}.json").read_bytes()
        reply = functions.invoke(FunctionName=function, Payload=body)
        return json.loads(reply["Payload"].read())

    with running(log, *command, *variables, *local_options, **local_env):
        eventually(lambda: f"Running on http://127.0.0.1:{port}" in log.read_text())
        yield answer
