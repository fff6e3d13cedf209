"""The clients of AWS's services, and the one place that translates botocore's errors.

The clients come from botocore, which boto3's clients are made of. boto3 itself adds file transfers
and resources, which nothing here uses, and a tenth to the imports of a cold start.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from landrun.errors import ServiceError

CONNECTIONS = 16
"""Connections that each client keeps open, and so the number of its calls that overlap."""

_USUAL = Config(
    retries={"mode": "adaptive", "total_max_attempts": 6}, max_pool_connections=CONNECTIONS
)
_BRIEF = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
"""For a service that a function can do without: it waits for an answer for 3 seconds at most."""

NOT_AWS = "UnexpectedAnswer"
"""The code of the `ServiceError` for an answer that is not one of AWS's."""

_UNREADABLE = (
    ResponseParserError,
    HTTPError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,  # S3 answers with a redirect, and so does what botocore asks next
)
"""What reading an answer raises where a proxy or another server answered in AWS's place."""


def client(service: str) -> Any:
    """Make the client of a service by its name in boto3, such as ``s3`` or ``stepfunctions``.

    botocore's adaptive retries slow down when a quota is exceeded.
    """
    config = _BRIEF if service == "logs" else _USUAL
    return _session().create_client(service, config=config)


@lru_cache
def _session() -> Any:
    """Return the process's session, which reads each service's description once."""
    return botocore.session.get_session()


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Raise `ServiceError`, with its cause, for whatever goes wrong with a call.

    ``operation`` names the call, such as ``states:StartExecution``.

    The block holds the call and what reads its answer: a member that is missing, or of another
    type, is an answer that AWS did not give.
    """
    try:
        yield
    except Exception as error:
        # A file transfer of boto3's wraps what its call raised.
        wrapped = type(error).__module__ == "boto3.exceptions" and error.__context__
        cause = wrapped or error
        if isinstance(cause, ClientError):
            answer: Any = cause.response
            details = answer.get("Error", {})
            code, message = details.get("Code", ""), details.get("Message", "")
            raise ServiceError(operation, code, message, answer) from error
        if isinstance(cause, BotoCoreError):
            raise ServiceError(operation, type(cause).__name__, str(cause)) from error
        if isinstance(cause, _UNREADABLE):
            message = f"the answer is not one of AWS's ({type(cause).__name__}: {cause})"
            raise ServiceError(operation, NOT_AWS, message) from error
        raise


@contextmanager
def except_for(*codes: str) -> Iterator[None]:
    """Suppress the `ServiceError` of AWS's answers that have one of these codes."""
    try:
        yield
    except ServiceError as error:
        if error.code not in codes:
            raise
