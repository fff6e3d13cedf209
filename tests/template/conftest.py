"""What CloudFormation would make of template.yaml: translated from SAM, then resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.local.template import read, translate

Json = dict[str, Any]

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/landrun/51af3dc0-da77",
    "AWS::StackName": "landrun",
}
ABSENT = object()


@dataclass(frozen=True)
class Resolver:
    """Evaluates intrinsics; resources stand for themselves, as ``<LogicalId>`` and ``<Id.Att>``."""

    parameters: Mapping[str, Any]
    conditions: Json

    def __call__(self, node):
        if isinstance(node, list):
            return [value for item in node if (value := self(item)) is not ABSENT]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(name, argument)] = node.items()
            intrinsic = getattr(self, "_" + name.removeprefix("Fn::").lower(), None)
            if intrinsic and (name in ("Ref", "Condition") or name.startswith("Fn::")):
                return intrinsic(argument)
        resolved = {name: self(value) for name, value in node.items()}
        return {name: value for name, value in resolved.items() if value is not ABSENT}

    def holds(self, condition):
        return bool(self(self.conditions[condition]))

    def _ref(self, name):
        if name == "AWS::NoValue":
            return ABSENT
        return PSEUDO.get(name, self.parameters.get(name, f"<{name}>"))

    def _getatt(self, path):
        return f"<{path if isinstance(path, str) else '.'.join(path)}>"

    def _condition(self, name):
        return self.holds(name) if isinstance(name, str) else {"Condition": self(name)}

    def _if(self, arguments):
        condition, yes, no = arguments
        return self(yes if self.holds(condition) else no)

    def _equals(self, arguments):
        left, right = self(arguments)
        return str(left) == str(right)

    def _not(self, arguments):
        return not self(arguments[0])

    def _and(self, arguments):
        return all(self(arguments))

    def _or(self, arguments):
        return any(self(arguments))

    def _join(self, arguments):
        return str(arguments[0]).join(self(arguments[1]))

    def _split(self, arguments):
        return str(self(arguments[1])).split(arguments[0])

    def _select(self, arguments):
        return self(arguments[1])[int(arguments[0])]

    def _sub(self, argument):
        text, given = (argument, {}) if isinstance(argument, str) else argument
        given = {name: self(value) for name, value in given.items()}

        def value(match):
            name = match[1]
            return str(given[name] if name in given else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)


@dataclass(frozen=True)
class Stack:
    """The resolved resources and outputs of one deployment."""

    resources: Json
    outputs: dict[str, str]

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
        managed = self.of_type("AWS::IAM::ManagedPolicy")
        for arn in properties.get("ManagedPolicyArns", []):
            if arn.startswith("<"):
                yield managed[arn.strip("<>")]["PolicyDocument"]
        for policy in self.of_type("AWS::IAM::Policy").values():
            if f"<{role}>" in policy["Roles"]:
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


def resolver_of(template, parameters):
    defaults = {name: p["Default"] for name, p in template["Parameters"].items()}
    return Resolver({**defaults, **parameters}, template["Conditions"])


def refusals(template, parameters):
    """What CloudFormation refuses these parameters with: the failed assertions of Rules."""
    resolver = resolver_of(template, parameters)
    return [
        assertion["AssertDescription"]
        for rule in template["Rules"].values()
        if resolver(rule.get("RuleCondition", True))
        for assertion in rule["Assertions"]
        if not resolver(assertion["Assert"])
    ]


def deploy(template, parameters):
    resolver = resolver_of(template, parameters)
    resources = {
        logical_id: resolver({key: resource[key] for key in resource if key != "Condition"})
        for logical_id, resource in template["Resources"].items()
        if "Condition" not in resource or resolver.holds(resource["Condition"])
    }
    outputs = {name: resolver(output["Value"]) for name, output in template["Outputs"].items()}
    return Stack(resources, outputs)


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
    return translate(Path(__file__).resolve().parents[2] / "template.yaml", {}).template


@lru_cache
def deployed_with(parameters):
    return deploy(translated(), dict(parameters))


@pytest.fixture(scope="session")
def source(root):
    return read(root / "template.yaml")


@pytest.fixture(scope="session")
def deployed():
    """``deployed(ScheduledInput="in/")`` is the stack as CloudFormation would resolve it."""
    return lambda **parameters: deployed_with(tuple(sorted(parameters.items())))


@pytest.fixture(scope="session")
def refused():
    """``refused(StartOn="schedule")`` is what CloudFormation says against it, if anything."""
    return lambda **parameters: refusals(translated(), parameters)


@pytest.fixture(scope="session")
def stack(deployed):
    return deployed()
