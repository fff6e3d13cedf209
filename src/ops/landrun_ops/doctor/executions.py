"""Executions under way, and what those of an earlier deployment ask of today's roles.

An execution keeps the definition and the input that it was started with, but the policies of the
roles change with each deployment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from landrun.sanitize import json_object
from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.findings import Finding, listed, ok, warn

READ: Final = 20
"""Executions whose definition and input are read, the oldest first."""

_KEY: Final = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")
_NETWORK: Final = re.compile(r"\b(?:subnet|sg)-[0-9A-Za-z]+\b")
_IMAGE: Final = re.compile(r'"ImageUri": ?"([^"]+)"')


class Execution(NamedTuple):
    """An execution under way: its name, the definition that it keeps, and its input."""

    name: str
    definition: str
    input: Mapping[str, Any]


def running(aws: StackReader) -> Iterator[Finding]:
    """The roles still allow what running and waiting executions were started for."""
    executions = running_executions(aws, aws.output("StateMachineArn"))
    oldest = sorted(executions, key=lambda one: one["startDate"])[:READ]
    needs: dict[str, list[str]] = {}
    for one in oldest:
        execution = _read(aws, one["executionArn"])
        for parameter in earlier_parameters(execution, aws.stack.parameters, aws.stack.outputs):
            needs.setdefault(parameter, []).append(execution.name)
    yield from (_will_fail(parameter, runs) for parameter, runs in needs.items())
    if not executions:
        yield ok("no execution is running or waiting")
    elif not needs:
        count = len(executions)
        yield ok(
            f"the roles still allow the oldest {READ} of {count:,} running or waiting executions"
            if count > READ
            else f"the roles still allow each running or waiting execution ({count})"
        )


def running_executions(aws: Any, state_machine_arn: str) -> list[dict[str, Any]]:
    """Return the executions that run or wait: Step Functions has both as RUNNING."""
    found: list[dict[str, Any]] = aws.pages(
        "states:ListExecutions",
        "executions",
        stateMachineArn=state_machine_arn,
        statusFilter="RUNNING",
    )
    return found


def _read(aws: StackReader, arn: str) -> Execution:
    about = aws.ask("states:DescribeExecution", executionArn=arn)
    kept = aws.ask("states:DescribeStateMachineForExecution", executionArn=arn)
    return Execution(about["name"], kept["definition"], json_object(about.get("input")))


def earlier_parameters(
    execution: Execution, parameters: Mapping[str, str], outputs: Mapping[str, str]
) -> Iterator[str]:
    """Yield the parameters of an earlier deployment that today's roles no longer allow."""
    if not execution.name.startswith(f"{parameters.get('JobNamePrefix', '')}-"):
        yield "JobNamePrefix"
    for field, name, also in (
        ("InputMessage", "ManifestPrefix", f"s3://{outputs['LandingBucket']}/"),
        ("OutputProcessedMessage", "OutputPrefix", ""),
    ):
        here = f"s3://{outputs['OutputBucket']}/{parameters.get(name, '')}"
        uri = str(execution.input.get(field, here))
        if not uri.startswith(here) and not (also and uri.startswith(also)):
            yield name
    keys = {parameters.get("KmsKeyArn"), *parameters.get("PreviousKmsKeyArns", "").split(",")}
    if {*_KEY.findall(execution.definition)} - keys:
        yield "PreviousKmsKeyArns"
    network = ",".join(parameters.get(name, "") for name in ("SubnetIds", "SecurityGroupIds"))
    if {*_NETWORK.findall(execution.definition)} - {*network.split(",")}:
        yield "SubnetIds"
    own = outputs.get("ImageRepositoryUri", "")
    images = _IMAGE.findall(execution.definition)
    if not parameters.get("ImageUri") and any(not one.startswith(own) for one in images):
        yield "ImageUri"


def _will_fail(parameter: str, runs: list[str]) -> Finding:
    one = len(runs) == 1
    says = (
        f"{len(runs):,} execution{'' if one else 's'} of an earlier deployment"
        f" need{'s' if one else ''} another {parameter}, and will fail: {listed(runs)}"
    )
    if parameter == "PreviousKmsKeyArns":
        return warn(says, "sam deploy with the earlier key in PreviousKmsKeyArns")
    return warn(
        says,
        f"sam deploy with the earlier {parameter} until they have ended, or landrun stop and"
        " landrun rerun them",
    )
