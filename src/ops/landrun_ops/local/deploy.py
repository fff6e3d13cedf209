"""The stack in moto: created by its CloudFormation, completed where that ignores properties."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landrun_ops.local.adapt import Adapted, adapt, schedule_arn
from landrun_ops.local.errors import StackError
from landrun_ops.local.functions import FunctionSettings
from landrun_ops.local.settings import ACCOUNT, REGION, STACK
from landrun_ops.local.stack import AsyncSettings, QueueSource, ScheduleSettings, Stack
from landrun_ops.local.template import Json, Translated, with_texts_for_defaults

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client


def deploy(
    translated: Translated, parameters: Mapping[str, str], session: boto3.Session, endpoint_url: str
) -> Stack:
    """Create the stack and return what it holds.

    Raises
    ------
    TemplateError
        When the template needs what the laptop cannot have.
    StackError
        When a resource cannot be created; names it.
    """
    from moto.cloudformation.parsing import get_model_map  # noqa: PLC0415  (late: takes seconds)

    adapted = adapt(translated, get_model_map().keys())
    outputs = _create(adapted.template, parameters, session, endpoint_url)
    reading = _Reading(adapted)
    _complete_buckets(reading, session.client("s3", endpoint_url=endpoint_url))
    _complete_roles(reading, session.client("iam", endpoint_url=endpoint_url))
    return Stack(
        outputs=outputs,
        functions=list(_functions(reading, translated.code)),
        sources=[*_mappings(reading), *_rule_targets(reading)],
        schedules=[*_schedules(reading), *_classic_schedules(reading)],
        asynchronous=dict(_asynchronous(reading)),
        not_here=adapted.reasons,
    )


def _create(
    template: Json, parameters: Mapping[str, str], session: boto3.Session, endpoint_url: str
) -> dict[str, str]:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    client = session.client("cloudformation", endpoint_url=endpoint_url)
    given = [{"ParameterKey": key, "ParameterValue": parameters[key]} for key in parameters]
    with _naming_the_resource() as failures:
        try:
            client.create_stack(
                StackName=STACK,
                TemplateBody=json.dumps(with_texts_for_defaults(template)),
                Parameters=given,  # type: ignore[arg-type]
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
            kind = resource_json["Type"]
            failures.append(
                f"{logical_id} ({kind}) cannot be created: {type(error).__name__}: {error}"
            )
            raise

    parsing.parse_and_create_resource = create_or_name
    try:
        yield failures
    finally:
        parsing.parse_and_create_resource = create


class _Reading:
    """Reads resources, left out ones too, as the created stack resolves their references."""

    def __init__(self, adapted: Adapted) -> None:
        from moto.cloudformation.models import cloudformation_backends  # noqa: PLC0415

        self._adapted = adapted
        self._created = cloudformation_backends[ACCOUNT][REGION].get_stack(STACK).resource_map

    def of_type(self, kind: str) -> Iterator[tuple[str, Json]]:
        """Yield logical id and properties of every resource of ``kind`` whose condition holds."""
        everything = {**self._adapted.template["Resources"], **self._adapted.left_out}
        for logical_id, resource in everything.items():
            if resource["Type"] == kind and self._holds(resource.get("Condition")):
                yield logical_id, self.resolved(resource.get("Properties", {}))

    def resolved(self, node: Any) -> Any:
        from moto.cloudformation.parsing import clean_json  # noqa: PLC0415

        return clean_json(node, self._created)

    def created(self, logical_id: str) -> Any:
        """Return moto's own object for a resource."""
        return self._created[logical_id]

    @property
    def rule_queues(self) -> dict[str, str]:
        return self._adapted.rule_queues

    def _holds(self, condition: str | None) -> bool:
        return condition is None or bool(self._created.lazy_condition_map[condition])


def _complete_buckets(reading: _Reading, s3: S3Client) -> None:
    """Apply what moto's CloudFormation ignores of a bucket."""
    for logical_id, properties in reading.of_type("AWS::S3::Bucket"):
        bucket = reading.created(logical_id).name
        versioning = properties.get("VersioningConfiguration")
        if versioning:
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioning)
        notifications = properties.get("NotificationConfiguration", {})
        if "EventBridgeConfiguration" in notifications:
            s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )
        others = notifications.keys() - {"EventBridgeConfiguration"}
        if others:
            raise StackError(
                f"{logical_id} notifies by {', '.join(sorted(others))}; "
                "the laptop's AWS knows EventBridgeConfiguration only"
            )


def _complete_roles(reading: _Reading, iam: Any) -> None:
    """Attach the stack's managed policies, which moto's CloudFormation leaves off; AWS's stay."""
    for logical_id, properties in reading.of_type("AWS::IAM::Role"):
        for arn in properties.get("ManagedPolicyArns", []):
            if f"::{ACCOUNT}:" in arn:
                iam.attach_role_policy(
                    RoleName=reading.created(logical_id).physical_resource_id, PolicyArn=arn
                )


def _functions(reading: _Reading, code: Mapping[str, Path]) -> Iterator[FunctionSettings]:
    for logical_id, properties in reading.of_type("AWS::Lambda::Function"):
        deployed = reading.created(logical_id).get_configuration()
        if logical_id not in code or not properties.get("Handler"):
            raise StackError(f"{logical_id} is not a function with a CodeUri and a Handler")
        yield FunctionSettings(
            logical_id=logical_id,
            name=deployed["FunctionName"],
            arn=deployed["FunctionArn"],
            handler=deployed["Handler"],
            timeout=float(deployed["Timeout"]),
            memory=int(deployed["MemorySize"]),
            environment={
                name: str(value)
                for name, value in deployed.get("Environment", {}).get("Variables", {}).items()
            },
            code=code[logical_id],
        )


def _mappings(reading: _Reading) -> Iterator[QueueSource]:
    for logical_id, properties in reading.of_type("AWS::Lambda::EventSourceMapping"):
        if ":sqs:" not in properties["EventSourceArn"]:
            raise StackError(f"{logical_id}: the laptop's AWS feeds functions from queues only")
        if str(properties.get("Enabled", True)).lower() != "true":
            continue
        yield QueueSource(
            queue_arn=properties["EventSourceArn"],
            function=_function_name(properties["FunctionName"]),
            batch_size=int(properties.get("BatchSize", 10)),
            window=float(properties.get("MaximumBatchingWindowInSeconds", 0)),
            partial="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        )


def _rule_targets(reading: _Reading) -> Iterator[QueueSource]:
    for queue, function in reading.rule_queues.items():
        yield QueueSource(
            queue_arn=reading.created(queue).queue_arn,
            function=reading.created(function).function_name,
            batch_size=1,
            raw=True,
        )


def _schedules(reading: _Reading) -> Iterator[ScheduleSettings]:
    for logical_id, properties in reading.of_type("AWS::Scheduler::Schedule"):
        target = properties["Target"]
        if ":function:" not in target["Arn"]:
            raise StackError(f"{logical_id}: the laptop's schedules invoke functions only")
        yield ScheduleSettings(
            logical_id=logical_id,
            arn=reading.resolved(schedule_arn(logical_id, properties)),
            expression=properties["ScheduleExpression"],
            timezone=properties.get("ScheduleExpressionTimezone", "UTC"),
            enabled=properties.get("State", "ENABLED") == "ENABLED",
            function=_function_name(target["Arn"]),
            input=target.get("Input"),
            role=target.get("RoleArn", ""),
        )


def _classic_schedules(reading: _Reading) -> Iterator[ScheduleSettings]:
    for logical_id, properties in reading.of_type("AWS::Events::Rule"):
        if "ScheduleExpression" not in properties:
            continue
        for target in properties.get("Targets", []):
            if ":function:" not in target["Arn"]:
                raise StackError(f"{logical_id}: the laptop's schedules invoke functions only")
            yield ScheduleSettings(
                logical_id=logical_id,
                arn=reading.created(logical_id).arn,
                expression=properties["ScheduleExpression"],
                timezone="UTC",
                enabled=properties.get("State", "ENABLED") == "ENABLED",
                function=_function_name(target["Arn"]),
                input=target.get("Input"),
                classic=True,
            )


def _asynchronous(reading: _Reading) -> Iterator[tuple[str, AsyncSettings]]:
    for _, properties in reading.of_type("AWS::Lambda::EventInvokeConfig"):
        failure = properties.get("DestinationConfig", {}).get("OnFailure", {})
        yield (
            _function_name(properties["FunctionName"]),
            AsyncSettings(
                retries=int(properties.get("MaximumRetryAttempts", 2)),
                destination=failure.get("Destination", ""),
            ),
        )


def _function_name(name_or_arn: str) -> str:
    """``arn:…:function:name[:alias]`` or ``name[:alias]`` to ``name``."""
    return name_or_arn.rpartition(":function:")[2].split(":")[0]
