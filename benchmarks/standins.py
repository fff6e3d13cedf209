"""Stand-ins for AWS to measure with: botocore is real, from its signatures to its retries.

A client's requests are answered in process where they would be sent: what a caller's CPU does is
all there, and what a retry sleeps it sleeps. A stand-in may take the time that its service would.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict

from landrun.adapters.clients import client

ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_DEFAULT_REGION": "us-east-1",
}
"""What botocore wants to know before it signs anything."""


@dataclass
class Refusal(Exception):
    """An error that AWS answers with, and what the answer holds besides."""

    kind: str
    message: str
    about: Mapping[str, Any] = field(default_factory=dict)


Json = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Answers one operation, by its name and its parameters; or raises `Refusal`."""


@contextmanager
def unheard() -> Iterator[None]:
    """Let logs and metrics be written, but not seen."""
    with redirect_stdout(_NOWHERE):
        yield


class _Nowhere(io.TextIOBase):
    """Takes what is written. Never closed: Powertools' loggers keep the first one."""

    def write(self, text: str) -> int:
        return len(text)


_NOWHERE = _Nowhere()


class _Raw(io.BytesIO):
    """A body as urllib3 would give it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(65536):
            yield chunk


def answer(
    client: Any, reply: Callable[[AWSPreparedRequest], AWSResponse], seconds: float = 0.0
) -> Any:
    """Let requests of a client be answered in process, after so many seconds.

    Last of all handlers: a limiter of botocore's own has let the request go by then.
    """

    def handle(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        if seconds:
            time.sleep(seconds)
        return reply(request)

    client.meta.events.register_last("before-send", handle)
    return client


def json_service(act: Json) -> Callable[[AWSPreparedRequest], AWSResponse]:
    """Speak AWS's JSON protocol."""

    def reply(request: AWSPreparedRequest) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).partition(".")[2]
        try:
            return response(request, 200, json.dumps(act(operation, json.loads(_body(request)))))
        except Refusal as refusal:
            said = {"__type": refusal.kind, "message": refusal.message, **refusal.about}
            return response(request, 400, json.dumps(said))

    return reply


def response(
    request: AWSPreparedRequest, status: int, body: str | bytes = b"", **headers: str
) -> AWSResponse:
    """Spell an answer."""
    content = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    all_headers: Any = HeadersDict({"content-length": str(len(content)), **named})
    return AWSResponse(request.url, status, all_headers, _Raw(content))


class Clients:
    """The process's clients as landrun builds them, each answered by a stand-in.

    Give it to `handler_loader.load_handler`.
    """

    def __init__(self, **replies: tuple[Callable[[AWSPreparedRequest], AWSResponse], float]):
        self._replies = replies
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        """Give the client of a service."""
        if service not in self._made:
            reply, seconds = self._replies.get(service, (_nobody, 0.0))
            self._made[service] = answer(client(service), reply, seconds)
        return self._made[service]


def _nobody(request: AWSPreparedRequest) -> AWSResponse:
    raise NotImplementedError(f"nobody stands in for {request.url}")


class S3:
    """Objects in memory: PutObject (once, too), GetObject, ListObjectsV2 in one page.

    Attributes
    ----------
    calls
        Requests by method.
    objects
        Bodies with their user metadata, by bucket and key.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.objects: dict[tuple[str, str], tuple[bytes, dict[str, str]]] = {}

    def __call__(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer one request."""
        url = urlsplit(request.url)
        bucket, key = _bucket_and_key(url.netloc, unquote(url.path).lstrip("/"))
        if request.method == "PUT":
            self.calls["PutObject"] += 1
            return self._put(request, bucket, key)
        if "list-type" in url.query:
            self.calls["ListObjectsV2"] += 1
            return self._list(request, bucket, parse_qs(url.query))
        self.calls["GetObject"] += 1
        if (bucket, key) not in self.objects:
            return response(request, 404, _error("NoSuchKey"))
        body, about = self.objects[bucket, key]
        return response(request, 200, body, etag=_etag(body), **about)

    def _put(self, request: AWSPreparedRequest, bucket: str, key: str) -> AWSResponse:
        if "If-None-Match" in request.headers and (bucket, key) in self.objects:
            return response(request, 412, _error("PreconditionFailed"))
        body = _unchunked(request)
        about = {n: _text(v) for n, v in request.headers.items() if n.startswith("x-amz-meta-")}
        self.objects[bucket, key] = (body, about)
        return response(request, 200, etag=_etag(body))

    def _list(
        self, request: AWSPreparedRequest, bucket: str, asked: Mapping[str, list[str]]
    ) -> AWSResponse:
        prefix, after = (asked.get(name, [""])[0] for name in ("prefix", "start-after"))
        found = sorted(k for b, k in self.objects if b == bucket and k.startswith(prefix))
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[bucket, key][0])}</Size>"
            "<LastModified>2026-11-22T08:00:00.000Z</LastModified></Contents>"
            for key in found
            if key > after
        )
        return response(request, 200, f"<ListBucketResult>{contents}</ListBucketResult>")


def _bucket_and_key(host: str, path: str) -> tuple[str, str]:
    bucket, _, rest = host.partition(".s3.")
    if rest:
        return bucket, path
    bucket, _, key = path.partition("/")
    return bucket, key


def _unchunked(request: AWSPreparedRequest) -> bytes:
    """Read a body; botocore may send it in ``aws-chunked`` coding with a checksum behind."""
    content = _body(request)
    if _text(request.headers.get("Content-Encoding", "")) != "aws-chunked":
        return content
    parts = []
    while content:
        size, _, content = content.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if length == 0:
            break
        parts.append(content[:length])
        content = content[length + 2 :]
    return b"".join(parts)


def _body(request: AWSPreparedRequest) -> bytes:
    body: Any = request.body
    content: bytes = body if isinstance(body, bytes) else b"" if body is None else body.read()
    return content


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _etag(body: bytes) -> str:
    return f'"{md5(body, usedforsecurity=False).hexdigest()}"'


def _error(code: str) -> str:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"


class Bucket:
    """A quota of API calls: so many at once, refilled at so many per second; forks share it.

    Parameters
    ----------
    size, refill
        Step Functions' StartExecution: 1,300 and 300 per second in us-east-1, us-west-2 and
        eu-west-1, 800 and 150 elsewhere (developer guide, "Service quotas", "API action
        throttling").
    clock
        Tells seconds.
    """

    def __init__(
        self,
        size: float,
        refill: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._size, self._refill, self._clock = size, refill, clock
        # What several processes share: calls left, and when that was so.
        self._state: Any = multiprocessing.Array("d", 2)
        self.fill()

    def fill(self) -> None:
        """Be as full as after a quiet time."""
        self._state[:] = [self._size, self._clock()]

    def take(self) -> bool:
        """Take one call; False when there is none left now."""
        with self._state.get_lock():
            now, (before, at) = self._clock(), self._state[:]
            left: float = min(self._size, before + (now - at) * self._refill)
            taken = left >= 1
            self._state[:] = [left - taken, now]
            return taken


class StepFunctions:
    """StartExecution, once for each name, under a quota if there is one.

    Attributes
    ----------
    started
        When each name was started, in the seconds of ``time.monotonic``.
    throttled
        How many calls were refused.
    """

    def __init__(self, take: Callable[[], bool] = lambda: True) -> None:
        self._take = take
        self.started: dict[str, float] = {}
        self.throttled = 0

    def __call__(self, operation: str, call: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one call."""
        if operation != "StartExecution":
            raise NotImplementedError(operation)
        if not self._take():
            self.throttled += 1
            raise Refusal("ThrottlingException", "Rate exceeded")
        name = call["name"]
        self.started.setdefault(name, time.monotonic())
        arn = call["stateMachineArn"].replace(":stateMachine:", ":execution:")
        return {"executionArn": f"{arn}:{name}", "startDate": time.time()}
