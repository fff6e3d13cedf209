"""Reads the definition of a state machine that existed before the stack.

Definitions may be in JSONPath or JSONata, and may have their Processing job in any state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from landrun.models.run import INPUT_FIELDS
from landrun_ops.doctor.findings import Finding, fail, listed, ok, skip, warn

DATA_TYPES: Final = {"manifest": "ManifestFile", "uri": "S3Prefix"}
"""The S3DataType that reads what InputMessage holds, by InputMessageFormat."""

_MISFITS: Final = {
    "manifest": "a manifest's URI: it processes the manifest instead of the data",
    "uri": "an object's URI: SageMaker refuses the object as a manifest",
}
"""What goes wrong if the job does not read what InputMessage holds."""

_FIELD: Final = r"(?:\.(\w+)|\.`(\w+)`|\[['\"](\w+)['\"]\])"
_EXECUTION_INPUT: Final = re.compile(r"(?:\$\$|\$states\.context)\.Execution\.Input" + _FIELD)
_STATE_INPUT: Final = re.compile(r"(?<![\w$])\$(?:states\.input)?" + _FIELD)
_EXECUTION_NAME: Final = r"(?:\$\$|\$states\.context)\.Execution\.Name"

_SUFFIX: Final = (
    'append a suffix, as in "ProcessingJobName.$": "States.Format(\'{}-{}\','
    " $$.Execution.Input.PreprocessingJobName, States.ArrayGetItem(States.StringSplit("
    "States.UUID(), '-'), 0))\"; until then use landrun rerun"
)


@dataclass(frozen=True, slots=True)
class ProcessingTask:
    """A state that creates a Processing job.

    Attributes
    ----------
    state : Mapping[str, Any]
        The state.
    request : Mapping[str, Any]
        What it calls CreateProcessingJob with.
    """

    state: Mapping[str, Any]
    request: Mapping[str, Any]

    @property
    def waits(self) -> bool:
        """Whether the state ends with its job (``.sync``), not when the job has been created."""
        return str(self.state.get("Resource", "")).endswith("createProcessingJob.sync")

    @property
    def attempts(self) -> int:
        """How often the state tries at most, over all of its retriers."""
        retriers = self.state.get("Retry") or ()
        return 1 + sum(int(one.get("MaxAttempts", 3)) for one in retriers)

    @property
    def time_limit(self) -> str:
        """The job's time limit in seconds, or the expression that computes it; may be empty."""
        condition = value_of(self.request, "StoppingCondition")
        return str(value_of(condition, "MaxRuntimeInSeconds") if condition else "")


def processing_tasks(node: Any) -> Iterator[ProcessingTask]:
    """Find the states that create Processing jobs, anywhere in a definition."""
    if isinstance(node, dict):
        for name in ("Parameters", "Arguments"):
            request = node.get(name)
            if isinstance(request, dict) and value_of(request, "AppSpecification"):
                yield ProcessingTask(node, request)
        node = list(node.values())
    for one in node if isinstance(node, list) else ():
        yield from processing_tasks(one)


def value_of(node: Any, name: str) -> Any:
    """Return a field, be it a value or a path; an empty string if there is none."""
    if not isinstance(node, dict):
        return ""
    return node.get(name) or node.get(f"{name}.$") or ""


def texts(node: Any) -> Iterator[str]:
    """Yield every string in a definition."""
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from texts(one)
    elif isinstance(node, str):
        yield node


def fields_read(node: Any, pattern: re.Pattern[str] = _EXECUTION_INPUT) -> set[str]:
    """Return the fields that are read from the execution's input, or what a pattern finds.

    >>> sorted(fields_read(["$$.Execution.Input.One", "$$.Execution.Input['Two']"]))
    ['One', 'Two']
    """
    return {"".join(names) for text in texts(node) for names in pattern.findall(text)}


def run_fields_read(node: Any) -> set[str]:
    """Return the input fields of runs that are read from the execution's input, or a state's.

    >>> sorted(run_fields_read(["$.InputMessage", "{% $states.input.Trigger & 'x' %}", "$.Other"]))
    ['InputMessage', 'Trigger']
    """
    return (fields_read(node) | fields_read(node, _STATE_INPUT)) & set(INPUT_FIELDS)


def message_data_types(definition: Any) -> set[str]:
    """Return the S3DataType of each input that reads ``InputMessage``.

    A job with ``--manifests`` among its arguments, such as landrun's on Spark, reads the manifest
    itself, and therefore counts as ``ManifestFile``.
    """
    found = set()
    for task in processing_tasks(definition):
        inputs = value_of(task.request, "ProcessingInputs")
        arguments = texts(value_of(task.request, "AppSpecification"))
        reads_manifests = any("--manifests" in text for text in arguments)
        for one in inputs if isinstance(inputs, list) else ():
            source = value_of(one, "S3Input")
            if "InputMessage" in run_fields_read(value_of(source, "S3Uri")):
                data_type = str(value_of(source, "S3DataType"))
                itself = reads_manifests and data_type == "S3Prefix"
                found.add("ManifestFile" if itself else data_type)
    return found


def fitting_format(definition: Any) -> str:
    """Return the InputMessageFormat that a definition needs; empty if it does not say."""
    found = message_data_types(definition)
    fitting = [name for name, data_type in DATA_TYPES.items() if found == {data_type}]
    return fitting[0] if fitting else ""


def judge_fields(definition: Any) -> Finding:
    """Judge whether a definition reads the fields that executions are started with."""
    unknown = sorted(fields_read(definition) - set(INPUT_FIELDS))
    if unknown:
        return fail(
            f"it reads {listed(unknown)} of its input, which no run has",
            f"let it read {', '.join(INPUT_FIELDS)}",
        )
    read = run_fields_read(definition)
    missing = sorted({"InputMessage", "OutputProcessedMessage"} - read)
    if missing:
        return warn(
            f"it does not read {listed(missing)}: does it process what landed?",
            "$$.Execution.Input.InputMessage is the URI of what to read",
        )
    return ok(f"it reads {', '.join(sorted(read))}")


def judge_input_format(definition: Any, input_format: str) -> Finding:
    """Judge whether the job reads ``InputMessage`` as what the stack passes in it.

    Parameters
    ----------
    input_format : str
        The stack's InputMessageFormat.
    """
    wanted, [other] = DATA_TYPES[input_format], DATA_TYPES.keys() - {input_format}
    found = message_data_types(definition)
    if DATA_TYPES[other] in found:
        return fail(
            f"its job reads InputMessage as {DATA_TYPES[other]}, and InputMessageFormat="
            f"{input_format} passes {_MISFITS[input_format]}",
            f"sam deploy with InputMessageFormat={other}, or let the machine read {wanted}",
        )
    if found == {wanted}:
        return ok(f"its job reads InputMessage as {wanted}: fits InputMessageFormat={input_format}")
    how = f"it decides per execution ({listed(sorted(found))})" if found else "no input names it"
    return skip(
        f"the definition does not say how its job reads InputMessage: {how}",
        f"InputMessageFormat={input_format} needs an input with S3DataType {wanted}",
    )


def judge_job_name(definition: Any) -> Finding:
    """Judge whether each attempt's job gets a name of its own: SageMaker takes a name only once."""
    names = [value_of(task.request, "ProcessingJobName") for task in processing_tasks(definition)]
    fixed = [name for name in names if "$" not in str(name)]
    if fixed:
        return fail(f"every run's job is named {fixed[0]!r}: only the first run works", _SUFFIX)
    if any(_is_run_name(name) for name in names):
        return warn(
            "its job has the run's name alone: a retry or a redrive fails, because SageMaker takes"
            " a job's name only once",
            _SUFFIX,
        )
    return ok("each attempt's job has a name of its own")


def _is_run_name(value: Any) -> bool:
    """Return whether a path or a JSONata expression is the run's name and nothing else."""
    text = str(value).removeprefix("{%").removesuffix("%}").strip()
    if re.fullmatch(_EXECUTION_NAME, text):
        return True
    found = _EXECUTION_INPUT.fullmatch(text) or _STATE_INPUT.fullmatch(text)
    return found is not None and "PreprocessingJobName" in found.groups()


def judge_end(definition: Any) -> Finding:
    """Judge whether an execution ends with its job."""
    tasks = list(processing_tasks(definition))
    if not tasks:
        return skip(
            "no state calls CreateProcessingJob itself: landrun records how the execution ends"
        )
    if not all(task.waits for task in tasks):
        return fail(
            "it does not wait for its job: a run counts as succeeded when its job has been created",
            'use "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync"',
        )
    return ok("it waits for its job (.sync): a run ends as its job does")
