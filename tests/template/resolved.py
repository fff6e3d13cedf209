"""What CloudFormation would make of template.yaml: translated from SAM, then resolved."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from landrun_ops.local.template import translate, values_of

Json = dict[str, Any]

ABSENT = object()
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::NoValue": ABSENT,
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/landrun/51af3dc0-da77",
    "AWS::StackName": "landrun",
}
INTRINSICS: dict[str, Callable[[Any, Any], Any]] = {
    "Condition": lambda resolve, name: resolve.holds(name),
    "Ref": lambda resolve, name: resolve.ref(name),
    "Fn::And": lambda resolve, given: all(resolve(given)),
    "Fn::Equals": lambda resolve, given: resolve(given[0]) == resolve(given[1]),
    "Fn::GetAtt": lambda resolve, path: resolve.ref(".".join(path)),
    "Fn::If": lambda resolve, given: resolve(given[1 if resolve.holds(given[0]) else 2]),
    "Fn::Join": lambda resolve, given: given[0].join(map(str, resolve(given[1]))),
    "Fn::Not": lambda resolve, given: not resolve(given[0]),
    "Fn::Or": lambda resolve, given: any(resolve(given)),
    "Fn::Select": lambda resolve, given: resolve(given[1])[int(given[0])],
    "Fn::Split": lambda resolve, given: resolve(given[1]).split(given[0]),
    "Fn::Sub": lambda resolve, given: resolve.sub(*([given] if isinstance(given, str) else given)),
}


@dataclass(frozen=True)
class Resolver:
    """Evaluates intrinsics; ``named`` is what ``Id`` or ``Id.Att`` of a resource becomes."""

    values: Mapping[str, Any]
    conditions: Json
    named: Callable[[str], str]

    def __call__(self, node):
        if isinstance(node, list):
            return [value for item in node if (value := self(item)) is not ABSENT]
        if not isinstance(node, dict):
            return node
        if len(node) == 1 and (name := next(iter(node))) in INTRINSICS:
            return INTRINSICS[name](self, node[name])
        resolved = {name: self(value) for name, value in node.items()}
        return {name: value for name, value in resolved.items() if value is not ABSENT}

    def holds(self, condition):
        return bool(self(self.conditions[condition]))

    def ref(self, name):
        return self.values[name] if name in self.values else self.named(name)

    def sub(self, text, given=None):
        given = {name: self(value) for name, value in (given or {}).items()}

        def value(match):
            name = match[1]
            return str(given[name] if name in given else self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)


@dataclass(frozen=True)
class Stack:
    """The resolved resources and outputs of one deployment."""

    resources: Json
    outputs: dict[str, str]
    named: Callable[[str], str]

    def of_type(self, resource_type):
        return {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    def policies(self, role):
        """The policy documents of a role: its own, the stack's managed ones, attached ones."""
        properties = self.of_type("AWS::IAM::Role")[role]
        yield from (policy["PolicyDocument"] for policy in properties.get("Policies", []))
        for name, policy in self.of_type("AWS::IAM::ManagedPolicy").items():
            if self.named(name) in properties.get("ManagedPolicyArns", []):
                yield policy["PolicyDocument"]
        for policy in self.of_type("AWS::IAM::Policy").values():
            if self.named(role) in policy["Roles"]:
                yield policy["PolicyDocument"]

    def grants(self, role):
        """Every pair of action and resource that a role allows."""
        return {
            (action, resource)
            for document in self.policies(role)
            for statement in statements(document)
            for action in statement["Action"]
            for resource in statement["Resource"]
        }

    def environment(self, function):
        properties = self.of_type("AWS::Lambda::Function")[function]
        return {name: str(value) for name, value in properties["Environment"]["Variables"].items()}


def statements(document):
    for statement in document["Statement"]:
        as_list = {
            key: statement[key] if isinstance(statement[key], list) else [statement[key]]
            for key in ("Action", "Resource")
            if key in statement
        }
        yield {**statement, **as_list}


@lru_cache
def translated():
    """Translate the template once per process: the translation is the same for all parameters."""
    return translate(Path(__file__).resolve().parents[2] / "template.yaml", {})


def deploy(parameters, named="<{}>".format):
    """Resolve the template; by default ``<Id>`` and ``<Id.Att>`` stand for its resources."""
    template = translated().template
    values = {**PSEUDO, **values_of(template, parameters)}
    resolver = Resolver(values, template["Conditions"], named)
    resources = {
        logical_id: resolver({key: resource[key] for key in resource if key != "Condition"})
        for logical_id, resource in template["Resources"].items()
        if "Condition" not in resource or resolver.holds(resource["Condition"])
    }
    outputs = {name: resolver(output["Value"]) for name, output in template["Outputs"].items()}
    return Stack(resources, outputs, named)
