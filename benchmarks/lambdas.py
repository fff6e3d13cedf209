"""Functions to start and to call: what `sam build` makes, and the least that others could write.

All run on the same Python 3.13 with Lambda's own runtime client, under AWS's runtime interface
emulator (tests/sam), against one stand-in for AWS's services.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from handler_loader import ENVIRONMENT
from sam.build import compiled, handlers, overrides
from sam.invoke import free_port
from sam.tools import Tools, bare_environment, install, run

ROOT = Path(__file__).resolve().parents[1]
__all__ = [
    "Function",
    "Start",
    "Tools",
    "built",
    "cold_start",
    "free_port",
    "install",
    "notebook",
    "written",
]

CACHE = ROOT / ".landrun" / "bench"
"""What is made once for many runs: installed SDKs, and what SAM has built of the same sources."""

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:landrun"
SETTINGS = ENVIRONMENT | {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
    "TZ": "UTC",
    "POWERTOOLS_SERVICE_NAME": "landrun",
    "POWERTOOLS_METRICS_NAMESPACE": "landrun",
    "STATE_MACHINE_ARN": MACHINE,
    "MAX_OBJECTS_PER_RUN": "10000",
    "MAX_CONCURRENT_RUNS": "0",
    "SCHEDULED_INPUT": "s3://landings/incoming/",
    "SCHEDULE_TIMEZONE": "UTC",
}
"""What template.yaml gives the functions, all in one."""

EMPTY = """
def handler(event, context):
    return None
"""
BARE = f"""
import json
import boto3

states = boto3.client("stepfunctions")

def handler(event, context):
    for record in event["Records"]:
        body = json.loads(record["body"])
        states.start_execution(
            stateMachineArn="{MACHINE}", name=body["id"], input=json.dumps(body["detail"])
        )
"""
"""The least that starts an execution for an object that lands: no manifest, no name, no record."""

NOTEBOOK = f"""
import uuid
from stepfunctions.workflow import Workflow

def handler(event, context):
    Workflow.attach("{MACHINE}").execute(inputs={{
        "PreprocessingJobName": "bsm-batch-preprocessing-daily-" + uuid.uuid4().hex,
        "InputMessage": "s3://landings/incoming/",
        "OutputProcessedMessage": "s3://outputs/processed/",
    }})
"""
"""What the notebook does, in a Lambda, with its SDKs in the zip."""


@dataclass(frozen=True)
class Function:
    """A folder as Lambda unpacks it, a handler in it, and an event to call it with."""

    folder: Path
    handler: str
    event: bytes
    refuses: bool = False

    @property
    def megabytes(self) -> float:
        """What it takes unpacked, in 10^6 bytes."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in files) / 1e6


@dataclass(frozen=True)
class Start:
    """A cold start: seconds of importing the handler and of its first call, bytes at the most."""

    init: float
    first: float
    peak: int

    @property
    def whole(self) -> float:
        """Seconds until the first event is done, from the start of importing."""
        return self.init + self.first


def event(name: str) -> bytes:
    """Give one of the payloads of events/."""
    return (ROOT / "events" / f"{name}.json").read_bytes()


def written(folder: Path, source: str) -> Function:
    """Write a handler of a few lines into a folder of its own."""
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(source, encoding="utf-8")
    return Function(folder, "app.handler", event("object-created"))


def notebook(tools: Tools, *, compile_it: bool = False) -> Function:
    """Install the notebook's SDKs into a folder, once, as sources: so `sam build` would leave them.

    Compiled, it is what nobody has without `make build`; that is measured to be fair.
    """
    folder = CACHE / ("notebook-compiled" if compile_it else "notebook")
    if not (folder / "app.py").exists():
        shutil.rmtree(folder, ignore_errors=True)
        uv = ROOT / ".venv" / "bin" / "uv"
        target = ["--target", folder, "--python", tools.python, "--constraint", _unhashed()]
        run([uv, "pip", "install", "-q", *target, "stepfunctions", "sagemaker", "setuptools"])
        if compile_it:
            compiled(tools, folder)
        (folder / "app.py").write_text(NOTEBOOK, encoding="utf-8")
    return Function(folder, "app.handler", event("object-created"))


def _unhashed() -> Path:
    """The versions of requirements/ops.txt without their hashes, which constraints may not have."""
    CACHE.mkdir(parents=True, exist_ok=True)
    lines = (ROOT / "requirements/ops.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.removesuffix(" \\") for line in lines if re.match(r"[a-z0-9].*==", line)]
    found = CACHE / "constraints.txt"
    found.write_text("\n".join(pins) + "\n", encoding="utf-8")
    return found


def built(tools: Tools, folder: Path) -> dict[str, Function]:
    """Build the functions as `make build` does, and pair them with payloads."""
    command = [tools.sam, "build", "--cached", "--cache-dir", CACHE / "sam", "--build-dir", folder]
    run([*command, "--template", ROOT / "template.yaml", *overrides()], env=tools.environment())
    events = {
        "object_created": event("object-created"),
        "schedule": event("schedule-tick"),
        "execution_status": event("execution-running"),
        "reconcile": b'{"GraceSeconds": "none of its losses"}',  # refused once all is built
    }
    found = {}
    for code, handler in handlers(folder / "template.yaml").values():
        compiled(tools, code)
        name = handler.split(".")[-2]
        found[name] = Function(code, handler, events[name], refuses=name == "reconcile")
    return found


def cold_start(tools: Tools, function: Function, scratch: Path, endpoint: str) -> Start:
    """Start a process of a function, call it once, and end it."""
    log, port = scratch / "emulator.log", free_port()
    addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    addresses += ["--runtime-api-address", f"127.0.0.1:{free_port()}"]
    client = [tools.python, "-m", "awslambdaric", function.handler]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [tools.emulator, "--log-level", "info", *addresses, *client],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_environment(tools, function, endpoint),
            cwd=function.folder,
            start_new_session=True,
        )
    try:
        _check(_call(port, function.event), function)
        return _read(log, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(tools: Tools, function: Function, endpoint: str) -> dict[str, str]:
    """Lambda's code is read-only: nothing is compiled for the next start."""
    return bare_environment() | {
        "PYTHONPATH": str(tools.packages),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(function.folder),
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_ENDPOINT_URL": endpoint,
        **SETTINGS,
    }


def _call(port: int, payload: bytes) -> bytes:
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    for _ in range(500):
        with suppress(urllib.error.URLError):
            answer: bytes = urllib.request.urlopen(url, payload, timeout=60).read()
            return answer
        time.sleep(0.01)
    raise TimeoutError("the emulator does not listen")


def _check(answer: bytes, function: Function) -> None:
    """See that the call did what it is measured for."""
    failed = b"errorType" in answer or b"itemIdentifier" in answer
    if failed != function.refuses:
        raise RuntimeError(f"{function.handler} answered {answer[:2000]!r}")


def _read(log: Path, emulator: int) -> Start:
    text = log.read_text(encoding="utf-8", errors="replace")
    init = re.search(r"INIT REPORT\(durationMs: ([\d.]+)", text)
    first = re.search(r"INVOKE RTDONE\(.*duration: ([\d.]+)ms", text)
    if not init or not first:
        raise RuntimeError(f"no report of a start:\n{text[-3000:]}")
    return Start(float(init[1]) / 1000, float(first[1]) / 1000, _peak(emulator))


def _peak(parent: int) -> int:
    """Give the most memory that a child of the emulator has had: VmHWM, in bytes."""
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            text = status.read_text(encoding="utf-8")
            if f"\nPPid:\t{parent}\n" in text:
                return int(re.search(r"VmHWM:\s+(\d+)", text)[1]) * 1024  # type: ignore[index]
    return 0
