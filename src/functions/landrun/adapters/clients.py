"""The clients of AWS's services, and the one place where botocore's errors become landrun's.

They come from botocore, which is what boto3's are made by: boto3 itself adds transfers of files and
resources, which nothing here uses, and a tenth to the time that a cold start takes to import.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from landrun.errors import ServiceError

CALLS_AT_ONCE = 16
"""Connections that a client keeps; with more calls at once, each of the rest would open its own."""

_MAKING = Lock()
"""A session makes one client after the other; threads may ask for one at the same time."""


@lru_cache
def client(service: str) -> Any:
    """Give the process's client of a service; botocore's adaptive retries wait for quotas.

    Parameters
    ----------
    service : str
        As boto3 names it: ``s3``, ``stepfunctions``.
    """
    patient = Config(
        retries={"mode": "adaptive", "total_max_attempts": 6}, max_pool_connections=CALLS_AT_ONCE
    )
    with _MAKING:
        return _session().create_client(service, config=patient)


@lru_cache
def _session() -> Any:
    """Give the one session of the process: what it reads of AWS's services, it reads once."""
    return botocore.session.get_session()


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Raise `ServiceError`, with its cause, for whatever botocore raises.

    Parameters
    ----------
    operation : str
        What is called, as in ``states:StartExecution``.
    """
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        answer: Any = error.response
        code, message = said.get("Code", ""), said.get("Message", "")
        raise ServiceError(operation, code, message, answer) from error
    except BotoCoreError as error:
        raise ServiceError(operation, type(error).__name__, str(error)) from error
