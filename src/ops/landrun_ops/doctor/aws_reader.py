"""The door to AWS for the preflight: every call is named as IAM names it, and made once."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore import xform_name
from botocore.config import Config
from botocore.parsers import ResponseParserError

from landrun.adapters.clients import translated
from landrun.errors import ServiceError

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

_SERVICES: Final = {"states": "stepfunctions", "servicequotas": "service-quotas"}
"""boto3's names of services, where IAM has others."""

_PERMISSIONS: Final = {
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:HeadBucket": "s3:ListBucket",
}
"""Permissions that are not called as their operation (Service Authorization Reference)."""

FETCHED: Final = 1_000_000
"""Bytes that are read of what a signed address has."""

_QUICK: Final = {"connect_timeout": 5, "read_timeout": 20}
"""Seconds: whoever asks what is wrong wants to know soon."""


def permission(operation: str) -> str:
    """Name the permission that an operation needs."""
    return _PERMISSIONS.get(operation, operation)


class Sight:
    """What can be seen of a stack; safe to be asked by several threads.

    Parameters
    ----------
    stack : Stack
        The stack.
    fetch : Callable
        Gives what lies at an address that AWS has signed.
    """

    def __init__(self, stack: Stack, fetch: Callable[[str], bytes] | None = None) -> None:
        self.stack = stack
        self.fetch = fetch or fetched
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._answers: dict[str, Future[Any]] = {}

    def ask(self, operation: str, **words: Any) -> dict[str, Any]:
        """Call an operation of AWS; the same question is asked once, whoever asks.

        Parameters
        ----------
        operation : str
            As in ``events:DescribeRule``.
        words : Any
            Its parameters.

        Raises
        ------
        ServiceError
            When AWS says no, or does not answer.
        """

        def call() -> dict[str, Any]:
            with _translated(operation):
                answer: dict[str, Any] = self._method(operation)(**words)
            return answer

        told: dict[str, Any] = self._once(f"{operation} {sorted(words.items())!r}", call)
        return told

    def all(self, operation: str, key: str, **words: Any) -> list[Any]:
        """Call an operation page by page, and give all that is under ``key``.

        Raises
        ------
        ServiceError
            When AWS says no, or does not answer.
        """

        def call() -> list[Any]:
            return list(self._pages(operation, key, **words))

        told: list[Any] = self._once(f"{operation} {key} {sorted(words.items())!r}", call)
        return told

    def model(self, service: str) -> Any:
        """Give what this SDK knows of a service: botocore's ``ServiceModel``."""
        return self._client(service).meta.service_model

    def _pages(self, operation: str, key: str, **words: Any) -> Iterator[Any]:
        service, _, name = operation.partition(":")
        with _translated(operation):
            for page in self._client(service).get_paginator(xform_name(name)).paginate(**words):
                yield from page.get(key) or ()

    def _once(self, question: str, call: Callable[[], Any]) -> Any:
        with self._lock:
            first = question not in self._answers
            answer = self._answers.setdefault(question, Future())
        if first:
            try:
                answer.set_result(call())
            except Exception as error:  # whoever asked gets it, whatever it is
                answer.set_exception(error)
        return answer.result()

    def _method(self, operation: str) -> Any:
        service, _, name = operation.partition(":")
        return getattr(self._client(service), xform_name(name))

    def _client(self, service: str) -> Any:
        with self._lock:  # a session makes no two clients at once
            if service not in self._clients:
                config = Config(**_QUICK, retries={"mode": "standard", "total_max_attempts": 4})  # type: ignore[arg-type]
                name = _SERVICES.get(service, service)
                self._clients[service] = self.stack.client(name, config)
            return self._clients[service]


@contextmanager
def _translated(operation: str) -> Iterator[None]:
    """Raise `ServiceError` for an answer that is none as well: a proxy's page, or moto's."""
    try:
        with translated(operation):
            yield
    except ResponseParserError as error:
        raise ServiceError(operation, type(error).__name__, "the answer is not AWS's") from error


def fetched(url: str) -> bytes:
    """Give what lies at an address that AWS has signed.

    Raises
    ------
    ServiceError
        When it does not answer, or is no address of AWS's.
    """
    host = urlsplit(url).hostname or "nowhere"
    if not url.startswith("https://"):
        raise ServiceError(f"https://{host}", "ValidationError", "not an https address")
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - https, see above
            content: bytes = reply.read(FETCHED)
    except OSError as error:
        code = str(getattr(error, "code", type(error).__name__))
        raise ServiceError(f"https://{host}", code, str(error)) from error
    return content
