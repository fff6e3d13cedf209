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


ARNS: Final = {
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::ECR::Repository": "ecr:{region}:{account}:repository/{lower}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/00000000-0000-0000-0000-000000000000",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{lower}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::StepFunctions::StateMachine": "states:{region}:{account}:stateMachine:{name}",
}
REF_IS_ARN: Final = {
    "AWS::IAM::ManagedPolicy",
    "AWS::SNS::Topic",
    "AWS::StepFunctions::StateMachine",
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
    """Give a `resolved` template with ARNs and names in place of references."""
    types = {name: body["Type"] for name, body in template["Resources"].items()}

    def lookup(name: str) -> Any:
        logical_id, _, attribute = name.partition(".")
        if logical_id in types:
            return _attribute(types[logical_id], logical_id, attribute)
        return PSEUDO.get(name, UNKNOWN)

    result: Json = Resolver(lookup, {})(template)
    return result


def _values(template: Json, parameters: Mapping[str, str]) -> Json:
    """Return each parameter's value: a string, of a Number too, as CloudFormation has it."""
    declared = template.get("Parameters", {})
    return {name: str(parameters.get(name, one.get("Default"))) for name, one in declared.items()}


def _attribute(resource_type: str, name: str, attribute: str) -> str:
    if attribute in ("", "Ref") and resource_type not in REF_IS_ARN:
        return f"landrun-{name.lower()}" if "{lower}" in ARNS.get(resource_type, "") else name
    if attribute and not attribute.endswith("Arn"):
        return f"{name}-{attribute}"
    service = resource_type.split("::")[1].lower()
    form = ARNS.get(resource_type, f"{service}:{{region}}:{{account}}:{{name}}")
    return "arn:aws:" + form.format(
        region=REGION, account=ACCOUNT, name=name, lower=f"landrun-{name.lower()}"
    )
