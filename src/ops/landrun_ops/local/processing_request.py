"""What CreateProcessingJob refuses, from SageMaker's own model and a few rules beside it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

_ROOT = "/opt/ml/processing"


class MalformedRequestError(Exception):
    """Not a CreateProcessingJob request at all: a field unknown, missing or of another type."""


@functools.cache
def _shape() -> Any:
    model = botocore.session.get_session().get_service_model("sagemaker")
    return model.operation_model("CreateProcessingJob").input_shape


def check_form(request: Mapping[str, Any]) -> None:
    """Raise ``MalformedRequestError`` for what a client or Step Functions would not even send."""
    report = ParamValidator().validate(request, _shape())
    if report.has_errors():
        raise MalformedRequestError(report.generate_report())


def violations(request: Mapping[str, Any]) -> list[str]:
    """List what is wrong with a well-formed request, in the words of a ValidationException.

    Lengths, ranges, patterns and enumerations are those of botocore's model of the API.
    """
    return [*_constraints(_shape(), request, ""), *_rules(request)]


def violations_of_values(parameters: Mapping[str, Any]) -> list[str]:
    """List what is wrong with the values in a state's Parameters; paths have none yet."""
    return [*_constraints(_shape(), _values(parameters), ""), *_empty_words(parameters)]


def _values(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _values(value) for key, value in node.items() if not key.endswith(".$")}
    return [_values(item) for item in node] if isinstance(node, list) else node


def _constraints(shape: Any, value: Any, at: str) -> Iterator[str]:
    for constraint in _broken(shape, value):
        yield f"Value '{value}' at '{at}' failed to satisfy constraint: Member must {constraint}"
    if shape.type_name == "structure":
        for name in value.keys() & shape.members.keys():
            yield from _constraints(shape.members[name], value[name], _step(at, name))
    elif shape.type_name == "list":
        for index, member in enumerate(value, 1):
            yield from _constraints(shape.member, member, f"{at}.{index}.member")
    elif shape.type_name == "map":
        for key, member in value.items():
            yield from _constraints(shape.key, key, f"{at}.key")
            yield from _constraints(shape.value, member, f"{at}.{key}.member")


def _step(at: str, name: str) -> str:
    name = name[0].lower() + name[1:]
    return f"{at}.{name}" if at else name


def _broken(shape: Any, value: Any) -> Iterator[str]:
    rules = shape.metadata
    sized = shape.type_name in ("string", "list", "map")
    what, size = ("length", len(value)) if sized else ("value", value)
    if "max" in rules and size > rules["max"]:
        yield f"have {what} less than or equal to {rules['max']}"
    elif "min" in rules and size < rules["min"]:
        yield f"have {what} greater than or equal to {rules['min']}"
    elif "enum" in rules and value not in rules["enum"]:
        yield f"satisfy enum value set: {rules['enum']}"
    elif not _matches(rules.get("pattern"), value):
        yield f"satisfy regular expression pattern: {rules['pattern']}"


def _matches(pattern: str | None, value: Any) -> bool:
    # \p{…} is Java's; Python's re has no such classes, so those (of tags) stay unchecked.
    if pattern is None or r"\p{" in pattern:
        return True
    return re.fullmatch(pattern, value) is not None


def _empty_words(request: Mapping[str, Any]) -> Iterator[str]:
    """Find empty words, which SageMaker refuses though its model says nothing of it."""
    app = request.get("AppSpecification", {})
    for field in ("ContainerEntrypoint", "ContainerArguments"):
        for index, word in enumerate(app.get(field, ()), 1):
            if not word:
                at = f"{_step('appSpecification', field)}.{index}.member"
                wanted = "Member must have length greater than or equal to 1"
                yield f"Value '' at '{at}' failed to satisfy constraint: {wanted}"


def _rules(request: Mapping[str, Any]) -> Iterator[str]:
    yield from _empty_words(request)
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", ())
    for entry in request.get("ProcessingInputs", ()):
        yield from _rules_of(entry, "ProcessingInput", entry["InputName"], "S3Input")
        if entry.get("S3Input", {}).get("S3InputMode") == "Pipe":
            yield f"ProcessingInput '{entry['InputName']}': the laptop's AWS has no Pipe mode"
    for entry in outputs:
        yield from _rules_of(entry, "ProcessingOutput", entry["OutputName"], "S3Output")
    yield from _doubled("InputName", request.get("ProcessingInputs", ()))
    yield from _doubled("OutputName", outputs)
    if not request["AppSpecification"].get("ContainerEntrypoint"):
        yield "AppSpecification: the laptop's AWS runs no image; give a ContainerEntrypoint"


def _rules_of(entry: Mapping[str, Any], kind: str, name: str, place: str) -> Iterator[str]:
    if place not in entry:
        yield f"{kind} '{name}': the laptop's AWS knows {place} only"
        return
    path = entry[place].get("LocalPath", "")
    if not path.startswith(f"{_ROOT}/") or ".." in path.split("/"):
        yield f"{kind} '{name}': LocalPath '{path}' must be under {_ROOT}"


def _doubled(field: str, entries: Any) -> Iterator[str]:
    names = [entry[field] for entry in entries]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{field} '{name}' is given more than once"
