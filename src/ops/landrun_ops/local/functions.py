"""Lambda functions on the laptop: each runs its real handler in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, Final

from landrun_ops.local.errors import LocalAwsError

INIT_SECONDS: Final = 60.0
"""Longest wait for a handler's imports; they do not count against the function's timeout."""

Report = Callable[[str], None]
"""Takes one line that people should see."""


@dataclass(frozen=True)
class FunctionSettings:
    """A deployed function, as Lambda's GetFunctionConfiguration tells it, and where its code is."""

    logical_id: str
    name: str
    arn: str
    handler: str
    timeout: float
    memory: int
    environment: Mapping[str, str]
    code: Path


@dataclass(frozen=True)
class Outcome:
    """What an invocation came to: ``payload`` is the result, or the error when ``failed``."""

    payload: Any
    failed: bool = False

    @property
    def reason(self) -> str:
        """The error in one line."""
        return f"{self.payload['errorType']}: {self.payload['errorMessage']}"


class Functions:
    """The functions of the stack, by name."""

    def __init__(self, functions: Iterable[LocalFunction]) -> None:
        self._by_name = {function.settings.name: function for function in functions}

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def named(self, name: str) -> LocalFunction:
        """Return the function called ``name``.

        Raises
        ------
        LocalAwsError
            When the template has no such function.
        """
        if name not in self._by_name:
            raise LocalAwsError(f"the template has no function {name}")
        return self._by_name[name]

    def warm(self) -> None:
        """Start every function's process without waiting for its imports."""
        for function in self._by_name.values():
            function.warm()

    def close(self) -> None:
        """End every function's process."""
        for function in self._by_name.values():
            function.close()


class LocalFunction:
    """One function and the warm process that runs it; one invocation at a time.

    Parameters
    ----------
    settings
        What is deployed.
    access
        The environment by which the handler finds the laptop's AWS, and signs its requests.
    log
        The file that takes what the handler prints and logs.
    report
        Told of every invocation that failed, in one line.
    """

    def __init__(
        self,
        settings: FunctionSettings,
        *,
        access: Mapping[str, str],
        log: Path,
        report: Report,
    ) -> None:
        self.settings = settings
        self._access = access
        self._log = log
        self._report = report
        self._turn = threading.Lock()
        self._process: _Process | None = None
        self._closed = False

    def invoke(self, event: Any) -> Outcome:
        """Run the handler on ``event`` and return its outcome, never an exception of its own."""
        request_id = str(uuid.uuid4())
        with self._turn:
            reply = self._run(request_id, event)
        if "error" not in reply:
            return Outcome(reply["result"])
        outcome = Outcome(reply["error"], failed=True)
        if not self._closed:
            self._report(f"{self.settings.logical_id} failed: {outcome.reason} (see {self._log})")
        return outcome

    def warm(self) -> None:
        """Start the process, so that the first invocation finds it ready."""
        with self._turn:
            self._running()

    def close(self) -> None:
        """End the process, whatever it is doing. The function cannot be invoked again."""
        self._closed = True
        running = self._process
        if running:
            running.kill()
        with self._turn:  # an invocation under way has just lost its process, and returns
            if self._process:
                self._end(self._process)

    def _run(self, request_id: str, event: Any) -> dict[str, Any]:
        if self._closed:
            return _error("Sandbox.Closed", "the laptop's AWS is closing")
        process = self._running()
        try:
            refused = process.await_ready()
            if refused:
                self._end(process)
                return refused
            deadline = time.time() + self.settings.timeout
            process.send({**self._invocation(request_id, event), "deadline": deadline})
            reply = process.receive(deadline - time.time())
        except (EOFError, OSError):
            return self._end(process, request_id)
        return reply if reply is not None else self._time_out(process, request_id)

    def _invocation(self, request_id: str, event: Any) -> dict[str, Any]:
        return {"id": request_id, "arn": self.settings.arn, "event": event}

    def _running(self) -> _Process:
        if self._process is None:
            self._process = _Process(self.settings, self._environment(), self._log)
        return self._process

    def _time_out(self, process: _Process, request_id: str) -> dict[str, Any]:
        self._end(process)
        seconds = f"{self.settings.timeout:.2f}"
        return _error(
            "Sandbox.Timedout",
            f"RequestId: {request_id} Error: Task timed out after {seconds} seconds",
        )

    def _end(self, process: _Process, request_id: str = "") -> dict[str, Any]:
        """Let the next invocation begin with a new process, as Lambda does after a failure."""
        status = process.close()
        self._process = None
        return _error(
            "Runtime.ExitError",
            f"RequestId: {request_id} Error: Runtime exited with error: {status}",
        )

    def _environment(self) -> dict[str, str]:
        """Return what Lambda gives a function and what leads it here; nothing of the user's.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
        """
        settings = self.settings
        return {
            **settings.environment,
            **{name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ},
            "LANG": "en_US.UTF-8",
            "TZ": "UTC",
            "PYTHONUTF8": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(settings.code),
            "LAMBDA_TASK_ROOT": str(settings.code),
            "_HANDLER": settings.handler,
            **self._access,
            # Nothing of the user's own AWS profile may reach a handler.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_LAMBDA_FUNCTION_NAME": settings.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{settings.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        }


class _Process:
    """A running worker.py and the socket to it."""

    def __init__(self, settings: FunctionSettings, environment: dict[str, str], log: Path) -> None:
        self._door, theirs = Pipe()
        worker = Path(__file__).with_name("worker.py")
        # -P: the folder of worker.py stays off the handler's sys.path.
        command = [sys.executable, "-P", str(worker), settings.handler, str(theirs.fileno())]
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                env=environment,
                cwd=settings.code,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._ready = False

    def await_ready(self) -> dict[str, Any] | None:
        """Wait for the handler's imports; return the error when they failed."""
        if self._ready:
            return None
        reply = self.receive(INIT_SECONDS)
        if reply is None:
            return _error("Sandbox.Timedout", f"imports took more than {INIT_SECONDS:.0f} seconds")
        self._ready = bool(reply["ready"])
        return None if self._ready else reply

    def send(self, message: dict[str, Any]) -> None:
        self._door.send_bytes(json.dumps(message).encode())

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """Return the next message, or None when none came in time; EOFError when it ended."""
        if not self._door.poll(max(0.0, seconds)):
            return None
        message: dict[str, Any] = json.loads(self._door.recv_bytes())
        return message

    def kill(self) -> None:
        """End the process and all it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> str:
        """Make sure that all has ended; return how the process ended, as Lambda words it."""
        if self._door.poll(0):  # it has hung up: let it end with its own status
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        self.kill()
        status = self._process.wait()
        self._door.close()
        return f"exit status {status}" if status >= 0 else f"signal: {signal.Signals(-status).name}"


def _error(error_type: str, message: str) -> dict[str, Any]:
    return {"error": {"errorType": error_type, "errorMessage": message}}
