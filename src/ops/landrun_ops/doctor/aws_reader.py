"""Reads from AWS for the checks, which name calls as IAM does."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore import xform_name

from landrun.adapters.clients import translated
from landrun.errors import ServiceError

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

_BOTO3_NAMES: Final = {"states": "stepfunctions", "servicequotas": "service-quotas"}
"""Services whose names in boto3 and IAM differ."""

FETCH_LIMIT: Final = 1_000_000
"""The most bytes that are read from a signed address."""

METRIC_PERIOD: Final = 300
"""Seconds."""


def fetched(url: str) -> bytes:
    """Read an address that AWS has signed.

    Raises
    ------
    ServiceError
        When it is not an https address, or does not answer.
    """
    host = f"https://{urlsplit(url).hostname}"
    if not url.startswith("https://"):
        raise ServiceError(host, "ValidationError", "not an https address")
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - https, see above
            content: bytes = reply.read(FETCH_LIMIT)
    except OSError as error:
        code = str(getattr(error, "code", type(error).__name__))
        raise ServiceError(host, code, str(error)) from error
    return content


class AwsReader:
    """Reads from an account; threads may share it.

    Parameters
    ----------
    client : Callable
        Returns the boto3 client of a service.
    fetch : Callable
        Reads an address that AWS has signed.
    """

    def __init__(
        self, client: Callable[[str], Any], fetch: Callable[[str], bytes] = fetched
    ) -> None:
        self.client = client
        self.fetch = fetch

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation such as ``events:DescribeRule``, and return its response.

        Raises
        ------
        ServiceError
            When AWS refuses the call, or does not answer.
        """
        service, name = _in_boto3(operation)
        with translated(operation):
            answer: dict[str, Any] = getattr(self.client(service), name)(**parameters)
        return answer

    def find(self, operation: str, *missing: str, **parameters: Any) -> dict[str, Any] | None:
        """Call an operation, and return its response; None if its error code says "not there".

        Raises
        ------
        ServiceError
            When AWS refuses the call for another reason, or does not answer.
        """
        try:
            return self.ask(operation, **parameters)
        except ServiceError as error:
            if error.code in missing:
                return None
            raise

    def pages(self, operation: str, key: str, **parameters: Any) -> list[Any]:
        """Call an operation page by page, and return all entries of the field ``key``.

        Raises
        ------
        ServiceError
            When AWS refuses the call, or does not answer.
        """
        service, name = _in_boto3(operation)
        with translated(operation):
            pages = self.client(service).get_paginator(name).paginate(**parameters)
            return [entry for page in pages for entry in page.get(key) or ()]


def _in_boto3(operation: str) -> tuple[str, str]:
    service, _, name = operation.partition(":")
    return _BOTO3_NAMES.get(service, service), xform_name(name)


class StackReader(AwsReader):
    """Reads from the account of a stack.

    Parameters
    ----------
    stack : Stack
        The stack that is checked.
    now : datetime
        The present, aware.
    project : Path or None
        The folder of template.yaml, if there is one.
    """

    def __init__(
        self,
        stack: Stack,
        now: datetime,
        project: Path | None = None,
        fetch: Callable[[str], bytes] = fetched,
    ) -> None:
        super().__init__(stack.client, fetch)
        self.stack, self.now, self.project = stack, now, project

    def parameter(self, name: str, default: str = "") -> str:
        """Return a parameter of the stack; the default also where it is empty."""
        return self.stack.parameters.get(name) or default

    def output(self, name: str) -> str:
        """Return an output of the stack.

        Raises
        ------
        ConfigurationError
            When the stack has none of that name.
        """
        return self.stack.output(name)

    def state_machine(self) -> dict[str, Any]:
        """Describe the stack's state machine."""
        return self.ask(
            "states:DescribeStateMachine", stateMachineArn=self.output("StateMachineArn")
        )

    def definition(self) -> Any:
        """Return the definition of the stack's state machine."""
        return json.loads(self.state_machine()["definition"])

    def tick_schedule(self) -> dict[str, Any] | None:
        """Describe the schedule of the stack's ticks; None if there is none."""
        group, name = self.output("ScheduleArn").split("/")[-2:]
        missing = "ResourceNotFoundException"
        return self.find("scheduler:GetSchedule", missing, Name=name, GroupName=group)

    def last_invocation(self, function: str, since: datetime) -> datetime | None:
        """Return the end of the last period in which a function was invoked; None for none."""
        metric = {
            "Namespace": "AWS/Lambda",
            "MetricName": "Invocations",
            "Dimensions": [{"Name": "FunctionName", "Value": function}],
        }
        stat = {"Metric": metric, "Period": METRIC_PERIOD, "Stat": "Sum"}
        answer = self.ask(
            "cloudwatch:GetMetricData",
            MetricDataQueries=[{"Id": "invocations", "MetricStat": stat}],
            StartTime=since,
            EndTime=self.now,
        )
        times: list[datetime] = answer["MetricDataResults"][0]["Timestamps"]
        return max(times) + timedelta(seconds=METRIC_PERIOD) if times else None
