"""What CreateProcessingJob refuses, from SageMaker's own model and a few rules beside it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.validate import ParamValidator


@functools.cache
def _shape() -> Any:
    model = botocore.session.get_session().get_service_model("sagemaker")
    return model.operation_model("CreateProcessingJob").input_shape


def malformed(request: Mapping[str, Any]) -> str:
    """Describe what a client or Step Functions would not even send; empty if there is nothing."""
    return str(ParamValidator().validate(request, _shape()).generate_report())


def violations(request: Mapping[str, Any]) -> list[str]:
    """List what is wrong with a well-formed request, in the words of a ValidationException.

    Lengths, ranges, patterns and enumerations are those of botocore's model of the API.
    """
    return [*_constraints(_shape(), request, ""), *_rules(request)]


def violations_of_values(parameters: Mapping[str, Any]) -> list[str]:
    """List what is wrong with the values in a state's Parameters; paths have none yet."""
    return list(_constraints(_shape(), _without_paths(parameters), ""))


def _without_paths(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {k: _without_paths(value) for k, value in node.items() if not k.endswith(".$")}
    return [_without_paths(item) for item in node] if isinstance(node, list) else node


def _constraints(shape: Any, value: Any, at: str) -> Iterator[str]:
    for constraint in _broken(shape, value, at):
        yield f"Value '{value}' at '{at}' failed to satisfy constraint: Member must {constraint}"
    if shape.type_name == "structure":
        for name in value.keys() & shape.members.keys():
            below = name[0].lower() + name[1:]
            yield from _constraints(shape.members[name], value[name], f"{at}.{below}".lstrip("."))
    elif shape.type_name == "list":
        for index, member in enumerate(value, 1):
            yield from _constraints(shape.member, member, f"{at}.{index}.member")
    elif shape.type_name == "map":
        for key, member in value.items():
            yield from _constraints(shape.key, key, f"{at}.key")
            yield from _constraints(shape.value, member, f"{at}.{key}.member")


def _broken(shape: Any, value: Any, at: str) -> Iterator[str]:
    sized = shape.type_name in ("string", "list", "map")
    what, size = ("length", len(value)) if sized else ("value", value)
    rules = dict(shape.metadata)
    if at.startswith("appSpecification.container") and at.endswith(".member"):
        rules["min"] = 1  # SageMaker refuses empty words, though its model does not say so
    if "max" in rules and size > rules["max"]:
        yield f"have {what} less than or equal to {rules['max']}"
    elif "min" in rules and size < rules["min"]:
        yield f"have {what} greater than or equal to {rules['min']}"
    elif "enum" in rules and value not in rules["enum"]:
        yield f"satisfy enum value set: {rules['enum']}"
    # \p{…}, in the patterns of tags, is Java's: Python has no such classes.
    elif r"\p{" not in (pattern := rules.get("pattern", r"\p{")) and not re.fullmatch(
        pattern, value
    ):
        yield f"satisfy regular expression pattern: {pattern}"


def _rules(request: Mapping[str, Any]) -> Iterator[str]:
    inputs = request.get("ProcessingInputs", ())
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", ())
    for kind, entries in (("Input", inputs), ("Output", outputs)):
        names = [entry[f"{kind}Name"] for entry in entries]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{kind}Name '{name}' is given more than once"
        for name, entry in zip(names, entries, strict=True):
            yield from (f"Processing{kind} '{name}': {why}" for why in _faults(entry, f"S3{kind}"))
    if not request["AppSpecification"].get("ContainerEntrypoint"):
        yield "AppSpecification: the laptop's AWS runs no image; give a ContainerEntrypoint"


def _faults(entry: Mapping[str, Any], kind: str) -> Iterator[str]:
    if kind not in entry:
        yield f"the laptop's AWS knows {kind} only"
        return
    path = entry[kind].get("LocalPath", "")
    if not path.startswith("/opt/ml/processing/") or ".." in path.split("/"):
        yield f"LocalPath '{path}' must be under /opt/ml/processing"
    if entry[kind].get("S3InputMode") == "Pipe":
        yield "the laptop's AWS has no Pipe mode"
