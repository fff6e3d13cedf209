"""The door to Lambda for people: a function is invoked, and its answer waited for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from landrun.errors import LandrunError


class FunctionError(LandrunError):
    """A function that was invoked, and failed; says which and why."""


LONGEST_SECONDS = 900
"""Lambda's longest timeout: so long an answer may take."""


def invoke(client: Any, function: str, name: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Invoke a function once and return its result.

    Parameters
    ----------
    client : Lambda client
        boto3's; patient for `LONGEST_SECONDS`, and without retries, which would invoke it again.
    function : str
        What people call it: the template's name of it, for messages.
    name : str
        What it is called in the account.
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
    """Make ReconcileFunction's payload: what is younger than ``grace_seconds`` is left alone."""
    return {} if grace_seconds is None else {"GraceSeconds": grace_seconds}


def patient_config() -> Any:
    """Make botocore's settings of a Lambda client for `invoke`."""
    from botocore.config import Config  # noqa: PLC0415  (late: takes a third of a second)

    # Kept alive: NAT gateways and firewalls drop a connection that is silent for some minutes.
    return Config(
        read_timeout=LONGEST_SECONDS, retries={"total_max_attempts": 1}, tcp_keepalive=True
    )
