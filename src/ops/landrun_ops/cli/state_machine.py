"""Which state machine a command is about: that of an ARN, or that of a stack."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from landrun.errors import ConfigurationError
from landrun_ops.cli.console import complain
from landrun_ops.cli.target import Target

if TYPE_CHECKING:
    from landrun.models.run import InputFormat
    from landrun.models.s3_uri import S3Uri

ARN_VARIABLE = "LANDRUN_STATE_MACHINE_ARN"
STACK_VARIABLE = "LANDRUN_STACK"


class Machine(NamedTuple):
    """A state machine, and what is known of its stack.

    Attributes
    ----------
    arn : str
        Its ARN.
    client : Callable
        Returns the client of a service.
    landing : S3Uri or None
        Bucket and prefix whose objects start runs; None if no stack is known.
    output_bucket : str
        The stack's; empty if no stack is known.
    input_format : str
        What ``InputMessage`` holds.
    """

    arn: str
    client: Callable[[str], Any]
    landing: S3Uri | None = None
    output_bucket: str = ""
    input_format: InputFormat = "manifest"


def clients_of(target: Target) -> Callable[[str], Any]:
    """Make clients of the account that a command's options or its environment name."""
    from landrun_ops.stack.clients import Clients  # noqa: PLC0415  (start-up time)

    return Clients(profile=target.profile, region=target.region, report=complain)


def find_machine(target: Target, arn: str) -> Machine:
    """Find the machine of the ARN or, without one, of the stack.

    Raises
    ------
    ConfigurationError
        When there is neither.
    ServiceError
        When AWS cannot be reached, or has no such stack.
    """
    if arn and not _is_of_another_stack(target, arn):
        bucket = os.environ.get("LANDRUN_OUTPUT_BUCKET", "")
        return Machine(arn, clients_of(target), _landing_of_environment(), bucket)
    try:
        stack = target.find()
    except ConfigurationError as error:
        if target.stack:
            raise
        raise ConfigurationError(
            f"no state machine: give --state-machine-arn or set {ARN_VARIABLE}, or name a stack"
            " with --stack; for the laptop's AWS: landrun local up"
        ) from error
    machine, bucket = stack.output("StateMachineArn"), stack.output("OutputBucket")
    return Machine(machine, stack.client, stack.landing, bucket, stack.input_message_format)


def _is_of_another_stack(target: Target, arn: str) -> bool:
    """Return True if the ARN is only the environment's, and the options name another stack."""
    names_another = target.stack not in ("", os.environ.get(STACK_VARIABLE))
    return names_another and arn == os.environ.get(ARN_VARIABLE)


def _landing_of_environment() -> S3Uri | None:
    """Read what ``landrun local env`` exports."""
    from landrun.models.s3_uri import S3Uri  # noqa: PLC0415  (start-up time)

    bucket, prefix = (os.environ.get(f"LANDRUN_LANDING_{name}") for name in ("BUCKET", "PREFIX"))
    return S3Uri(bucket, prefix) if bucket and prefix is not None else None
