"""Which state machine a command is about: that of an ARN, or that of a stack."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from landrun.errors import ConfigurationError
from landrun_ops.cli.target import Target

if TYPE_CHECKING:
    from landrun.models.run import InputFormat
    from landrun.models.s3_uri import S3Uri

ARN_VARIABLE = "LANDRUN_STATE_MACHINE_ARN"
STACK_VARIABLE = "LANDRUN_STACK"


class Machine(NamedTuple):
    """A state machine, and what reaches it.

    ``landing``, ``output_bucket`` and ``input_format`` are the stack's, or their defaults for a
    machine of an ARN.
    """

    arn: str
    client: Callable[[str], Any]
    landing: S3Uri | None = None
    output_bucket: str = ""
    input_format: InputFormat = "manifest"


def client_of(target: Target, service: str) -> Any:
    """Make a client of the account that a command's options, or else its environment, say."""
    from boto3.session import Session  # noqa: PLC0415  (start-up time)

    from landrun.adapters.clients import translated  # noqa: PLC0415

    with translated(f"boto3 client {service}"):
        session = Session(profile_name=target.profile or None, region_name=target.region or None)
        return session.client(service)  # type: ignore[call-overload]


def found(target: Target, arn: str) -> Machine:
    """Find the machine: of the ARN or, without one, of the stack.

    Raises
    ------
    ConfigurationError
        When there is neither.
    ServiceError
        When AWS cannot be reached, or has no such stack.
    """
    if arn and not _is_of_another_stack(target, arn):
        return Machine(arn, lambda service: client_of(target, service))
    try:
        stack = target.find()
    except ConfigurationError as error:
        if target.stack:
            raise
        raise ConfigurationError(
            f"no state machine: give --state-machine-arn or set {ARN_VARIABLE}, or name a stack"
            " with --stack; for the laptop's AWS: landrun local up"
        ) from error
    machine = stack.output("StateMachineArn")
    bucket = stack.output("OutputBucket")
    return Machine(machine, stack.client, stack.landing, bucket, stack.input_message_format)


def _is_of_another_stack(target: Target, arn: str) -> bool:
    """Whether the ARN is only what the environment says, and the options name another stack."""
    names_another = target.stack not in ("", os.environ.get(STACK_VARIABLE))
    return names_another and arn == os.environ.get(ARN_VARIABLE)
