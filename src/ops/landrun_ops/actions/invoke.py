"""Invoke a function, and wait for its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from landrun.errors import LandrunError

LONGEST_SECONDS = 900
"""Lambda's longest timeout: so long an answer may take."""


class FunctionError(LandrunError):
    """A function that was invoked has failed."""


def invoke(client: Any, function: str, name: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Invoke a function once and return its result.

    Parameters
    ----------
    client : Lambda client
        boto3's, made with `patient_config`.
    function : str
        Its logical id in the template, for messages.
    name : str
        Its name in the account.
    event : Mapping[str, Any]
        Its payload.

    Raises
    ------
    FunctionError
        When it fails; says why.
    ServiceError
        When Lambda cannot be reached, or has no such function.
    """
    from landrun.adapters.clients import translated  # noqa: PLC0415  (late: it imports boto3)

    with translated("lambda:Invoke"):
        reply = client.invoke(FunctionName=name, Payload=json.dumps(event))
        result: dict[str, Any] = dict(json.loads(reply["Payload"].read()))
    if "FunctionError" in reply:
        why = f"{result.get('errorType', 'Error')}: {result.get('errorMessage', '')}"
        raise FunctionError(f"{function} failed: {why}")
    return result


def reconcile_event(grace_seconds: float | None) -> dict[str, Any]:
    """Make ReconcileFunction's payload; it leaves alone what is younger than ``grace_seconds``."""
    return {} if grace_seconds is None else {"GraceSeconds": grace_seconds}


def patient_config() -> Any:
    """Make botocore's settings for `invoke`: no retries, which would invoke a function again."""
    from botocore.config import Config  # noqa: PLC0415  (late: takes a third of a second)

    # Kept alive: NAT gateways and firewalls drop a connection that is silent for some minutes.
    return Config(
        read_timeout=LONGEST_SECONDS, retries={"total_max_attempts": 1}, tcp_keepalive=True
    )
