"""Reads from AWS for the checks; calls are named as IAM names them."""

import json
import urllib.request
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from botocore import xform_name

from landrun.adapters.clients import translated
from landrun.errors import ServiceError
from landrun_ops.stack.stack import Stack

_BOTO3_NAMES: Final = {"states": "stepfunctions", "servicequotas": "service-quotas"}
"""IAM's prefixes of services that boto3 names differently."""


class AwsReader:
    """Reads from the account of a stack; can be shared by threads."""

    def __init__(self, stack: Stack, now: datetime) -> None:
        self.stack, self.now = stack, now

    def ask(self, operation: str, missing: str = "", **parameters: Any) -> dict[str, Any]:
        """Call an operation such as ``events:DescribeRule``, and return its response.

        Returns an empty response for the error code ``missing``, and raises ServiceError when AWS
        refuses the call for another reason, or does not answer.
        """
        service, name = _in_boto3(operation)
        try:
            with translated(operation):
                answer: dict[str, Any] = getattr(self.stack.client(service), name)(**parameters)
        except ServiceError as error:
            if missing and error.code.startswith(missing):
                return {}
            raise
        return answer

    def pages(self, operation: str, key: str, **parameters: Any) -> list[Any]:
        """Call an operation page by page, and return all entries of the field ``key``.

        Raises ServiceError when AWS refuses the call, or does not answer.
        """
        service, name = _in_boto3(operation)
        with translated(operation):
            pages = self.stack.client(service).get_paginator(name).paginate(**parameters)
            return [entry for page in pages for entry in page.get(key) or ()]

    def fetch(self, url: str) -> bytes:
        """Read a presigned URL; raises ServiceError when it does not answer."""
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - AWS's own address
                return bytes(reply.read())
        except OSError as error:
            address = url.partition("?")[0]
            raise ServiceError(address, type(error).__name__, str(error)) from error

    def parameter(self, name: str, default: str = "") -> str:
        """Return a parameter of the stack, or the default if it is missing or empty."""
        return self.stack.parameters.get(name) or default

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in the stack's account and region."""
        _, partition, _, region, account, *_ = self.stack.output("StateMachineArn").split(":")
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    @cached_property
    def state_machine(self) -> dict[str, Any]:
        """The stack's state machine, as Step Functions describes it."""
        arn = self.stack.output("StateMachineArn")
        return self.ask("states:DescribeStateMachine", stateMachineArn=arn)

    @cached_property
    def definition(self) -> Any:
        """The definition of the stack's state machine."""
        return json.loads(self.state_machine["definition"])


def _in_boto3(operation: str) -> tuple[str, str]:
    service, _, name = operation.partition(":")
    return _BOTO3_NAMES.get(service, service), xform_name(name)
