"""What of a translated template moto gets to create, and what is left out or put differently."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from landrun_ops.local.errors import TemplateError
from landrun_ops.local.settings import ACCOUNT, REGION, STACK
from landrun_ops.local.template import Json, Translated, check_references, references

LEFT_OUT: Final[Mapping[str, str]] = {
    "AWS::Lambda::EventSourceMapping": (
        "moto ignores partial failures and sends one message at a time: the dispatcher polls"
    ),
    "AWS::Lambda::EventInvokeConfig": (
        "moto has no asynchronous invocation: landrun retries and tells the failure destination"
    ),
    "AWS::Scheduler::Schedule": "moto's CloudFormation has none: landrun fires the schedules",
    "AWS::Scheduler::ScheduleGroup": "moto's CloudFormation has none: only its name is needed",
    "AWS::SQS::QueuePolicy": "moto's CloudFormation has none; its rules may send to every queue",
    "AWS::SNS::TopicPolicy": "moto's CloudFormation has none; everyone may publish",
    "AWS::SNS::Subscription": "moto's CloudFormation has none; laptops send no mail",
    "AWS::S3::BucketPolicy": "TLS only cannot hold here: the laptop's AWS speaks HTTP",
    "AWS::CloudWatch::Alarm": "moto's CloudFormation has none; the laptop raises no alarms",
    "AWS::CloudWatch::Dashboard": "it shows metrics and alarms, which the laptop has none of",
}
"""Resource types that moto cannot create, or creates in a way that is in landrun's way."""

_SAME_AS_REF: Final = {
    ("AWS::StepFunctions::StateMachine", "Arn"),
    ("AWS::SQS::Queue", "QueueUrl"),
    ("AWS::SNS::Topic", "TopicArn"),
}
"""Attributes that moto's GetAtt lacks and that say what Ref says."""


@dataclass(frozen=True)
class Adapted:
    """What moto gets, and what it does not.

    Attributes
    ----------
    template
        For moto's CloudFormation.
    left_out
        The resources that moto does not get, by logical id.
    reasons
        Why, by logical id.
    rule_queues
        Queues added in place of functions as targets of rules: queue to function (logical ids).
    """

    template: Json
    left_out: Json
    reasons: dict[str, str]
    rule_queues: dict[str, str]


def adapt(translated: Translated, supported: Collection[str]) -> Adapted:
    """Prepare ``translated`` for a CloudFormation that creates the ``supported`` resource types.

    Raises
    ------
    TemplateError
        When something refers to a resource that had to be left out.
    """
    template = _with_group_names(copy.deepcopy(translated.template))
    resources: Json = template["Resources"]
    reasons = _reasons(resources, supported)
    left_out = {logical_id: resources.pop(logical_id) for logical_id in reasons}
    _put_code_inline(resources)
    _put_definitions_inline(resources, translated.definitions)
    rule_queues = _put_queues_before_functions(resources)
    everything = {**resources, **left_out}
    template = _rewrite(template, lambda owner, attribute: _stand_in(everything, owner, attribute))
    _check_nobody_needs(template, left_out)
    return Adapted(template, left_out, reasons, rule_queues)


def schedule_arn(logical_id: str, properties: Json) -> Json:
    """Return the ARN of a schedule that was left out; its name is the template's or made here."""
    group, name = properties.get("GroupName", "default"), _schedule_name(logical_id, properties)
    prefix = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/"
    return {"Fn::Join": ["", [prefix, group, "/", name]]}


def _with_group_names(template: Json) -> Json:
    """Put names for references to schedule groups, in what moto does not create as well."""
    resources: Json = template["Resources"]

    def named(owner: str, attribute: str) -> Any:
        group = resources.get(owner, {})
        if group.get("Type") != "AWS::Scheduler::ScheduleGroup":
            return None
        name = group.get("Properties", {}).get("Name", f"{STACK}-{owner}")
        prefix = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/"
        return {"Fn::Join": ["", [prefix, name]]} if attribute == "Arn" else name

    rewritten: Json = _rewrite(template, named)
    return rewritten


def _schedule_name(logical_id: str, properties: Json) -> Any:
    return properties.get("Name", f"{STACK}-{logical_id}")


def _reasons(resources: Json, supported: Collection[str]) -> dict[str, str]:
    types = {logical_id: resource["Type"] for logical_id, resource in resources.items()}
    return {
        logical_id: LEFT_OUT.get(kind, f"moto's CloudFormation has no {kind}")
        for logical_id, kind in types.items()
        if kind in LEFT_OUT or kind not in supported
    }


def _put_code_inline(resources: Json) -> None:
    """Give moto something to zip: the code that runs is the folder of the CodeUri."""
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = {"ZipFile": "# runs from its CodeUri"}


def _put_definitions_inline(resources: Json, definitions: Mapping[str, str]) -> None:
    """Give moto the text of definitions: it reads none from S3."""
    for logical_id, text in definitions.items():
        properties = resources[logical_id]["Properties"]
        properties.pop("DefinitionS3Location")
        properties["DefinitionString"] = text


def _put_queues_before_functions(resources: Json) -> dict[str, str]:
    """Point rules at a queue in the place of a function: moto's rules cannot invoke functions."""
    queues: dict[str, str] = {}
    for rule_id, rule in list(resources.items()):
        if rule["Type"] != "AWS::Events::Rule" or "EventPattern" not in rule["Properties"]:
            continue
        for target in rule["Properties"].get("Targets", []):
            function = _function_of(target["Arn"], resources)
            if function:
                queue = f"{rule_id}For{function}"
                resources[queue] = {"Type": "AWS::SQS::Queue", "Properties": {}}
                target["Arn"] = {"Fn::GetAtt": [queue, "Arn"]}
                queues[queue] = function
    return queues


def _function_of(arn: Any, resources: Json) -> str:
    owner = arn["Fn::GetAtt"][0] if isinstance(arn, dict) and "Fn::GetAtt" in arn else ""
    found = resources.get(owner, {}).get("Type") == "AWS::Lambda::Function"
    return str(owner) if found else ""


def _stand_in(everything: Json, owner: str, attribute: str) -> Any:
    """Return what to put for an attribute (``""``: Ref) that moto cannot tell; None when it can."""
    resource = everything.get(owner, {})
    if resource.get("Type") == "AWS::Scheduler::Schedule":
        tell = schedule_arn if attribute == "Arn" else _schedule_name
        return tell(owner, resource["Properties"])
    return {"Ref": owner} if (resource.get("Type"), attribute) in _SAME_AS_REF else None


def _rewrite(node: Any, stand_in: Callable[[str, str], Any]) -> Any:
    """Copy ``node`` with stand-ins in the place of the references that moto cannot follow."""
    if isinstance(node, list):
        return [_rewrite(item, stand_in) for item in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Ref"}:
        return stand_in(node["Ref"], "") or node
    if set(node) == {"Fn::GetAtt"} and isinstance(node["Fn::GetAtt"], list):
        return stand_in(*node["Fn::GetAtt"][:2]) or node
    if set(node) == {"Fn::Sub"}:
        return _rewrite_sub(node["Fn::Sub"], stand_in)
    return {key: _rewrite(value, stand_in) for key, value in node.items()}


def _rewrite_sub(value: Any, stand_in: Callable[[str, str], Any]) -> Json:
    text, variables = (value, {}) if isinstance(value, str) else value
    variables = _rewrite(variables, stand_in)

    def replace(match: re.Match[str]) -> str:
        owner, _, attribute = match[1].partition(".")
        found = None if owner in variables else stand_in(owner, attribute)
        if found is None:
            return match[0]
        variables[f"{owner}{attribute}StandIn"] = found
        return f"${{{owner}{attribute}StandIn}}"

    text = re.sub(r"\$\{([^!}][^}]*)\}", replace, text)
    return {"Fn::Sub": [text, variables] if variables else text}


def _check_nobody_needs(template: Json, left_out: Json) -> None:
    for section in ("Resources", "Outputs"):
        for owner, body in template.get(section, {}).items():
            for needed in set(references(body)) & left_out.keys():
                raise TemplateError(
                    f"{owner} refers to {needed}, and the laptop's AWS cannot create "
                    f"{left_out[needed]['Type']}"
                )
    check_references(template)
