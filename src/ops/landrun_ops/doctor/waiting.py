"""Executions that wait or run under an earlier deployment, and what they ask of today's roles.

An execution keeps the definition and the input that it was started with. Policies change with the
deployment, and some name parameters: what such a parameter named before is refused from then on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import Finding, listed, ok, warn

AREA: Final = "state machine"
LOOKED_AT: Final = 20
"""Executions whose definition and input are read, the oldest first."""

_KEY: Final = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")
_NETWORK: Final = re.compile(r"\b(?:subnet|sg)-[0-9A-Za-z]+\b")
_IMAGE: Final = re.compile(r'"ImageUri": ?"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution under way: its name, the definition it keeps, and its input."""

    name: str
    definition: str
    input: Mapping[str, Any]


def refused(
    execution: Execution, parameters: Mapping[str, str], outputs: Mapping[str, str]
) -> Iterator[str]:
    """Name the parameters of an earlier deployment that today's roles no longer admit."""
    if not execution.name.startswith(f"{parameters.get('JobNamePrefix', '')}-"):
        yield "JobNamePrefix"
    for field, name in (
        ("InputMessage", "ManifestPrefix"),
        ("OutputProcessedMessage", "OutputPrefix"),
    ):
        here = (
            f"s3://{outputs['OutputBucket']}/{parameters.get(name, '')}",
            f"s3://{outputs['LandingBucket']}/" if field == "InputMessage" else "s3://none/",
        )
        if not str(execution.input.get(field, here[0])).startswith(here):
            yield name
    keys = {parameters.get("KmsKeyArn"), *parameters.get("PreviousKmsKeyArns", "").split(",")}
    if {*_KEY.findall(execution.definition)} - keys:
        yield "PreviousKmsKeyArns"
    network = parameters.get("SubnetIds", "").split(",")
    network += parameters.get("SecurityGroupIds", "").split(",")
    if {*_NETWORK.findall(execution.definition)} - {*network}:
        yield "SubnetIds"
    own = outputs.get("ImageRepositoryUri", "")
    images = _IMAGE.findall(execution.definition)
    if not parameters.get("ImageUri") and any(not one.startswith(own) for one in images):
        yield "ImageUri"


def judge_waiting(
    executions: Sequence[Execution],
    count: int,
    parameters: Mapping[str, str],
    outputs: Mapping[str, str],
) -> list[Finding]:
    """Judge whether the executions under way can still do what they were started for.

    Parameters
    ----------
    executions : sequence of Execution
        Those that were looked at.
    count : int
        How many are under way.
    """
    names: dict[str, list[str]] = {}
    for execution in executions:
        for parameter in refused(execution, parameters, outputs):
            names.setdefault(parameter, []).append(execution.name)
    if names:
        return [_will_fail(parameter, runs) for parameter, runs in names.items()]
    if not count:
        return [ok("no execution is running or waiting")]
    looked = f"the oldest {len(executions)}" if count > len(executions) else "each"
    return [ok(f"{count:,} executions are running or waiting; the roles still admit {looked}")]


def _will_fail(parameter: str, runs: Sequence[str]) -> Finding:
    one = len(runs) == 1
    says = (
        f"{len(runs):,} execution{'' if one else 's'} of an earlier deployment"
        f" need{'s' if one else ''} another {parameter}, and will fail: {listed([*runs])}"
    )
    if parameter == "PreviousKmsKeyArns":
        return warn(says, "sam deploy with the earlier key in PreviousKmsKeyArns")
    return warn(
        says,
        f"sam deploy with the earlier {parameter} until they have ended, or landrun stop and"
        " landrun rerun them",
    )


def checks(sight: Sight) -> list[Check]:
    """Give the check of executions under way; none where the roles are not the stack's."""
    if sight.stack.parameters.get("StateMachineArn"):
        return []
    return [Check(AREA, "executions", lambda: _waiting(sight))]


def _waiting(sight: Sight) -> list[Finding]:
    stack = sight.stack
    running = sight.all(
        "states:ListExecutions",
        "executions",
        stateMachineArn=stack.output("StateMachineArn"),
        statusFilter="RUNNING",
    )
    oldest = sorted(running, key=lambda one: one["startDate"])[:LOOKED_AT]
    found = [_execution(sight, one["executionArn"]) for one in oldest]
    return judge_waiting(found, len(running), stack.parameters, stack.outputs)


def _execution(sight: Sight, arn: str) -> Execution:
    about = sight.ask("states:DescribeExecution", executionArn=arn)
    kept = sight.ask("states:DescribeStateMachineForExecution", executionArn=arn)
    given = json.loads(about.get("input") or "{}")
    return Execution(about["name"], kept["definition"], given if isinstance(given, dict) else {})
