"""The stack deployed again with other parameters: policies, keys and the state machine.

moto's UpdateStack leaves roles' policies as they are and makes new topics. Here each property that
such an update changes is set through the service's own API, as CloudFormation sets it: in place.
The functions' environment stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json, get_model_map
from moto.dynamodb.models import dynamodb_backends

from landrun_ops.local import LocalAws
from landrun_ops.local.deploy import adapt
from landrun_ops.local.moto_patches.cloudformation import definition_of
from landrun_ops.local.settings import ACCOUNT, REGION, STACK
from landrun_ops.local.template import translate, values_of


class Update:
    """The template with its new parameters, resolved against the resources that are there."""

    def __init__(self, project: Path, parameters: dict[str, str]) -> None:
        translated = translate(project / "template.yaml", parameters)
        template, _ = adapt(translated, get_model_map().keys())
        self._map = cloudformation_backends[ACCOUNT][REGION].get_stack(STACK).resource_map
        self._map._template = template
        self._map._resource_json_map = template["Resources"]
        self._map.input_parameters = values_of(template, parameters)
        self._map.load_parameters()
        self._map.load_conditions()

    def of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give the physical name and the new properties of each resource of a type."""
        for logical_id, resource in self._map._resource_json_map.items():
            condition = resource.get("Condition")
            if resource["Type"] == kind and (
                condition is None or self._map.lazy_condition_map[condition]
            ):
                made = self._map[logical_id]
                yield made.physical_resource_id, clean_json(resource["Properties"], self._map)


def update(aws: LocalAws, project: Path, parameters: dict[str, str]) -> None:
    """Deploy the stack again with these parameters."""
    stack = Update(project, parameters)
    _roles(aws.client("iam"), stack)
    _keys(aws, stack)
    for arn, given in stack.of_type("AWS::StepFunctions::StateMachine"):
        aws.client("stepfunctions").update_state_machine(
            stateMachineArn=arn, definition=definition_of(given)["DefinitionString"]
        )


def _roles(iam: Any, stack: Update) -> None:
    inline: dict[str, dict[str, Any]] = {}
    for role, given in stack.of_type("AWS::IAM::Role"):
        inline[role] = {one["PolicyName"]: one["PolicyDocument"] for one in given["Policies"]}
    for _, given in stack.of_type("AWS::IAM::Policy"):
        for role in given["Roles"]:
            inline[role][given["PolicyName"]] = given["PolicyDocument"]
    for role, policies in inline.items():
        for gone in {*iam.list_role_policies(RoleName=role)["PolicyNames"]} - policies.keys():
            iam.delete_role_policy(RoleName=role, PolicyName=gone)
        for name, document in policies.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=_text(document))
    for arn, given in stack.of_type("AWS::IAM::ManagedPolicy"):
        _set_default(iam, arn, _text(given["PolicyDocument"]))


def _set_default(iam: Any, arn: str, document: str) -> None:
    """Make a document the default version of a managed policy, and the only one: IAM keeps five."""
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])


def _keys(aws: LocalAws, stack: Update) -> None:
    for url, given in stack.of_type("AWS::SQS::Queue"):
        aws.client("sqs").set_queue_attributes(
            QueueUrl=url, Attributes={"KmsMasterKeyId": given.get("KmsMasterKeyId", "")}
        )
    for arn, given in stack.of_type("AWS::SNS::Topic"):
        aws.client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=given["KmsMasterKeyId"]
        )
    for bucket, given in stack.of_type("AWS::S3::Bucket"):
        [rule] = given["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        default = rule["ServerSideEncryptionByDefault"]
        aws.client("s3").put_bucket_encryption(
            Bucket=bucket,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
            },
        )
    for table, given in stack.of_type("AWS::DynamoDB::Table"):
        tables = dynamodb_backends[ACCOUNT][REGION].tables
        tables[table].sse_specification = given["SSESpecification"]


def _text(document: Any) -> str:
    return json.dumps(json.loads(json.dumps(document), parse_int=str))
