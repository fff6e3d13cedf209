"""Invoke a function, and wait for its answer."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.config import Config

from landrun.adapters.clients import translated
from landrun.errors import LandrunError

LONGEST_SECONDS = 900
"""Seconds that an answer may take: Lambda's longest timeout."""


class FunctionError(LandrunError):
    """An invoked function failed."""


def invoke(client: Any, function: str, name: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Invoke a function once and return its result.

    The client is made with `patient_config`, ``function`` is its logical id in the template, for
    messages, and ``name`` its name in the account. Raises FunctionError when it fails, with the
    reason; ServiceError when Lambda cannot be reached, or has no such function.
    """
    with translated("lambda:Invoke"):
        reply = client.invoke(FunctionName=name, Payload=json.dumps(event))
        result: dict[str, Any] = dict(json.loads(reply["Payload"].read()))
    if "FunctionError" in reply:
        why = f"{result.get('errorType', 'Error')}: {result.get('errorMessage', '')}"
        raise FunctionError(f"{function} failed: {why}")
    return result


def reconcile_event(grace_seconds: float | None) -> dict[str, Any]:
    """Make ReconcileFunction's payload; it skips events younger than ``grace_seconds``."""
    return {} if grace_seconds is None else {"GraceSeconds": grace_seconds}


def patient_config() -> Config:
    """Make botocore's settings for `invoke`: no retries, which would invoke a function again.

    Connections are kept alive: NAT gateways and firewalls drop one that is silent for some minutes.
    """
    return Config(
        read_timeout=LONGEST_SECONDS, retries={"total_max_attempts": 1}, tcp_keepalive=True
    )
