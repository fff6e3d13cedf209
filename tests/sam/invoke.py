"""Ways to invoke a function with a payload: SAM's CLI, boto3's `lambda.invoke`, Lambda's emulator.

Each takes a function's logical id and a payload's name, and gives what the function answered.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from . import expected
from .build import handlers, overrides
from .laptop import eventually
from .steps import Failure
from .tools import REGION, ROOT, WORK, Tools, bare_environment, finished

Invoke = Callable[[str, str], Any]
HOST = ["--add-host", "host.docker.internal:host-gateway"]
LONGEST = 120  # seconds


def answered(stdout: str, stderr: str = "") -> Any:
    """Read what `sam local invoke` wrote: its exit status says nothing about the function.

    Raises
    ------
    Failure
        When it is nothing, or not JSON.
    """
    try:
        return json.loads(stdout.strip())
    except ValueError:
        last = "\n".join(stderr.strip().splitlines()[-12:])
        raise Failure(f"no answer but {stdout.strip()[:300]!r}:\n{last}") from None


def sam_local(
    tools: Tools, built: Path, variables: Path, image: Sequence[str], shell: Mapping[str, str]
) -> Invoke:
    """`sam local invoke`, a container for each; ``shell`` is what `landrun local env` gives."""
    options = _options(built, variables, image)

    def invoke(function: str, payload: str) -> Any:
        event = ["--event", str(expected.path(payload))]
        command = [str(tools.sam), "local", "invoke", function, *event, *options]
        done = finished(command, LONGEST, env=tools.environment() | shell, cwd=ROOT)
        if done.returncode:
            raise Failure(f"sam local invoke exited with {done.returncode}:\n{done.stderr[-1500:]}")
        return answered(done.stdout, done.stderr)

    return invoke


def _options(built: Path, variables: Path, image: Sequence[str]) -> list[str]:
    given = ["--template", str(built), "--env-vars", str(variables)]
    return [*given, *image, *HOST, *overrides()]


@contextmanager
def start_lambda(
    tools: Tools, built: Path, variables: Path, image: Sequence[str], shell: Mapping[str, str]
) -> Iterator[Invoke]:
    """`sam local start-lambda` for the block, with containers that stay, invoked by boto3."""
    port = free_port()
    options = _options(built, variables, image)
    command = [str(tools.sam), "local", "start-lambda", "--port", str(port), "--no-watch", *options]
    log = WORK / "start-lambda.log"
    environment = tools.environment() | shell
    with _running([*command, "--warm-containers", "EAGER"], environment, log, ROOT):
        eventually(lambda: listens(port), f"sam local start-lambda, see {log}")
        client = _client(port)
        yield lambda function, payload: _invoke(client, function, payload, log)


@contextmanager
def emulated(
    tools: Tools, built: Path, variables: Mapping[str, Mapping[str, str]], name: str
) -> Iterator[Invoke]:
    """What was built, under Lambda's own runtime client and emulator, for the block; no Docker."""
    emulator, clients, logs = tools.emulator, {}, {}
    with ExitStack() as running:
        for function, (code, handler) in handlers(built).items():
            port = free_port()
            environment = _lambda_environment(tools, function, code, variables[function])
            addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
            addresses += ["--runtime-api-address", f"127.0.0.1:{free_port()}"]
            client = [str(tools.python), "-m", "awslambdaric", handler]
            log = logs[function] = WORK / f"{name}-{function}.log"
            running.enter_context(_running([emulator, *addresses, *client], environment, log, code))
            clients[function] = _client(port)
            eventually(partial(listens, port), f"the emulator of {function}, see {log}")
        # The emulator knows one function, which it calls `function`.
        yield lambda function, payload: _invoke(
            clients[function], "function", payload, logs[function]
        )


def _lambda_environment(
    tools: Tools, function: str, code: Path, variables: Mapping[str, str]
) -> dict[str, str]:
    given = {name: str(value) for name, value in variables.items()}
    return bare_environment() | {
        "PYTHONPATH": str(tools.packages),
        "AWS_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(LONGEST),
        "LAMBDA_TASK_ROOT": str(code),
        "TZ": "UTC",
        **given,
    }


def _client(port: int) -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="landrun",
        aws_secret_access_key="landrun",  # pragma: allowlist secret
        region_name=REGION,
        config=Config(read_timeout=LONGEST, retries={"total_max_attempts": 1}),
    )


def _invoke(client: Any, function: str, payload: str, log: Path) -> Any:
    body = expected.path(payload).read_bytes()
    try:
        reply = client.invoke(FunctionName=function, Payload=body)
    except (BotoCoreError, ClientError) as error:
        raise Failure(f"lambda.invoke: {error}; see {log}") from error
    return answered(reply["Payload"].read().decode())


@contextmanager
def _running(
    command: Sequence[str | Path], environment: Mapping[str, str], log: Path, folder: Path
) -> Iterator[None]:
    """Run a program for the block, in a group of its own; end all of the group."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
    try:
        yield
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, name)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            continue
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
