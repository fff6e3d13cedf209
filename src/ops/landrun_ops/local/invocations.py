"""Lambda's Invoke: from boto3 and the AWS CLI, and asynchronously from rules and schedules."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from landrun_ops.local.functions import Functions, Outcome, Report
from landrun_ops.local.stack import AsyncSettings

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

FIRST_RETRY_SECONDS: Final = 1.0
"""Lambda waits a minute, then two; here it is a second, then two."""


class Asynchronous:
    """Asynchronous invocations: retried when they fail, then sent to the failure destination.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html

    ``as_function`` gives the client of a function, by name: Lambda sends as the function's role.
    """

    def __init__(
        self,
        functions: Functions,
        settings: Mapping[str, AsyncSettings],
        sqs: SQSClient,
        report: Report,
        as_function: Callable[[str], SQSClient] | None = None,
    ) -> None:
        self._functions = functions
        self._settings = settings
        self._sqs = sqs
        self._as_function = as_function or (lambda _: sqs)
        self._report = report
        self._stopping = threading.Event()
        self._under_way: set[threading.Thread] = set()

    def invoke(self, function: str, event: Any) -> None:
        """Invoke ``function`` on a thread of its own and return at once."""
        thread = threading.Thread(
            target=self._run, args=(function, event), name=f"async {function}", daemon=True
        )
        self._under_way.add(thread)
        thread.start()

    def stop(self) -> None:
        """Give up retries; what is under way ends with its function's process."""
        self._stopping.set()

    def wait(self) -> None:
        """Wait for what is under way."""
        for thread in tuple(self._under_way):
            thread.join()

    def _run(self, function: str, event: Any) -> None:
        settings = self._settings.get(function, AsyncSettings())
        outcome = self._functions.named(function).invoke(event)
        for attempt in range(settings.retries):
            if not outcome.failed or self._stopping.wait(FIRST_RETRY_SECONDS * 2**attempt):
                break
            outcome = self._functions.named(function).invoke(event)
        if outcome.failed and not self._stopping.is_set():
            self._give_up(function, event, outcome, settings)
        self._under_way.discard(threading.current_thread())

    def _give_up(
        self, function: str, event: Any, outcome: Outcome, settings: AsyncSettings
    ) -> None:
        attempts = settings.retries + 1
        if not settings.destination:
            self._report(f"{function}: event dropped after {attempts} attempts: {outcome.reason}")
            return
        record = {
            "version": "1.0",
            "requestContext": {
                "functionArn": self._functions.named(function).settings.arn,
                "condition": "RetriesExhausted",
                "approximateInvokeCount": attempts,
            },
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": outcome.payload,
        }
        queue = settings.destination.rpartition(":")[2]
        url = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        self._as_function(function).send_message(QueueUrl=url, MessageBody=json.dumps(record))
        self._report(f"{function}: event sent to {queue} after {attempts} attempts")


@contextlib.contextmanager
def answered(functions: Functions, asynchronous: Asynchronous) -> Iterator[None]:
    """Let moto's Lambda run the functions' own processes, where it would start Docker."""
    from moto.awslambda.models import LambdaFunction  # noqa: PLC0415  (late: for start-up)

    def invoke(function: Any, body: Any, request: Any, response: dict[str, str]) -> Any:
        if function.function_name not in functions:  # made by hand, not by the template
            return docker(function, body, request, response)
        event = json.loads(body) if body else {}
        if request.get("X-Amz-Invocation-Type") == "Event":
            asynchronous.invoke(function.function_name, event)
            return b""
        if request.get("X-Amz-Invocation-Type") == "DryRun":
            return b""
        outcome = functions.named(function.function_name).invoke(event)
        if outcome.failed:
            response["x-amz-function-error"] = "Unhandled"
        return json.dumps(outcome.payload).encode()

    docker = LambdaFunction.invoke
    LambdaFunction.invoke = invoke
    try:
        yield
    finally:
        LambdaFunction.invoke = docker
