"""A state machine that existed before the stack: whether its job reads what executions pass to it.

Reads definitions in JSONPath and in JSONata, wherever in them the Processing job is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from landrun.models.run import INPUT_FIELDS
from landrun.models.run_record import RunRecord
from landrun_ops.doctor.definitions import texts
from landrun_ops.doctor.findings import Finding, fail, listed, ok, skip, warn

RUNS: Final = 100
"""Of the newest runs, how many are looked at."""

DATA_TYPES: Final = {"manifest": "ManifestFile", "uri": "S3Prefix"}
"""The S3DataType that reads what InputMessage holds, by InputMessageFormat."""

_FIELD: Final = r"(?:\.(\w+)|\.`(\w+)`|\[['\"](\w+)['\"]\])"
_EXECUTION_INPUT: Final = re.compile(r"(?:\$\$|\$states\.context)\.Execution\.Input" + _FIELD)
_STATE_INPUT: Final = re.compile(r"(?<![\w$])\$(?:states\.input)?" + _FIELD)
_EXECUTION_NAME: Final = r"(?:\$\$|\$states\.context)\.Execution\.Name"

_SUFFIX: Final = (
    'append a suffix, as in "ProcessingJobName.$": "States.Format(\'{}-{}\','
    " $$.Execution.Input.PreprocessingJobName, States.ArrayGetItem(States.StringSplit("
    "States.UUID(), '-'), 0))\"; until then use landrun rerun"
)


def judges(input_format: str) -> dict[str, Callable[[str], Finding]]:
    """Give what to judge about a machine's definition, by the name of the check."""
    return {
        "definition": lambda text: judge_fields(json.loads(text)),
        "input message": lambda text: judge_input_format(json.loads(text), input_format),
        "job name": lambda text: judge_job_name(json.loads(text)),
    }


def judge_fields(definition: Any) -> Finding:
    """Judge whether a definition reads the fields that executions are started with."""
    unknown = sorted(execution_fields(definition) - set(INPUT_FIELDS))
    if unknown:
        return fail(
            f"it reads {listed(unknown)} of its input, which no run has",
            f"let it read {', '.join(INPUT_FIELDS)}",
        )
    read = fields_read(definition)
    missing = sorted({"InputMessage", "OutputProcessedMessage"} - read)
    if missing:
        return warn(
            f"it does not name {listed(missing)}: does it read what landed?",
            "$$.Execution.Input.InputMessage is the URI of what to read",
        )
    return ok(f"it reads {', '.join(sorted(read))}")


def judge_input_format(definition: Any, input_format: str) -> Finding:
    """Judge whether the job reads ``InputMessage`` as what it holds.

    Parameters
    ----------
    definition : Any
        Amazon States Language, parsed.
    input_format : str
        The stack's InputMessageFormat.
    """
    wanted = DATA_TYPES[input_format]
    found = {kind for job in _jobs(definition) for kind in _message_data_types(job)}
    wrong = sorted(found & set(DATA_TYPES.values()) - {wanted})
    if wrong:
        return _misfit(input_format, wrong[0])
    if found == {wanted}:
        return ok(f"its job reads InputMessage as {wanted}: fits InputMessageFormat={input_format}")
    how = f"it decides per execution ({listed(sorted(found))})" if found else "no input names it"
    return skip(
        f"could not tell how its job reads InputMessage: {how}",
        f"InputMessageFormat={input_format} needs an input with S3DataType {wanted}",
    )


def _misfit(input_format: str, data_type: str) -> Finding:
    if input_format == "manifest":
        return fail(
            f"its job reads InputMessage as {data_type}, and InputMessageFormat=manifest passes a"
            " manifest's URI: it processes the manifest instead of the data",
            "sam deploy with InputMessageFormat=uri, or let the machine read a ManifestFile",
        )
    return fail(
        f"its job reads InputMessage as {data_type}, and InputMessageFormat=uri passes an object's"
        " URI: SageMaker refuses the object as a manifest",
        "sam deploy with InputMessageFormat=manifest, or let the machine read an S3Prefix",
    )


def judge_job_name(definition: Any) -> Finding:
    """Judge whether a run's second job gets a name of its own: SageMaker takes a name only once."""
    names = [_value(job, "ProcessingJobName") for job in _jobs(definition)]
    if any(_is_run_name(name) for name in names):
        return warn(
            "its job has the run's name alone: a retry or a redrive fails, because SageMaker takes"
            " a job's name only once",
            _SUFFIX,
        )
    return ok("its jobs do not have the run's name alone")


def judge_prefixes(runs: Sequence[RunRecord]) -> Finding:
    """Judge whether runs were passed the URI of an object whose key other keys begin with.

    Parameters
    ----------
    runs : sequence of RunRecord
        The newest runs.
    """
    matched = [run for run in runs if run.input_also_matches]
    if not matched:
        return ok(f"none of the last {len(runs)} runs read other keys that begin as its own")
    newest = matched[0]
    return warn(
        f"{len(matched)} of the last {len(runs)} runs also read keys that begin as their own:"
        f" {newest.name} also read {listed(list(newest.input_also_matches))}",
        "let no key begin with another one, or let the machine read a ManifestFile with"
        " InputMessageFormat=manifest",
    )


def execution_fields(node: Any) -> set[str]:
    """Name the fields that are read from the execution's input.

    Examples
    --------
    >>> sorted(execution_fields(["$$.Execution.Input.One", "$$.Execution.Input['Two']"]))
    ['One', 'Two']
    """
    return _fields(_EXECUTION_INPUT, node)


def fields_read(node: Any) -> set[str]:
    """Name the contract's fields that are read from the execution's input, or a state's.

    Examples
    --------
    >>> sorted(fields_read(["$.InputMessage", "{% $states.input.Trigger & 'x' %}", "$.Other"]))
    ['InputMessage', 'Trigger']
    """
    found = execution_fields(node) | _fields(_STATE_INPUT, node)
    return found & set(INPUT_FIELDS)


def _fields(pattern: re.Pattern[str], node: Any) -> set[str]:
    return {"".join(names) for text in texts(node) for names in pattern.findall(text)}


def _jobs(node: Any) -> Iterator[Mapping[str, Any]]:
    """Give what CreateProcessingJob is called with, wherever in a definition."""
    if isinstance(node, dict):
        if any(name.startswith("AppSpecification") for name in node):
            yield node
        node = list(node.values())
    for one in node if isinstance(node, list) else ():
        yield from _jobs(one)


def _message_data_types(job: Mapping[str, Any]) -> Iterator[str]:
    """Give the data type of each input that takes ``InputMessage``.

    A job with ``--manifests`` among its arguments, such as landrun's on Spark, reads the manifest
    itself.
    """
    inputs = _value(job, "ProcessingInputs")
    reads_manifests = any("--manifests" in text for text in texts(_value(job, "AppSpecification")))
    for one in inputs if isinstance(inputs, list) else ():
        source = one.get("S3Input", {}) if isinstance(one, dict) else {}
        if "InputMessage" in fields_read(_value(source, "S3Uri")):
            data_type = str(_value(source, "S3DataType"))
            itself = reads_manifests and data_type == "S3Prefix"
            yield "ManifestFile" if itself else data_type


def _value(node: Mapping[str, Any], name: str) -> Any:
    return node.get(name) or node.get(f"{name}.$") or ""


def _is_run_name(value: Any) -> bool:
    """Whether a value is the run's name and nothing else, as a path or as a JSONata expression."""
    text = str(value).removeprefix("{%").removesuffix("%}").strip()
    if re.fullmatch(_EXECUTION_NAME, text):
        return True
    found = _EXECUTION_INPUT.fullmatch(text) or _STATE_INPUT.fullmatch(text)
    return found is not None and "PreprocessingJobName" in found.groups()
