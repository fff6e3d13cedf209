"""What landrun would do with a state machine that exists already, and which parameters fit it."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from landrun.errors import ConfigurationError, ServiceError
from landrun.models.run import PREFIX_LIMIT
from landrun.sanitize import json_object
from landrun_ops.doctor import customer_state_machine as customer
from landrun_ops.doctor.aws_reader import AwsReader
from landrun_ops.doctor.checks import Check, CheckResult, Judge, run_checks
from landrun_ops.doctor.findings import Finding, ok, skip, warn
from landrun_ops.doctor.permissions import judge_role
from landrun_ops.doctor.required_permissions import sync_integration
from landrun_ops.doctor.state_machine import judge_machine
from landrun_ops.units import spelled

AREA: Final = "state machine"
PAST_EXECUTIONS: Final = 20
"""How many of the newest executions are read to propose prefixes."""

_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:[A-Za-z0-9_-]{1,80}"
)
_RANDOM_END: Final = re.compile(r"[-_]?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$|[-_]?\d{8,}$")
_FOLDER: Final = re.compile(r"[^/\s](\S{0,500}[^/\s])?/")

_INPUT_MESSAGE: Final = {
    "uri": (
        "its job reads InputMessage as S3Prefix: landrun passes the URI of the object that landed"
        " (InputMessageFormat=uri), one object a run"
    ),
    "manifest": (
        "its job reads InputMessage as ManifestFile: landrun passes the URI of a manifest that"
        " names the objects to read (InputMessageFormat=manifest)"
    ),
}


@dataclass(frozen=True, slots=True)
class Adoption:
    """A state machine as landrun would run it.

    Attributes
    ----------
    results : list of CheckResult
        What landrun does with it, and what it lacks.
    parameters : dict
        The stack's parameters that fit: of the state machine, and proposed prefixes.
    """

    results: list[CheckResult]
    parameters: dict[str, str]


def check_arn(arn: str) -> str:
    """Return the ARN if the parameter StateMachineArn may have it.

    Raises
    ------
    ConfigurationError
        When it is not the ARN of a state machine, or is that of a version or an alias.
    """
    if not _ARN.fullmatch(arn):
        raise ConfigurationError(
            "give the ARN of a state machine without version or alias, such as"
            " arn:aws:states:eu-central-1:123456789012:stateMachine:NAME; those there are:"
            " aws stepfunctions list-state-machines"
        )
    return arn


def read(aws: AwsReader, arn: str) -> Adoption:
    """Read a state machine, and its newest executions.

    Raises
    ------
    ServiceError
        When there is none, or it may not be read.
    """
    machine = aws.ask("states:DescribeStateMachine", stateMachineArn=arn)
    definition = json.loads(machine["definition"])
    input_format = customer.fitting_format(definition)
    inputs = _past_inputs(aws, arn)
    prefixes = proposed_prefixes(machine["name"], inputs)
    parameters = {"StateMachineArn": arn}
    if input_format:
        parameters["InputMessageFormat"] = input_format
    prefix = prefixes.get("JobNamePrefix", "landrun")
    judges: dict[str, Judge] = {
        "machine": lambda _: judge_machine(machine),
        "definition": lambda _: customer.judge_fields(definition),
        "input message": lambda _: (
            ok(_INPUT_MESSAGE[input_format])
            if input_format
            else customer.judge_input_format(definition, "manifest")
        ),
        "end": lambda _: customer.judge_end(definition),
        "job name": lambda _: customer.judge_job_name(definition),
        "retries": lambda _: _retries(definition),
        "time limit": lambda _: _time_limit(definition),
        "role": lambda _: _role(aws, machine, definition, prefix),
        "executions": lambda _: _executions(inputs),
    }
    checks = [Check(AREA, name, judge) for name, judge in judges.items()]
    return Adoption(run_checks(checks, aws), parameters | prefixes)


def _retries(definition: Any) -> Finding:
    attempts = max((task.attempts for task in customer.processing_tasks(definition)), default=1)
    if attempts > 1:
        return ok(f"its job is tried up to {attempts} times")
    return warn(
        "it does not retry: a run fails when SageMaker has no free instance",
        "add a Retry for SageMaker.ResourceLimitExceededException; until then use landrun rerun",
    )


def _time_limit(definition: Any) -> Finding:
    limits = [task.time_limit for task in customer.processing_tasks(definition)]
    if not all(limits):
        return warn("its job has no time limit: SageMaker's is a day", "set MaxRuntimeInSeconds")
    return ok(
        "; ".join(
            f"its job is stopped after {spelled(float(limit)) if limit.isdecimal() else limit}"
            for limit in limits
        )
        or "it has no job of its own"
    )


def _role(
    aws: AwsReader, machine: Mapping[str, Any], definition: Any, prefix: str
) -> Iterator[Finding]:
    tasks = [task for task in customer.processing_tasks(definition) if task.waits]
    if not tasks:
        yield skip("without .sync its role is not checked")
    for task in tasks:
        needs = sync_integration(machine["stateMachineArn"], f"{prefix}-a", task.request)
        try:
            yield judge_role(aws, machine["roleArn"], needs, own=False)
        except ServiceError as error:
            if error.code not in ("NoSuchEntity", "NoSuchEntityException"):
                raise
            yield warn(
                f"there is no role {machine['roleArn']}, which only a laptop's AWS puts up with",
                "aws stepfunctions update-state-machine --role-arn",
            )


def _executions(inputs: Sequence[Mapping[str, str]]) -> Finding:
    if not inputs:
        return skip("no execution yet: LandingPrefix and OutputPrefix stay as they are")
    read, written = (
        _common_folder([one.get(field, "") for one in inputs])
        for field in ("InputMessage", "OutputProcessedMessage")
    )
    return ok(
        f"its last {len(inputs)} executions read from {read or 'several places'} and wrote to"
        f" {written or 'several places'}; with LandingBucketName and OutputBucketName the stack"
        " uses those buckets"
    )


def _past_inputs(aws: AwsReader, arn: str) -> list[dict[str, str]]:
    """Return the inputs of the newest executions that landrun did not start; none if unreadable."""
    try:
        answer = aws.ask("states:ListExecutions", stateMachineArn=arn, maxResults=PAST_EXECUTIONS)
        inputs = [
            json_object(
                aws.ask("states:DescribeExecution", executionArn=one["executionArn"])["input"]
            )
            for one in answer["executions"]
        ]
    except (ServiceError, KeyError):
        return []
    return [
        {name: value for name, value in one.items() if isinstance(value, str)}
        for one in inputs
        if "InputMessage" in one and "Trigger" not in one
    ]


def proposed_prefixes(name: str, inputs: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Propose prefixes by a state machine's name and the inputs of its past executions.

    >>> proposed_prefixes("Daily_Orders", [])
    {'JobNamePrefix': 'daily-orders'}
    """
    job_names = [one.get("PreprocessingJobName", "") for one in inputs]
    stems = {_RANDOM_END.sub("", one) for one in job_names if one}
    found = {"JobNamePrefix": job_name_prefix(stems.pop() if len(stems) == 1 else name)}
    outputs = [
        one.get("OutputProcessedMessage", "").partition(one.get("PreprocessingJobName") or "\0")[0]
        for one in inputs
    ]
    landing = _key(_common_folder([one.get("InputMessage", "") for one in inputs]))
    output = _key(_common_folder(outputs))
    if landing and output and not (landing.startswith(output) or output.startswith(landing)):
        found |= {"LandingPrefix": landing, "OutputPrefix": output}
    return {name: value for name, value in found.items() if value}


def job_name_prefix(text: str) -> str:
    """Make a JobNamePrefix of a name: whole words of it, 21 characters at most.

    >>> job_name_prefix("bsm-batch-preprocessing-daily")
    'bsm-batch'
    """
    words = [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word]
    prefix = ""
    for word in words:
        longer = f"{prefix}-{word}" if prefix else word[:PREFIX_LIMIT]
        if len(longer) > PREFIX_LIMIT:
            break
        prefix = longer
    return prefix


def _common_folder(uris: Sequence[str]) -> str:
    """Return the longest folder that all URIs lie in; empty if they are not in one bucket."""
    if not uris or not all(uri.startswith("s3://") for uri in uris):
        return ""
    folders = [posixpath.dirname(uri.removeprefix("s3://")) for uri in uris]
    common = posixpath.commonpath(folders)
    return f"s3://{common}/" if common else ""


def _key(folder: str) -> str:
    """Return the prefix of keys in a folder's URI, if a parameter may have it."""
    key = folder.removeprefix("s3://").partition("/")[2]
    return key if _FOLDER.fullmatch(key) else ""
