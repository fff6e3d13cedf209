"""Run one Lambda function's handler in this process, one invocation after the other.

Started as a script by ``lambda_runtime``, with the function's own environment: ``python -P
worker.py module.handler FD``. Imports nothing but the standard library, so that the handler finds
only modules of the zip and of Lambda's runtime. By the socket ``FD`` comes ``{"id", "arn",
"deadline", "event"}``, with seconds since the epoch; out goes ``{"ready": true}`` once, then per
invocation ``{"result"}`` or ``{"error"}``, with the names of Lambda's own runtime.
"""

import importlib
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

Handler = Callable[[Any, "Context"], Any]


class Context:
    """What of Lambda's context object a Python handler uses."""

    def __init__(self, request_id: str, arn: str, deadline: float) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left before the function's timeout."""
        return max(0, int((self._deadline - time.time()) * 1000))


def main() -> None:
    """Serve invocations until the other end of the socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="[%(levelname)s] %(message)s")
    connection = Connection(int(sys.argv[2]))
    inbox: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(connection, inbox), daemon=True).start()
    handler = _load(connection, *sys.argv[1].rpartition(".")[::2])
    _send(connection, {"ready": True})
    while True:
        _send(connection, _answer(handler, inbox.get()))


def _load(connection: Connection, module_name: str, attribute: str) -> Handler:
    """Import the handler; send the error, whatever it is, and end the process if that fails."""
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except BaseException as error:
        traceback.print_exc()
        why = f"Unable to import module '{module_name}': {type(error).__name__}: {error}"
        _send(connection, _error("Runtime.ImportModuleError", why))
        sys.exit(0)
    handler: Handler | None = getattr(module, attribute, None)
    if handler is None:
        why = f"Handler '{attribute}' missing on module '{module_name}'"
        _send(connection, _error("Runtime.HandlerNotFound", why))
        sys.exit(0)
    return handler


def _answer(handler: Handler, invocation: dict[str, Any]) -> dict[str, Any]:
    context = Context(invocation["id"], invocation["arn"], invocation["deadline"])
    try:
        return {"result": json.loads(json.dumps(handler(invocation["event"], context)))}
    except Exception as error:
        traceback.print_exc()
        return _error(type(error).__name__, str(error))


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"errorType": kind, "errorMessage": message}}


def _receive(connection: Connection, inbox: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Fill ``inbox``; when the other end is gone, end this process and all that it started."""
    try:
        while True:
            inbox.put(json.loads(connection.recv_bytes()))
    except (EOFError, OSError):
        os.killpg(0, signal.SIGKILL)  # it leads a group of its own


def _send(connection: Connection, message: dict[str, Any]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    connection.send_bytes(json.dumps(message).encode())


if __name__ == "__main__":
    main()
