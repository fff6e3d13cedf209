"""Deploys the stack: moto's CloudFormation creates it; ignored properties are added afterwards."""

import contextlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from landrun_ops.local.errors import TemplateError
from landrun_ops.local.event_sources import register
from landrun_ops.local.lambda_runtime import DeployedFunction
from landrun_ops.local.patches import Patches
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
"""Resource types that moto's CloudFormation lacks, or implements unlike AWS."""

SAME_AS_REF: Final = {
    ("AWS::StepFunctions::StateMachine", "Arn"),
    ("AWS::SQS::Queue", "QueueUrl"),
    ("AWS::SNS::Topic", "TopicArn"),
}
"""Attributes that moto's GetAtt lacks, and whose value is that of Ref."""


@dataclass(frozen=True)
class Stack:
    """The created stack; ``sources`` are moto's own event source mappings."""

    outputs: dict[str, str]
    functions: list[DeployedFunction]
    asynchronous: dict[str, Json]
    sources: list[Any]


def adapt(translated: Translated, supported: Collection[str]) -> tuple[Json, Json]:
    """Return the template for moto's CloudFormation, and the resources left out of it.

    moto creates the ``supported`` resource types. Raises TemplateError when something refers to a
    resource that is left out.
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
    check_references(template)
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::Function":  # something to zip; the CodeUri is run
            resource["Properties"]["Code"] = {"ZipFile": "# runs from its CodeUri"}
    for logical_id, text in translated.definitions.items():  # moto reads none from S3
        resources[logical_id]["Properties"].pop("DefinitionS3Location")
        resources[logical_id]["Properties"]["DefinitionString"] = text
    return template, left_out


def _stand_in(owner: str, attribute: str, resource: Json) -> Any:
    """Return the replacement of a reference that moto cannot resolve; None for all others."""
    kind, properties = resource.get("Type"), resource.get("Properties", {})
    if (kind, attribute) in SAME_AS_REF:
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
    """Create the stack and return it; ``client`` makes boto3 clients.

    Raises TemplateError, which names the resource, when a resource cannot be created.
    """
    from moto.cloudformation.models import cloudformation_backends  # noqa: PLC0415
    from moto.cloudformation.parsing import get_model_map  # noqa: PLC0415

    template, left_out = adapt(translated, get_model_map().keys())
    values = values_of(template, parameters)
    # moto tries YAML first, in Python, which is slow; tabs are an error of YAML, not of JSON.
    body = json.dumps(template, indent="\t")
    with _naming_the_resource():
        created = cloudformation_backends[ACCOUNT][REGION].create_stack(STACK, body, values)
    resources = _Resources(created.resource_map, {**template["Resources"], **left_out})
    _complete_buckets(resources, client("s3"))
    _complete_roles(resources, client("iam"))
    _create_schedules(resources, client("scheduler"))
    return Stack(
        outputs={one.key: str(one.value) for one in created.output_map.values() if one},
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


@contextlib.contextmanager
def _naming_the_resource() -> Iterator[None]:
    """Raise TemplateError for the resource that moto fails at: its own errors do not name it."""
    from moto.cloudformation import parsing  # noqa: PLC0415

    failed = ["the stack"]

    def create(create: Any, logical_id: str, resource: Json, *args: Any, **named: Any) -> Any:
        try:
            return create(logical_id, resource, *args, **named)
        except Exception:
            failed.insert(-1, f"{logical_id} ({resource['Type']})")
            raise

    with Patches() as patches:
        patches.wrap(parsing, "parse_and_create_resource", create)
        try:
            yield
        except Exception as error:
            why = f"{failed[0]} cannot be created: {type(error).__name__}: {error}"
            raise TemplateError(why) from error


class _Resources:
    """Reads resources, left out ones too, as the created stack resolves their references."""

    def __init__(self, created: Any, resources: Json) -> None:
        self.created = created
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
            raise TemplateError(f"{logical_id} cannot be created: {error}") from error
        scheduler.create_schedule(**{"Name": f"{STACK}-{logical_id}", **properties})
