"""Checks of a state machine: its Processing jobs, and whether they fit landrun's runs.

Definitions may use JSONPath or JSONata, and may create the Processing job in any state.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from landrun.models.run import INPUT_FIELDS
from landrun_ops.doctor.aws_reader import AwsReader
from landrun_ops.doctor.findings import RESTORE, Finding, listed
from landrun_ops.units import spelled

DATA_TYPES: Final = {"manifest": "ManifestFile", "uri": "S3Prefix"}
"""The S3DataType that fits each InputMessageFormat."""

_FIELD: Final = r"(?:\.`?(\w+)`?|\[\\?['\"](\w+)\\?['\"]\])"
_EXECUTION: Final = r"(?:\$\$|\$states\.context)\.Execution\."
_EXECUTION_INPUT: Final = re.compile(_EXECUTION + "Input" + _FIELD)
_STATE_INPUT: Final = re.compile(r"(?<![\w$])\$(?:states\.input)?" + _FIELD)

_SUFFIX: Final = (
    'append a suffix, as in "ProcessingJobName.$": "States.Format(\'{}-{}\','
    " $$.Execution.Input.PreprocessingJobName, States.ArrayGetItem(States.StringSplit("
    "States.UUID(), '-'), 0))\"; until then use landrun rerun"
)


class ProcessingTask(NamedTuple):
    """A state that creates a Processing job, and its parameters of CreateProcessingJob."""

    state: Mapping[str, Any]
    request: Mapping[str, Any]

    @property
    def waits(self) -> bool:
        """Return True if the state waits for the end of its job (``.sync``)."""
        return str(self.state.get("Resource", "")).endswith("createProcessingJob.sync")


def processing_tasks(node: Any) -> Iterator[ProcessingTask]:
    """Find the states that create Processing jobs, anywhere in a definition."""
    if isinstance(node, dict):
        for name in ("Parameters", "Arguments"):
            request = node.get(name)
            if isinstance(request, dict) and _value(request, "AppSpecification"):
                yield ProcessingTask(node, request)
        node = list(node.values())
    for one in node if isinstance(node, list) else ():
        yield from processing_tasks(one)


def _value(node: Any, name: str) -> Any:
    """Return a field, given as a value or as a path; an empty string if there is none."""
    return (node.get(name) or node.get(f"{name}.$") or "") if isinstance(node, dict) else ""


def _fields_read(node: Any, *patterns: re.Pattern[str]) -> set[str]:
    text = json.dumps(node)
    return {"".join(names) for pattern in patterns for names in pattern.findall(text)}


def message_data_types(definition: Any) -> set[str]:
    """Return the S3DataType of each input that reads ``InputMessage``.

    A job with ``--manifests`` among its arguments, such as landrun's on Spark, reads the manifest
    itself, and therefore counts as ``ManifestFile``.
    """
    found = set()
    for task in processing_tasks(definition):
        inputs = _value(task.request, "ProcessingInputs")
        itself = '"--manifests"' in json.dumps(_value(task.request, "AppSpecification"))
        for one in inputs if isinstance(inputs, list) else ():
            source = _value(one, "S3Input")
            uri = _value(source, "S3Uri")
            if "InputMessage" in _fields_read(uri, _EXECUTION_INPUT, _STATE_INPUT):
                kind = str(_value(source, "S3DataType"))
                found.add("ManifestFile" if itself and kind == "S3Prefix" else kind)
    return found


def fitting_format(definition: Any) -> str:
    """Return the InputMessageFormat that a definition needs; empty if that cannot be told."""
    found = message_data_types(definition)
    return next((name for name, kind in DATA_TYPES.items() if found == {kind}), "")


def state_machine(aws: AwsReader) -> Iterator[Finding]:
    """The state machine is active, and of the type STANDARD."""
    arn = aws.stack.output("StateMachineArn")
    found = aws.ask("states:DescribeStateMachine", "StateMachineDoesNotExist", stateMachineArn=arn)
    if not found:
        yield Finding("fail", f"there is no state machine {arn}: no run can start", RESTORE)
    elif found["status"] != "ACTIVE":
        what = f"{found['name']} is {found['status']}"
        yield Finding("fail", what, "sam deploy with another StateMachineArn")
    elif found.get("type", "STANDARD") != "STANDARD":
        what = f"{found['name']} is {found['type']}: its executions have no names, so runs repeat"
        yield Finding("fail", what, "sam deploy with a StateMachineArn of the type STANDARD")


def input_fields(aws: AwsReader) -> Iterator[Finding]:
    """The state machine reads the fields that executions are started with."""
    unknown = _fields_read(aws.definition, _EXECUTION_INPUT) - {*INPUT_FIELDS}
    if unknown:
        what = f"it reads {listed(sorted(unknown))} of its input, which no run has"
        yield Finding("fail", what, f"let it read {', '.join(INPUT_FIELDS)}")
    read = _fields_read(aws.definition, _EXECUTION_INPUT, _STATE_INPUT)
    missing = {"InputMessage", "OutputProcessedMessage"} - read
    if missing:
        what = f"it does not read {listed(sorted(missing))}: does it process what landed?"
        remedy = "$$.Execution.Input.InputMessage is the URI of what to read"
        yield Finding("warn", what, remedy)


def input_message(aws: AwsReader) -> Iterator[Finding]:
    """The job reads InputMessage in the format that InputMessageFormat passes."""
    given = aws.stack.input_message_format
    wanted, [other] = DATA_TYPES[given], DATA_TYPES.keys() - {given}
    found = message_data_types(aws.definition)
    if DATA_TYPES[other] in found:
        what = f"its job reads InputMessage as {DATA_TYPES[other]}: it would process the manifest"
        what = f"{what} instead of the data, or refuse the object as a manifest"
        remedy = f"sam deploy with InputMessageFormat={other}, or let the machine read {wanted}"
        yield Finding("fail", what, remedy)
    elif found == {wanted}:
        what = f"its job reads InputMessage as {wanted}, as InputMessageFormat={given} needs it"
        yield Finding("ok", what)
    else:
        how = f"S3DataType is {listed(sorted(found))}" if found else "no input of a job names it"
        remedy = f"InputMessageFormat={given} needs an input with S3DataType {wanted}"
        yield Finding("skip", f"how it reads InputMessage is not known: {how}", remedy)


def job_name(aws: AwsReader) -> Iterator[Finding]:
    """Each attempt's job has a name of its own: SageMaker takes a name only once."""
    for task in processing_tasks(aws.definition):
        name = str(_value(task.request, "ProcessingJobName"))
        if "$" not in name:
            what = f"every run's job is named {name!r}: only the first run works"
            yield Finding("fail", what, _SUFFIX)
        elif _is_run_name(name):
            what = "its job has the run's name alone: a retry or a redrive fails, because SageMaker"
            yield Finding("warn", f"{what} takes a job's name only once", _SUFFIX)


def _is_run_name(text: str) -> bool:
    """Return whether a path or a JSONata expression is the run's name and nothing else."""
    text = text.removeprefix("{%").removesuffix("%}").strip()
    found = _EXECUTION_INPUT.fullmatch(text) or _STATE_INPUT.fullmatch(text)
    named = found is not None and "PreprocessingJobName" in found.groups()
    return named or re.fullmatch(_EXECUTION + "Name", text) is not None


def waits_for_job(aws: AwsReader) -> Iterator[Finding]:
    """An execution ends as its job does (.sync)."""
    tasks = list(processing_tasks(aws.definition))
    if not tasks:
        yield Finding("skip", "no state creates a Processing job itself")
    elif not all(task.waits for task in tasks):
        what = "it does not wait for its job: a run counts as succeeded once its job is created"
        remedy = 'use "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync"'
        yield Finding("fail", what, remedy)


def retries(aws: AwsReader) -> Iterator[Finding]:
    """Its job is tried again when SageMaker has no free instance."""
    for task in processing_tasks(aws.definition):
        attempts = sum(int(one.get("MaxAttempts", 3)) for one in task.state.get("Retry") or ())
        if attempts:
            yield Finding("ok", f"its job is tried up to {attempts + 1} times")
        else:
            what = "it does not retry: a run fails when SageMaker has no free instance"
            remedy = "add a Retry for SageMaker.ResourceLimitExceededException"
            yield Finding("warn", what, f"{remedy}; until then use landrun rerun")


def time_limit(aws: AwsReader) -> Iterator[Finding]:
    """Its job has a time limit."""
    for task in processing_tasks(aws.definition):
        limit = str(_value(_value(task.request, "StoppingCondition"), "MaxRuntimeInSeconds"))
        if limit:
            text = spelled(float(limit)) if limit.isdecimal() else limit
            yield Finding("ok", f"its job is stopped after {text}")
        else:
            what = "its job has no time limit: SageMaker's is a day"
            yield Finding("warn", what, "set MaxRuntimeInSeconds")
