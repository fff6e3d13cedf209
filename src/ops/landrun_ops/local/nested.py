"""Nested applications put where they are used: one flat template, as the stack is in the end.

CloudFormation makes a stack of each; moto can read a nested template from S3 only, and a reader of
the translation wants to see everything at once. Logical ids stay what they are in their files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from landrun_ops.local.errors import TemplateError

Json = dict[str, Any]
Read = Callable[[Path], Json]

APPLICATION: Final = "AWS::Serverless::Application"

_OUTPUT = re.compile(r"^(\w+)\.Outputs\.(\w+)$")


@dataclass(frozen=True)
class _Application:
    """One nested template: what its parameters are given, and what it gives out."""

    name: str
    template: Json
    given: Json

    def output(self, name: str) -> Any:
        outputs: Json = self.template.get("Outputs", {})
        if name not in outputs:
            raise TemplateError(f"{self.name} has no output {name}; it has: {', '.join(outputs)}")
        return _replaced(outputs[name]["Value"], self.given, {})


def inlined(source: Json, folder: Path, read: Read) -> Json:
    """Give ``source`` with the contents of its local nested applications in their place.

    Parameters
    ----------
    folder
        What their Locations are relative to; DefinitionUris in them become relative to it too.
    read
        Reads a template.

    Raises
    ------
    TemplateError
        When a parameter or an output is not declared, has no value, or two templates use one name.
    """
    applications = {
        name: _application(name, resource, folder, read)
        for name, resource in source["Resources"].items()
        if resource.get("Type") == APPLICATION
    }
    if not applications:
        return source
    flat: Json = {**source, "Conditions": dict(source.get("Conditions", {})), "Resources": {}}
    for name, resource in source["Resources"].items():
        if name in applications:
            _put(flat, applications[name], resource, folder)
        else:
            _add(flat["Resources"], name, resource, "template")
    for section in ("Globals", "Resources", "Outputs"):
        flat[section] = _replaced(flat.get(section, {}), {}, applications)
    return flat


def _application(name: str, resource: Json, folder: Path, read: Read) -> _Application:
    location = resource["Properties"]["Location"]
    if not isinstance(location, str):
        raise TemplateError(f"{name}: only applications in a local file can be used here")
    template = read(folder / location)
    declared: Json = template.get("Parameters", {})
    given: Json = resource["Properties"].get("Parameters", {})
    unknown = sorted(given.keys() - declared.keys())
    if unknown:
        raise TemplateError(f"{name}: {location} has no parameter {unknown[0]}")
    missing = sorted(p for p in declared.keys() - given.keys() if "Default" not in declared[p])
    if missing:
        raise TemplateError(f"{name}: {location} needs a value for {missing[0]}")
    defaults = {p: declared[p]["Default"] for p in declared.keys() - given.keys()}
    return _Application(name, template, {**defaults, **given})


def _put(flat: Json, application: _Application, resource: Json, folder: Path) -> None:
    """Add what an application holds; whatever is in it exists only where the application does."""
    where = (folder / resource["Properties"]["Location"]).parent
    condition = resource.get("Condition")
    given = application.given
    for name, body in application.template.get("Conditions", {}).items():
        _add(flat["Conditions"], name, _replaced(body, given, {}), application.name)
    for name, body in application.template["Resources"].items():
        inner = _replaced(body, given, {})
        inner.update(_conditional(flat["Conditions"], condition, inner.get("Condition")))
        uri = inner.get("Properties", {}).get("DefinitionUri")
        if isinstance(uri, str):
            inner["Properties"]["DefinitionUri"] = str((where / uri).relative_to(folder))
        _add(flat["Resources"], name, inner, application.name)


def _conditional(conditions: Json, outer: str | None, inner: str | None) -> Json:
    both = [name for name in (outer, inner) if name]
    if len(both) == 2:  # noqa: PLR2004
        name = "And".join(both)
        conditions[name] = {"Fn::And": [{"Condition": one} for one in both]}
        return {"Condition": name}
    return {"Condition": both[0]} if both else {}


def _add(section: Json, name: str, body: Any, owner: str) -> None:
    if section.get(name, body) != body:
        raise TemplateError(f"{owner}: {name} is used in another template of this stack already")
    section[name] = body


def _replaced(node: Any, given: Json, applications: Mapping[str, _Application]) -> Any:
    """Put values for parameters (``given``), and outputs for GetAtts of ``applications``."""
    if isinstance(node, list):
        return [_replaced(item, given, applications) for item in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        [(function, argument)] = node.items()
        if function == "Ref" and argument in given:
            return given[argument]
        if function == "Fn::GetAtt":
            return _attribute(node, applications)
        if function == "Fn::Sub":
            return _substitution(argument, given, applications)
    return {key: _replaced(value, given, applications) for key, value in node.items()}


def _attribute(node: Json, applications: Mapping[str, _Application]) -> Any:
    path = node["Fn::GetAtt"]
    match = _OUTPUT.match(path if isinstance(path, str) else ".".join(path))
    if match is None or match[1] not in applications:
        return node
    return _replaced(applications[match[1]].output(match[2]), {}, applications)


def _substitution(argument: Any, given: Json, applications: Mapping[str, _Application]) -> Json:
    text, variables = (argument, {}) if isinstance(argument, str) else argument
    variables = {name: _replaced(one, given, applications) for name, one in variables.items()}
    for name in re.findall(r"\$\{([^!}][^}]*)\}", text):
        output = _OUTPUT.match(name)
        if name in variables:
            continue
        if name in given:
            variables[name] = given[name]
        elif output and output[1] in applications:
            plain = f"{output[1]}{output[2]}"
            text = text.replace(f"${{{name}}}", f"${{{plain}}}")
            variables[plain] = _attribute({"Fn::GetAtt": name}, applications)
    return {"Fn::Sub": [text, variables] if variables else text}
