"""A stand-in of AWS for the benchmarks; botocore is real, with its signatures and retries.

Requests of botocore are answered within this process, so that all processor time is the caller's,
and the sleeps of retries are real. An answer can take as long as the real service's.
"""

import io
import json
import multiprocessing
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.httpsession import URLLib3Session

Call = dict[str, Any]
Operations = Mapping[str, Callable[[Call], Call]]
"""Functions that answer an operation's parameters, by the operation's name."""


class Refused(Exception):
    """An error of AWS; the message is its code."""


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class Aws:
    """S3 in memory with ``keys`` objects, and the given operations of other services.

    ``operations`` are the functions that answer, ``seconds`` how long an answer takes, both by the
    operation's name; answers of the others take no time.
    """

    def __init__(
        self, operations: Operations, seconds: Mapping[str, float] | None = None, keys: int = 1
    ) -> None:
        self.calls: Counter[str] = Counter()
        self._operations, self._seconds, self._keys = operations, seconds or {}, keys
        self._objects: dict[str, bytes] = {}

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Answer every request of botocore in this process, for the block."""

        def send(_: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            return self.answer(request)

        with patch.object(URLLib3Session, "send", send):
            yield

    def answer(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer one request after the operation's time."""
        target = _text(request.headers.get("X-Amz-Target", "")).partition(".")[2]
        listing = "list-type=2" in request.url
        operation = target or ("ListObjectsV2" if listing else f"{request.method.title()}Object")
        self.calls[operation] += 1
        if self._seconds.get(operation):
            time.sleep(self._seconds[operation])
        if not target:
            return self._listing(request) if listing else self._s3(request)
        try:
            found = self._operations[operation](json.loads(request.body))
        except Refused as refused:
            return _response(request, 400, json.dumps({"__type": str(refused)}).encode())
        return _response(request, 200, json.dumps(found).encode())

    def _s3(self, request: AWSPreparedRequest) -> AWSResponse:
        if request.method == "PUT":
            body = request.body
            self._objects[request.url] = body if isinstance(body, bytes) else body.read()
            return _response(request, 200, b"")
        if request.url not in self._objects:
            return _response(request, 404, b"<Error><Code>NoSuchKey</Code></Error>")
        return _response(request, 200, self._objects[request.url])

    def _listing(self, request: AWSPreparedRequest) -> AWSResponse:
        """List a page of made-up keys; the token for the next page is how many were listed."""
        first = int(re.search(r"continuation-token=(\d+)|$", request.url)[1] or 0)
        last = min(first + 1000, self._keys)
        more = f"<NextContinuationToken>{last}</NextContinuationToken>" if last < self._keys else ""
        truncated = f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
        contents = "".join(
            f"<Contents><Key>incoming/{number:09}.jsonl</Key><Size>42</Size>"
            "<LastModified>2026-11-22T03:00:00.000Z</LastModified></Contents>"
            for number in range(first, last)
        )
        body = f"<ListBucketResult>{truncated}{more}{contents}</ListBucketResult>"
        return _response(request, 200, body.encode())


def _response(request: AWSPreparedRequest, status: int, body: bytes) -> AWSResponse:
    headers: Any = HeadersDict({"content-length": str(len(body))})
    return AWSResponse(request.url, status, headers, _Body(body))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


class Quota:
    """A token bucket of API calls, shared with forked processes; ``refill`` is per second."""

    def __init__(self, size: float, refill: float) -> None:
        self._size, self._refill = size, refill
        self._state: Any = multiprocessing.Array("d", [size, time.monotonic()])

    def take(self) -> None:
        """Take one call, or raise `Refused` when none is left."""
        with self._state.get_lock():
            now, (left, since) = time.monotonic(), self._state[:]
            left = min(self._size, left + (now - since) * self._refill)
            self._state[:] = [left - 1 if left >= 1 else left, now]
        if left < 1:
            raise Refused("ThrottlingException")


def start_execution(call: Call) -> Call:
    """Answer StartExecution."""
    arn = call["stateMachineArn"].replace(":stateMachine:", ":execution:")
    return {"executionArn": f"{arn}:{call.get('name', 'unnamed')}", "startDate": time.time()}


def describe_state_machine(call: Call) -> Call:
    """Answer DescribeStateMachine, which the notebook's ``Workflow.attach`` calls."""
    definition = '{"StartAt": "Wait", "States": {"Wait": {"Type": "Succeed"}}}'
    role = "arn:aws:iam::123456789012:role/states"
    known = {"stateMachineArn": call["stateMachineArn"], "name": "landrun", "type": "STANDARD"}
    return known | {"definition": definition, "roleArn": role, "creationDate": 1700000000.0}
