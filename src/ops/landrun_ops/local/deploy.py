"""The stack in moto: created by its CloudFormation, completed where that ignores properties."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from landrun_ops.local.errors import StackError
from landrun_ops.local.event_sources import register
from landrun_ops.local.lambda_runtime import DeployedFunction
from landrun_ops.local.settings import ACCOUNT, REGION, STACK
from landrun_ops.local.template import (
    Json,
    Translated,
    check_references,
    rewritten,
    values_of,
)
from landrun_ops.stack.cron import ScheduleError, next_time

LEFT_OUT: Final = {
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",  # moto has it, but it names the alarms
    "AWS::Lambda::EventInvokeConfig",  # lambda_runtime.py retries, and sends to the destination
    "AWS::Lambda::EventSourceMapping",  # moto ignores partial failures: event_sources.py polls
    "AWS::S3::BucketPolicy",  # it demands TLS, and the laptop's AWS speaks HTTP
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",  # moto's rules may send to every queue
    "AWS::Scheduler::Schedule",  # made by Scheduler's own API here; schedules.py invokes
    "AWS::Scheduler::ScheduleGroup",
}
"""Resource types that moto's CloudFormation has not, or not as landrun needs them."""

_SAME_AS_REF: Final = {
    ("AWS::StepFunctions::StateMachine", "Arn"),
    ("AWS::SQS::Queue", "QueueUrl"),
    ("AWS::SNS::Topic", "TopicArn"),
}
"""Attributes that moto's GetAtt lacks and that say what Ref says."""


@dataclass(frozen=True)
class Stack:
    """What was created.

    ``asynchronous`` has the functions' EventInvokeConfigs; ``sources`` are moto's own mappings.
    """

    outputs: dict[str, str]
    functions: list[DeployedFunction]
    asynchronous: dict[str, Json]
    sources: list[Any]


def adapt(translated: Translated, supported: Collection[str]) -> tuple[Json, Json]:
    """Return the template for moto's CloudFormation, and the resources that it does not get.

    It creates the ``supported`` resource types. Raises TemplateError when something refers to a
    resource that had to be left out.
    """
    everything: Json = translated.template["Resources"]

    def stand_in(name: str) -> Any:
        owner, _, attribute = name.partition(".")
        return rewritten(_stand_in(owner, attribute, everything.get(owner, {})), stand_in)

    template = rewritten(translated.template, stand_in)
    resources: Json = template["Resources"]
    left_out = {
        logical_id: resources.pop(logical_id)
        for logical_id, resource in list(resources.items())
        if resource["Type"] in LEFT_OUT or resource["Type"] not in supported
    }
    check_references(template, left_out)
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::Function":  # something to zip; the CodeUri is run
            resource["Properties"]["Code"] = {"ZipFile": "# runs from its CodeUri"}
    for logical_id, text in translated.definitions.items():  # moto reads none from S3
        resources[logical_id]["Properties"].pop("DefinitionS3Location")
        resources[logical_id]["Properties"]["DefinitionString"] = text
    return template, left_out


def _stand_in(owner: str, attribute: str, resource: Json) -> Any:
    """Return what to write for a reference that moto cannot follow; None for all others."""
    kind, properties = resource.get("Type"), resource.get("Properties", {})
    if (kind, attribute) in _SAME_AS_REF:
        return {"Ref": owner}
    if kind not in ("AWS::Scheduler::Schedule", "AWS::Scheduler::ScheduleGroup"):
        return None
    name = properties.get("Name", f"{STACK}-{owner}")
    if attribute != "Arn":
        return name
    prefix = f"arn:aws:scheduler:{REGION}:{ACCOUNT}"
    if kind.endswith("Group"):
        return {"Fn::Join": ["", [f"{prefix}:schedule-group/", name]]}
    group = properties.get("GroupName", "default")
    return {"Fn::Join": ["", [f"{prefix}:schedule/", group, "/", name]]}


def deploy(
    translated: Translated, parameters: Mapping[str, str], client: Callable[[str], Any]
) -> Stack:
    """Create the stack and return what it holds; ``client`` makes boto3 clients.

    Raises TemplateError when the template needs what the laptop cannot have, and StackError, which
    names the resource, when one cannot be created.
    """
    from moto.cloudformation.parsing import get_model_map  # noqa: PLC0415  (late: takes seconds)

    template, left_out = adapt(translated, get_model_map().keys())
    outputs = _create(template, parameters, client("cloudformation"))
    resources = _Resources({**template["Resources"], **left_out})
    _complete_buckets(resources, client("s3"))
    _complete_roles(resources, client("iam"))
    _create_schedules(resources, client("scheduler"))
    return Stack(
        outputs,
        functions=[
            DeployedFunction(
                name, translated.code[name], resources.created[name].get_configuration()
            )
            for name, _ in resources.of_type("AWS::Lambda::Function")
        ],
        asynchronous={
            properties["FunctionName"]: properties
            for _, properties in resources.of_type("AWS::Lambda::EventInvokeConfig")
        },
        sources=[
            register(properties)
            for _, properties in resources.of_type("AWS::Lambda::EventSourceMapping")
        ],
    )


def _create(template: Json, parameters: Mapping[str, str], client: Any) -> dict[str, str]:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    with _naming_the_resource() as failures:
        try:
            client.create_stack(
                StackName=STACK,
                TemplateBody=json.dumps(template),
                Parameters=[
                    {"ParameterKey": name, "ParameterValue": value}
                    for name, value in values_of(template, parameters).items()
                ],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            )
        except ClientError as error:
            raise StackError(failures[0] if failures else f"no stack: {error}") from error
    created = client.describe_stacks(StackName=STACK)["Stacks"][0]
    return {one["OutputKey"]: str(one["OutputValue"]) for one in created.get("Outputs", [])}


@contextlib.contextmanager
def _naming_the_resource() -> Iterator[list[str]]:
    """Collect which resource moto failed at, innermost first: its own errors do not name it."""
    from moto.cloudformation import parsing  # noqa: PLC0415

    failures: list[str] = []
    create = parsing.parse_and_create_resource

    def create_or_name(logical_id: str, resource_json: Json, *args: Any, **kwargs: Any) -> Any:
        try:
            return create(logical_id, resource_json, *args, **kwargs)
        except Exception as error:
            what = f"{logical_id} ({resource_json['Type']})"
            failures.append(f"{what} cannot be created: {type(error).__name__}: {error}")
            raise

    parsing.parse_and_create_resource = create_or_name
    try:
        yield failures
    finally:
        parsing.parse_and_create_resource = create


class _Resources:
    """Reads resources, left out ones too, as the created stack resolves their references."""

    def __init__(self, resources: Json) -> None:
        from moto.cloudformation.models import cloudformation_backends  # noqa: PLC0415

        self.created = cloudformation_backends[ACCOUNT][REGION].get_stack(STACK).resource_map
        self._all = resources

    def of_type(self, kind: str) -> Iterator[tuple[str, Json]]:
        """Yield logical id and properties of every resource of ``kind`` whose condition holds."""
        from moto.cloudformation.parsing import clean_json  # noqa: PLC0415

        for logical_id, resource in self._all.items():
            condition = resource.get("Condition")
            exists = condition is None or self.created.lazy_condition_map[condition]
            if resource["Type"] == kind and exists:
                yield logical_id, clean_json(resource.get("Properties", {}), self.created)


def _complete_buckets(resources: _Resources, s3: Any) -> None:
    """Switch on versioning and EventBridge, which moto's CloudFormation ignores."""
    for logical_id, properties in resources.of_type("AWS::S3::Bucket"):
        bucket = resources.created[logical_id].name
        versioning = properties.get("VersioningConfiguration")
        if versioning:
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioning)
        if "EventBridgeConfiguration" in properties.get("NotificationConfiguration", {}):
            s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )


def _complete_roles(resources: _Resources, iam: Any) -> None:
    """Attach the stack's managed policies, which moto's CloudFormation leaves off."""
    for logical_id, properties in resources.of_type("AWS::IAM::Role"):
        role = resources.created[logical_id].physical_resource_id
        for arn in properties.get("ManagedPolicyArns", []):
            if f"::{ACCOUNT}:" in arn:
                iam.attach_role_policy(RoleName=role, PolicyArn=arn)


def _create_schedules(resources: _Resources, scheduler: Any) -> None:
    for logical_id, properties in resources.of_type("AWS::Scheduler::ScheduleGroup"):
        scheduler.create_schedule_group(Name=properties.get("Name", f"{STACK}-{logical_id}"))
    for logical_id, properties in resources.of_type("AWS::Scheduler::Schedule"):
        zone = properties.get("ScheduleExpressionTimezone", "UTC")
        try:
            next_time(properties["ScheduleExpression"], zone, datetime.now(UTC))
        except ScheduleError as error:
            raise StackError(f"{logical_id} cannot be created: {error}") from error
        scheduler.create_schedule(**{"Name": f"{STACK}-{logical_id}", **properties})
