"""Finds the parameters with which landrun runs an existing state machine."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from landrun.errors import ConfigurationError, ServiceError
from landrun.models.run import PREFIX_LIMIT
from landrun.sanitize import json_object
from landrun_ops.doctor import permissions, state_machine
from landrun_ops.doctor.aws_reader import AwsReader
from landrun_ops.doctor.checks import OF_GIVEN_STATE_MACHINE, Check
from landrun_ops.stack.stack import Stack

CHECKS: Final[Sequence[Check]] = (
    state_machine.state_machine,
    *OF_GIVEN_STATE_MACHINE,
    *(state_machine.retries, state_machine.time_limit, permissions.state_machine_role),
)
PAST_EXECUTIONS: Final = 20
"""How many of the newest executions are read in order to propose prefixes."""

_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:[A-Za-z0-9_-]{1,80}"
)


def region_of(arn: str) -> str:
    """Return the region of a state machine whose ARN the parameter StateMachineArn may have.

    Raises ConfigurationError when it is another ARN, such as that of a version or an alias.
    """
    if not _ARN.fullmatch(arn):
        raise ConfigurationError(
            "give the ARN of a state machine without version or alias, such as"
            " arn:aws:states:eu-central-1:123456789012:stateMachine:NAME; those there are:"
            " aws stepfunctions list-state-machines"
        )
    return arn.split(":")[3]


def read(client: Any, arn: str) -> AwsReader:
    """Read a state machine, and return the stack that would run it, with fitting parameters.

    Raises ServiceError when there is no such state machine, or it may not be read.
    """
    parameters, outputs = {"StateMachineArn": arn}, {"StateMachineArn": arn}
    aws = AwsReader(Stack("", region_of(arn), outputs, parameters, client), datetime.now(UTC))
    input_format = state_machine.fitting_format(aws.definition)
    if input_format:
        parameters["InputMessageFormat"] = outputs["InputMessageFormat"] = input_format
    parameters["JobNamePrefix"] = job_name_prefix(aws.state_machine["name"])
    parameters |= _common_folders(_past_inputs(aws))
    return aws


def _past_inputs(aws: AwsReader) -> list[dict[str, Any]]:
    """Return the inputs of the newest executions not started by landrun; none if unreadable."""
    machine = {"stateMachineArn": aws.stack.output("StateMachineArn")}
    try:
        found = aws.ask("states:ListExecutions", **machine, maxResults=PAST_EXECUTIONS)
        arns = [one["executionArn"] for one in found["executions"]]
        answers = [aws.ask("states:DescribeExecution", executionArn=arn) for arn in arns]
    except ServiceError:
        return []
    inputs = [json_object(one.get("input")) for one in answers]
    return [one for one in inputs if "InputMessage" in one and "Trigger" not in one]


def _common_folders(inputs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Propose the folders that all past executions read and wrote, if neither holds the other."""
    read, written = [], []
    for one in inputs:
        job = str(one.get("PreprocessingJobName") or "\0")
        read.append(str(one["InputMessage"]))
        written.append(str(one.get("OutputProcessedMessage")).partition(job)[0])
    landing, output = (
        re.sub("^s3://[^/]*/?|[^/]*$", "", posixpath.commonprefix(uris)) for uris in (read, written)
    )
    if landing.startswith(output) or output.startswith(landing):
        return {}
    return {"LandingPrefix": landing, "OutputPrefix": output}


def job_name_prefix(text: str) -> str:
    """Derive a JobNamePrefix from a name: whole words of it, at most 21 characters.

    >>> job_name_prefix("bsm-batch-preprocessing-daily")
    'bsm-batch'
    """
    words: list[str] = re.findall(r"[a-z0-9]+", text.lower()) or ["landrun"]
    prefix = words[0][:PREFIX_LIMIT]
    for word in words[1:]:
        if len(prefix) + 1 + len(word) > PREFIX_LIMIT:
            break
        prefix = f"{prefix}-{word}"
    return prefix
