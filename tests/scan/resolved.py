"""A translated template with parameters put in: what one deployment of it is.

Scanners see values, not choices: checkov takes either side of an ``Fn::If`` for granted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]
Lookup = Callable[[str], Any]

ABSENT: Final = object()
UNKNOWN: Final = object()

REGION: Final = "us-east-1"
ACCOUNT: Final = "123456789012"
PSEUDO: Final = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/landrun/51af3dc0-da77-4f1b",
    "AWS::StackName": "landrun",
    "AWS::URLSuffix": "amazonaws.com",
}


@dataclass(frozen=True)
class Resolver:
    """Evaluates intrinsic functions as far as values are known, and leaves the others alone.

    Attributes
    ----------
    lookup
        The value of a ``Ref`` (by name) or a ``GetAtt`` (by ``name.attribute``), or ``UNKNOWN``.
    conditions
        The template's Conditions.
    """

    lookup: Lookup
    conditions: Json

    def __call__(self, node: Any) -> Any:
        """Give ``node`` with values in place of functions; ``ABSENT`` for ``AWS::NoValue``."""
        if isinstance(node, list):
            return [value for item in node if (value := self(item)) is not ABSENT]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(name, argument)] = node.items()
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](self, argument)
        resolved = {name: self(value) for name, value in node.items()}
        return {name: value for name, value in resolved.items() if value is not ABSENT}

    def holds(self, condition: str) -> bool:
        """Say whether the template's condition of that name does."""
        return bool(self(self.conditions[condition]))


def _ref(resolver: Resolver, name: str) -> Any:
    if name == "AWS::NoValue":
        return ABSENT
    value = resolver.lookup(name)
    return {"Ref": name} if value is UNKNOWN else value


def _getatt(resolver: Resolver, path: Any) -> Any:
    value = resolver.lookup(path if isinstance(path, str) else ".".join(path))
    return {"Fn::GetAtt": path} if value is UNKNOWN else value


def _if(resolver: Resolver, arguments: list[Any]) -> Any:
    condition, yes, no = arguments
    return resolver(yes if resolver.holds(condition) else no)


def _equals(resolver: Resolver, arguments: list[Any]) -> bool:
    left, right = resolver(arguments)
    return str(left) == str(right)


def _join(resolver: Resolver, arguments: list[Any]) -> Any:
    separator, parts = resolver(arguments)
    if isinstance(parts, list) and all(isinstance(part, str | int) for part in parts):
        return separator.join(str(part) for part in parts)
    return {"Fn::Join": [separator, parts]}


def _split(resolver: Resolver, arguments: list[Any]) -> Any:
    separator, text = resolver(arguments)
    return text.split(separator) if isinstance(text, str) else {"Fn::Split": [separator, text]}


def _select(resolver: Resolver, arguments: list[Any]) -> Any:
    index, items = resolver(arguments)
    return items[int(index)] if isinstance(items, list) else {"Fn::Select": [index, items]}


def _sub(resolver: Resolver, argument: Any) -> Any:
    text, given = (argument, {}) if isinstance(argument, str) else argument
    given = {name: resolver(value) for name, value in given.items()}
    left: Json = {}

    def value(match: re.Match[str]) -> str:
        name = match[1]
        found = given[name] if name in given else resolver.lookup(name)
        if isinstance(found, str | int):
            return str(found)
        if name in given:
            left[name] = found
        return match[0]

    replaced = re.sub(r"\$\{([^!}]+)\}", value, text)
    if "${" not in replaced:
        return replaced
    return {"Fn::Sub": [replaced, left] if left else replaced}


_FUNCTIONS: Final[Mapping[str, Callable[[Resolver, Any], Any]]] = {
    "Ref": _ref,
    "Condition": lambda resolver, name: (
        resolver.holds(name) if isinstance(name, str) else {"Condition": resolver(name)}
    ),
    "Fn::And": lambda resolver, arguments: all(resolver(arguments)),
    "Fn::Equals": _equals,
    "Fn::GetAtt": _getatt,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Not": lambda resolver, arguments: not resolver(arguments[0]),
    "Fn::Or": lambda resolver, arguments: any(resolver(arguments)),
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}


def resolved(template: Json, parameters: Mapping[str, str]) -> Json:
    """Give the template that these parameters make: no parameters, no conditions, no choices.

    References to resources and to what the surroundings know (``AWS::Region``) stay.
    """
    values = _values(template, parameters)
    resolver = Resolver(lambda name: values.get(name, UNKNOWN), template.get("Conditions", {}))
    kept: Json = {}
    for logical_id, resource in template["Resources"].items():
        body = dict(resource)
        condition = body.pop("Condition", None)
        if condition is None or resolver.holds(condition):
            kept[logical_id] = resolver(body)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": template.get("Description", ""),
        "Resources": kept,
    }


def concrete(template: Json) -> Json:
    """Return a `resolved` template with names and ARNs in place of references."""
    resources = template["Resources"]

    def lookup(name: str) -> Any:
        logical_id, _, attribute = name.partition(".")
        if logical_id not in resources:
            return PSEUDO.get(name, UNKNOWN)
        service = resources[logical_id]["Type"].split("::")[1].lower()
        if attribute in ("", "Ref"):
            return f"landrun-{logical_id.lower()}"
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{logical_id}"

    result: Json = Resolver(lookup, {})(template)
    return result


def _values(template: Json, parameters: Mapping[str, str]) -> Json:
    """Return each parameter's value: a string, of a Number too, as CloudFormation has it."""
    declared = template.get("Parameters", {})
    return {name: str(parameters.get(name, one.get("Default"))) for name, one in declared.items()}
