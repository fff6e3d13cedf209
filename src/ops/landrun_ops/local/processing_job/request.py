"""Validates requests of CreateProcessingJob by botocore's model and a few further rules."""

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
    """Describe why a client or Step Functions would not send a request; empty if it would."""
    return str(ParamValidator().validate(request, _shape()).generate_report())


def violations(request: Mapping[str, Any]) -> list[str]:
    """List the violations of a well-formed request, in the words of a ValidationException.

    Lengths, ranges, patterns and enumerations are those of botocore's model of the API.
    """
    return [*_constraints(_shape(), request, ""), *_rules(request)]


def violations_of_values(parameters: Mapping[str, Any]) -> list[str]:
    """List the violations of the values in a state's Parameters; paths are skipped."""
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
        yield from (
            f"{kind}Name '{name}' is given more than once"
            for name in sorted(set(names))
            if names.count(name) > 1
        )
        for name, entry in zip(names, entries, strict=True):
            where = entry.get(f"S3{kind}")
            path = where.get("LocalPath", "") if where else ""
            if where is None or where.get("S3InputMode") == "Pipe":
                yield f"Processing{kind} '{name}': the laptop's AWS knows S3{kind} in files only"
            elif not path.startswith("/opt/ml/processing/") or ".." in path.split("/"):
                yield f"LocalPath '{path}' of '{name}' must be under /opt/ml/processing"
    if not request["AppSpecification"].get("ContainerEntrypoint"):
        yield "AppSpecification: the laptop's AWS runs no image; give a ContainerEntrypoint"
