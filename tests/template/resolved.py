"""What CloudFormation would make of template.yaml: translated from SAM, then resolved by moto."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from moto.cloudformation.parsing import LazyDict, clean_json, parse_condition

from landrun_ops.local.template import translate, values_of

Json = dict[str, Any]

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::NoValue": None,
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/landrun/51af3dc0-da77",
    "AWS::StackName": "landrun",
}


class References(dict):
    """What references become, as moto's parser asks for them: parameters, else resources."""

    def __init__(self, values, conditions, named):
        super().__init__(values)
        self.named, self.lazy_condition_map = named, LazyDict()
        for name, condition in conditions.items():
            parsed = partial(parse_condition, condition, self, self.lazy_condition_map)
            self.lazy_condition_map[name] = parsed

    def __missing__(self, logical_id):
        return self.named(logical_id)

    def get(self, logical_id):
        """Give a resource whose attributes are read."""
        return SimpleNamespace(get_cfn_attribute=lambda name: self.named(f"{logical_id}.{name}"))


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
    references = References(values, template["Conditions"], named)
    resources = {
        logical_id: clean_json(
            {key: resource[key] for key in resource if key != "Condition"}, references
        )
        for logical_id, resource in template["Resources"].items()
        if "Condition" not in resource or references.lazy_condition_map[resource["Condition"]]
    }
    outputs = clean_json(template["Outputs"], references)
    return Stack(resources, {name: output["Value"] for name, output in outputs.items()}, named)
