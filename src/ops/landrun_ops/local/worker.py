"""Run one Lambda function's handler in this process, one invocation after the other.

Started as a script by :mod:`landrun_ops.local.functions`, with the function's own environment:
``python -P worker.py module.handler FD``, where ``FD`` is the socket on which invocations come in
and results go out. Imports nothing of landrun_ops and nothing but the standard library, so that
the handler finds only what the zip and Lambda's runtime would give it.

In comes ``{"id", "arn", "deadline", "event"}``, where ``deadline`` is seconds since the epoch.
Out goes ``{"ready": true}`` once, then per invocation ``{"result"}`` or ``{"error": {"errorType",
"errorMessage", "stackTrace"}}`` under the names of Lambda's own runtime.
"""

from __future__ import annotations

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
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left before the function's timeout."""
        return max(0, int((self._deadline - time.time()) * 1000))


def main() -> None:
    """Serve invocations until the other end of the socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="[%(levelname)s] %(message)s")
    door = Connection(int(sys.argv[2]))
    try:
        handler = load(sys.argv[1])
    except Exception as error:
        _send(door, {"ready": False, "error": _described(error)})
        return
    inbox: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(door, inbox), daemon=True).start()
    _send(door, {"ready": True})
    while True:
        _send(door, answer(handler, inbox.get()))


def load(name: str) -> Handler:
    """Import ``module.handler``.

    Raises
    ------
    ImportModuleError
        When the module cannot be imported, whatever the reason.
    HandlerNotFoundError
        When the module has no such function.
    """
    module_name, _, attribute = name.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except BaseException as error:
        raise ImportModuleError(module_name, error) from error
    handler = getattr(module, attribute, None)
    if not callable(handler):
        raise HandlerNotFoundError(module_name, attribute)
    loaded: Handler = handler
    return loaded


def answer(handler: Handler, invocation: dict[str, Any]) -> dict[str, Any]:
    """Run ``handler`` on one invocation and return what goes back: its result or its error."""
    context = Context(invocation["id"], invocation["arn"], invocation["deadline"])
    try:
        result = handler(invocation["event"], context)
        return {"result": json.loads(json.dumps(result))}
    except Exception as error:
        traceback.print_exc()
        return {"error": _described(error)}


class ImportModuleError(Exception):
    """A handler's module that cannot be imported."""

    error_type = "Runtime.ImportModuleError"

    def __init__(self, module: str, cause: BaseException) -> None:
        super().__init__(f"Unable to import module '{module}': {type(cause).__name__}: {cause}")
        traceback.print_exception(cause)


class HandlerNotFoundError(Exception):
    """A handler's module without the handler."""

    error_type = "Runtime.HandlerNotFound"

    def __init__(self, module: str, attribute: str) -> None:
        super().__init__(f"Handler '{attribute}' missing on module '{module}'")


def _described(error: Exception) -> dict[str, Any]:
    return {
        "errorType": getattr(error, "error_type", type(error).__name__),
        "errorMessage": str(error),
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def _receive(door: Connection, inbox: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Fill ``inbox``; end the process when the other end is gone, even amid an invocation."""
    try:
        while True:
            inbox.put(json.loads(door.recv_bytes()))
    except (EOFError, OSError):
        os._exit(0)


def _send(door: Connection, message: dict[str, Any]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    door.send_bytes(json.dumps(message).encode())


if __name__ == "__main__":
    main()
