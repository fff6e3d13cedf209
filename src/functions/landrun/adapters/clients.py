"""The clients of AWS's services, and the one place that translates botocore's errors.

The clients come from botocore, which boto3's clients are made of. boto3 itself adds file transfers
and resources, which nothing here uses, and a tenth to the imports of a cold start.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from landrun.errors import ServiceError

CONNECTIONS = 16
"""Connections that each client keeps open, and so the number of its calls that overlap."""

_USUAL = Config(
    retries={"mode": "adaptive", "total_max_attempts": 6}, max_pool_connections=CONNECTIONS
)
_BRIEF = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
"""For a service that a function can do without: it waits for an answer for 3 seconds at most."""


def client(service: str) -> Any:
    """Make a client; botocore's adaptive retries slow down when a quota is exceeded.

    Parameters
    ----------
    service : str
        Its name in boto3, such as ``s3`` or ``stepfunctions``.
    """
    config = _BRIEF if service == "logs" else _USUAL
    return _session().create_client(service, config=config)


@lru_cache
def _session() -> Any:
    """Return the process's session, which reads each service's description once."""
    return botocore.session.get_session()


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Raise `ServiceError`, with its cause, for every error of botocore.

    Parameters
    ----------
    operation : str
        The call, such as ``states:StartExecution``.
    """
    try:
        yield
    except ClientError as error:
        answer: Any = error.response
        said = answer.get("Error", {})
        code, message = said.get("Code", ""), said.get("Message", "")
        raise ServiceError(operation, code, message, answer) from error
    except BotoCoreError as error:
        raise ServiceError(operation, type(error).__name__, str(error)) from error
