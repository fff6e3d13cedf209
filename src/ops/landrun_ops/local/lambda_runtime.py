"""Lambda on the laptop: each function runs its real handler in a process of its own."""

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
from collections.abc import Callable, Iterable, Iterator, Mapping
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, Final, NamedTuple

from landrun_ops.local.patches import Patches
from landrun_ops.local.state import Processes

INIT_SECONDS: Final = 60.0  # for a handler's imports, which its timeout does not count
RETRY_SECONDS: Final = 1.0  # then two; Lambda waits a minute, then two
Json = dict[str, Any]
Report = Callable[[str], None]


class DeployedFunction(NamedTuple):
    """A function of the stack: its code's folder, and its configuration as Lambda returns it."""

    logical_id: str
    code: Path
    configuration: Json


class Outcome(NamedTuple):
    """The end of an invocation: ``payload`` is the result, or the error if ``failed``."""

    payload: Any
    failed: bool = False

    @property
    def reason(self) -> str:
        """The error in one line."""
        return f"{self.payload['errorType']}: {self.payload['errorMessage']}"


class Lambda:
    """The functions of the stack by name, invoked synchronously and asynchronously.

    Asynchronous invocations that fail are retried, then sent to the failure destination:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html.
    ``asynchronous`` has the properties of their EventInvokeConfigs; ``sqs`` returns the client that
    signs as a function, by name.
    """

    def __init__(
        self,
        functions: Iterable[LocalFunction],
        asynchronous: Mapping[str, Json],
        sqs: Callable[[str], Any],
        report: Report,
    ) -> None:
        self.functions = {one.deployed["FunctionName"]: one for one in functions}
        self._asynchronous = asynchronous
        self._sqs = sqs
        self._report = report
        self._stopping = threading.Event()
        self._under_way: list[threading.Thread] = []

    def invoke(self, name: str, event: Any) -> Outcome:
        """Invoke a function and wait for its outcome."""
        return self.functions[name].invoke(event)

    def invoke_async(self, name: str, event: Any) -> None:
        """Invoke a function on a thread of its own and return at once."""
        if name not in self.functions:
            self._report(f"{name} is invoked, which is no function of the template")
            return
        thread = threading.Thread(target=self._run, args=(name, event), daemon=True)
        self._under_way.append(thread)
        thread.start()

    def stop(self) -> None:
        """Abandon retries, and end every function's process at once."""
        self._stopping.set()
        for function in self.functions.values():
            function.close()
        for thread in self._under_way:
            thread.join()

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Let moto's Lambda run these functions instead of Docker."""
        from moto.awslambda.models import LambdaFunction  # noqa: PLC0415  (late: takes seconds)

        def invoke(
            docker: Any, function: Any, body: Any, request: Any, response: dict[str, str]
        ) -> Any:
            name, event = function.function_name, json.loads(body or "{}")
            if name not in self.functions:  # made by hand, not by the template
                return docker(function, body, request, response)
            if request.get("X-Amz-Invocation-Type") == "Event":
                self.invoke_async(name, event)
                return b""
            outcome = self.invoke(name, event)
            if outcome.failed:
                response["x-amz-function-error"] = "Unhandled"
            return json.dumps(outcome.payload).encode()

        with Patches() as patches:
            patches.wrap(LambdaFunction, "invoke", invoke)
            yield

    def _run(self, name: str, event: Any) -> None:
        settings = self._asynchronous.get(name, {})
        attempts = 1 + settings.get("MaximumRetryAttempts", 2)
        for attempt in range(attempts):
            if attempt and self._stopping.wait(RETRY_SECONDS * attempt):
                return
            outcome = self.invoke(name, event)
            if not outcome.failed or self._stopping.is_set():
                return
        failure = settings.get("DestinationConfig", {}).get("OnFailure", {})
        if not failure:
            self._report(f"{name}: event dropped after {attempts} attempts: {outcome.reason}")
            return
        record = {
            "version": "1.0",
            "requestContext": {
                "functionArn": self.functions[name].deployed["FunctionArn"],
                "condition": "RetriesExhausted",
                "approximateInvokeCount": attempts,
            },
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": outcome.payload,
        }
        sqs, (account, queue) = self._sqs(name), failure["Destination"].split(":")[-2:]
        url = f"{sqs.meta.endpoint_url}/{account}/{queue}"  # its role may only send
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(record))
        self._report(f"{name}: event sent to {queue} after {attempts} attempts")


class LocalFunction:
    """One function and the warm process that runs it; one invocation at a time.

    ``access`` is the environment by which the handler finds the laptop's AWS and signs. Its output
    goes to a file in ``logs``; ``report`` gets a line for every failed invocation.
    """

    def __init__(
        self,
        function: DeployedFunction,
        *,
        access: Mapping[str, str],
        logs: Path,
        report: Report,
        processes: Processes,
    ) -> None:
        self.logical_id, self._code, self.deployed = function
        self._environment = _environment(self.deployed, self._code, access)
        self._log = logs / f"{self.logical_id}.log"
        self._timeout = float(self.deployed["Timeout"])
        self._report = report
        self._processes = processes
        self._one_at_a_time = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._connection: Any = None
        self._is_ready = self._is_closed = False

    def invoke(self, event: Any) -> Outcome:
        """Run the handler on ``event``, and return its outcome; raises nothing if it fails."""
        with self._one_at_a_time:
            reply = self._run(str(uuid.uuid4()), event)
            error = reply.get("error")
            if error and error["errorType"].startswith(("Runtime.", "Sandbox.")):
                self._end()  # the next invocation begins with a new process, as Lambda's does
        if error is None:
            return Outcome(reply["result"])
        outcome = Outcome(error, failed=True)
        if not self._is_closed:
            self._report(f"{self.logical_id} failed: {outcome.reason} (see {self._log})")
        return outcome

    def warm(self) -> None:
        """Start worker.py unless it runs; it ends when the other end of its socket closes."""
        if self._worker:
            return
        self._connection, theirs = Pipe()
        script = str(Path(__file__).with_name("worker.py"))
        # -P: the folder of worker.py stays off the handler's sys.path.
        command = [sys.executable, "-P", script, self.deployed["Handler"], str(theirs.fileno())]
        with theirs, self._log.open("ab") as output:
            self._worker = subprocess.Popen(  # noqa: S603
                command,
                env=self._environment,
                cwd=self._code,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._processes.add(self._worker.pid)
        self._is_ready = False

    def close(self) -> None:
        """End the process at once. The function cannot be invoked again."""
        self._is_closed = True
        self._kill()
        with self._one_at_a_time:  # an invocation under way has just lost its process, and returns
            self._end()

    def _run(self, request_id: str, event: Any) -> dict[str, Any]:
        if self._is_closed:
            return _error("Sandbox.Closed", "the laptop's AWS is closing")
        self.warm()
        invocation = {"id": request_id, "arn": self.deployed["FunctionArn"], "event": event}
        try:
            ready = {} if self._is_ready else self._receive(INIT_SECONDS)
            if "error" in ready:
                return ready
            self._is_ready, deadline = True, time.time() + self._timeout
            self._connection.send_bytes(json.dumps({**invocation, "deadline": deadline}).encode())
            return self._receive(self._timeout)
        except (EOFError, OSError):
            how = f"Runtime exited with error: {self._end()}"
            return _error("Runtime.ExitError", f"RequestId: {request_id} Error: {how}")

    def _receive(self, seconds: float) -> dict[str, Any]:
        """Return the next message, or a time-out; EOFError when the process has ended."""
        if not self._connection.poll(seconds):
            return _error("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")
        message: dict[str, Any] = json.loads(self._connection.recv_bytes())
        return message

    def _kill(self) -> None:
        if self._worker:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._worker.pid, signal.SIGKILL)

    def _end(self) -> str:
        """End the process group; return how the process ended, in Lambda's words."""
        if self._worker is None:
            return ""
        if self._connection.poll(0):  # it has hung up: let it end with its own status
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._worker.wait(1)
        self._kill()
        status, pid = self._worker.wait(), self._worker.pid
        self._connection.close()
        self._worker = None
        self._processes.remove(pid)
        return f"exit status {status}" if status >= 0 else f"signal: {signal.Signals(-status).name}"


def _environment(deployed: Json, code: Path, access: Mapping[str, str]) -> dict[str, str]:
    """Return the function's environment: Lambda's variables and this endpoint, none of the user's.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    variables = deployed.get("Environment", {}).get("Variables", {})
    return {
        **{name: str(value) for name, value in variables.items()},
        **{name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ},
        "LANG": "en_US.UTF-8",
        "TZ": "UTC",
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(code),
        "LAMBDA_TASK_ROOT": str(code),
        "_HANDLER": deployed["Handler"],
        **access,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_LAMBDA_FUNCTION_NAME": deployed["FunctionName"],
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(deployed["MemorySize"]),
    }


def _error(error_type: str, message: str) -> dict[str, Any]:
    return {"error": {"errorType": error_type, "errorMessage": message}}
