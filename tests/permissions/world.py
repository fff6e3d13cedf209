"""The World with IAM enforced: each function signs as its role, with the policies of template.yaml.

::

    with PermittedWorld(StartOn="schedule") as world:
        world.take_away(Statement("StartRunsPolicy", "Start"))
        world.denied        # every `Decision` so far that was a no
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import boto3
from botocore.credentials import Credentials

from landrun_ops.local import iam as local_iam
from landrun_ops.local.iam import Decision, Iam
from landrun_ops.local.task_tokens import TOKENS

from . import faults

inside = faults.module("inside")
lambdas = faults.module("lambdas")
stack = faults.module("stack")
World = faults.module("world").World

LAMBDA = "lambda.amazonaws.com"
_HERE = f"{stack.REGION}:{stack.ACCOUNT}"
ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{_HERE}:table/{{}}",
    "AWS::ECR::Repository": f"arn:aws:ecr:{_HERE}:repository/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{stack.ACCOUNT}:role/{{}}",
    "AWS::KMS::Key": f"arn:aws:kms:{_HERE}:key/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{_HERE}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_HERE}:log-group:/aws/lambda/{{}}:*",
}
_PLACEHOLDER = re.compile(r"<([A-Za-z]+)(?:\.([A-Za-z]+))?>")


Document = dict[str, Any]


@dataclass(frozen=True, order=True)
class Grant:
    """What a role may do: one action on one resource."""

    role: str
    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.role} {self.action} {self.resource}"


@dataclass(frozen=True, order=True)
class Statement:
    """A statement of the template; several roles may have it."""

    policy: str
    sid: str


def pairs(document: Document) -> Iterator[tuple[str, str]]:
    """Give every action with every resource that a policy allows."""
    for statement in document["Statement"]:
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                yield action, resource


def without(document: Document, grant: Grant) -> Document:
    """Give a policy that has no more of a grant; what else it allows it goes on to allow."""
    left = []
    for statement in document["Statement"]:
        actions, resources = listed(statement["Action"]), listed(statement["Resource"])
        if grant.action not in actions or grant.resource not in resources:
            left.append(statement)
            continue
        others = [action for action in actions if action != grant.action]
        elsewhere = [resource for resource in resources if resource != grant.resource]
        left.append({**statement, "Action": others})
        left.append({**statement, "Action": grant.action, "Resource": elsewhere})
    return {**document, "Statement": left}


@lru_cache
def _keys(function: str) -> Credentials:
    """Give the keys with which a function signs: put in when it assumes its role."""
    return Credentials("none", "none", "none")


@lru_cache
def signed(function: str, service: str) -> Any:
    """Give the client of a function, as its role."""
    session = boto3.Session(region_name=stack.REGION)
    session._session._credentials = _keys(function)
    return session.client(service, config=stack.client(service).meta.config)


class Policies:
    """The policies of the stack's roles, with physical names in them."""

    def __init__(self, **parameters: str) -> None:
        self._stack = stack.DeployedStack(**parameters)
        self.resolved = self._stack.resolved

    def of(self, role: str) -> dict[str, Document]:
        """Give a role's documents by their names, those of policies on their own by logical id."""
        properties = self.resolved.of_type("AWS::IAM::Role")[role]
        found = {one["PolicyName"]: one["PolicyDocument"] for one in properties.get("Policies", [])}
        managed = self.resolved.of_type("AWS::IAM::ManagedPolicy")
        for arn in properties.get("ManagedPolicyArns", []):
            name = arn.strip("<>")
            found[name] = managed[name]["PolicyDocument"]
        for name, attached in self.resolved.of_type("AWS::IAM::Policy").items():
            if f"<{role}>" in attached["Roles"]:
                found[name] = attached["PolicyDocument"]
        return {name: self._physical(document) for name, document in found.items()}

    def trust(self, role: str) -> Document:
        properties = self.resolved.of_type("AWS::IAM::Role")[role]
        return self._physical(properties["AssumeRolePolicyDocument"])

    def physical_of_type(self, kind: str) -> list[tuple[str, Document]]:
        """Give the properties of the stack's resources of a type, with physical names."""
        every = self._stack.resolved.of_type(kind).items()
        return [(logical_id, self._named(properties)) for logical_id, properties in every]

    def grants(self, role: str) -> list[Grant]:
        """Give all that a role may do."""
        every = {pair for document in self.of(role).values() for pair in pairs(document)}
        return sorted(Grant(role, *pair) for pair in every)

    def statements(self) -> list[Statement]:
        """Give every statement that some function's role has."""
        return sorted(
            {
                Statement(policy, statement["Sid"])
                for function in lambdas.FUNCTIONS
                for policy, document in self.of(f"{function}FunctionRole").items()
                for statement in document["Statement"]
            }
        )

    def _physical(self, document: Document) -> Document:
        return {"Version": "2012-10-17", **self._named(document)}

    def _named(self, document: Document) -> Document:
        """Put physical names in; executions' are made of the machine's, once that is known."""
        machine = self._stack.arn("ProcessingStateMachine")
        executions = machine.replace(":stateMachine:", ":execution:")
        text = _PLACEHOLDER.sub(self._name, json.dumps(document))
        named: Document = json.loads(text.replace(f"{machine}:*", f"{executions}:*"))
        return named

    def _name(self, match: re.Match[str]) -> str:
        owner, attribute = match[1], match[2]
        kind = self._stack.resolved.resources[owner]["Type"]
        if attribute == "Arn" and kind in ARNS:
            return ARNS[kind].format(self._stack.name(owner))
        return str(self._stack.arn(owner) if attribute == "Arn" else self._stack.ref(owner))


class PermittedWorld(World):
    """See the module."""

    def __init__(self, **parameters: str) -> None:
        super().__init__(parameters.get("StartOn", "arrival"), **parameters)
        self.policies = Policies(**parameters)
        self.decisions: list[Decision] = []
        self.went_wrong = False
        self.iam = Iam(self.decisions.append)

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._enforce()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _enforce(self) -> None:
        self._encrypt()
        local_iam.adapt(self._patches, self.iam)
        for function in lambdas.FUNCTIONS:
            self._assume(function)
        self._patches.set(lambdas, "client", lambda service: signed(self._starting, service))
        self._starting = ""
        cold = self.functions._cold

        def start(function: str) -> Any:
            self._starting = function
            return cold(function)

        self.functions._cold = start

    def _slot_requested(self, message: dict[str, Any]) -> None:
        """Let IAM know whose machine's token it is, then ask."""
        TOKENS.open(message["SlotRequest"]["TaskToken"], self.machine.arn)
        super()._slot_requested(message)

    def _encrypt(self) -> None:
        """Put keys where the template has them; who may use a key is decided by them."""
        of_type, names = self.policies.physical_of_type, self.stack.name
        for topic, said in of_type("AWS::SNS::Topic"):
            stack.client("sns").set_topic_attributes(
                TopicArn=self.stack.arn(topic),
                AttributeName="KmsMasterKeyId",
                AttributeValue=said["KmsMasterKeyId"],
            )
        for queue, said in of_type("AWS::SQS::Queue"):
            if "KmsMasterKeyId" in said:
                stack.client("sqs").set_queue_attributes(
                    QueueUrl=self.stack.ref(queue),
                    Attributes={"KmsMasterKeyId": said["KmsMasterKeyId"]},
                )
        for bucket, said in of_type("AWS::S3::Bucket"):
            [rule] = said["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            default = rule["ServerSideEncryptionByDefault"]
            stack.client("s3").put_bucket_encryption(
                Bucket=names(bucket),
                ServerSideEncryptionConfiguration={
                    "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
                },
            )
        for table, said in of_type("AWS::DynamoDB::Table"):
            inside._table(names(table)).sse_specification = said["SSESpecification"]

    @property
    def denied(self) -> list[Decision]:
        """What was refused so far."""
        return [decision for decision in self.decisions if not decision.allowed]

    def take_away(self, what: Grant | Statement) -> None:
        """Take what one role may do from it, or a statement from every role that has it."""
        for function in lambdas.FUNCTIONS:
            role = f"{function}FunctionRole"
            for name, document in self.policies.of(role).items():
                if isinstance(what, Statement):
                    if what.policy == name:
                        kept = [one for one in document["Statement"] if one["Sid"] != what.sid]
                        self._put(role, name, {**document, "Statement": kept})
                elif what.role == role:
                    self._put(role, name, without(document, what))

    def _assume(self, function: str) -> None:
        role = f"{function}FunctionRole"
        made = stack.client("iam").create_role(
            RoleName=role, AssumeRolePolicyDocument=json.dumps(self.policies.trust(role))
        )["Role"]
        for name, document in self.policies.of(role).items():
            self._put(role, name, document)
        self.iam.demand_trust(made["Arn"], LAMBDA)
        session = stack.client("sts").assume_role(RoleArn=made["Arn"], RoleSessionName=function)
        keys, said = _keys(function), session["Credentials"]
        keys.access_key, keys.secret_key = said["AccessKeyId"], said["SecretAccessKey"]
        keys.token = said["SessionToken"]

    def _put(self, role: str, policy: str, document: Document) -> None:
        kept = [one for one in document["Statement"] if one["Action"] and one["Resource"]]
        iam, which = stack.client("iam"), {"RoleName": role, "PolicyName": policy}
        if kept:
            iam.put_role_policy(**which, PolicyDocument=json.dumps({**document, "Statement": kept}))
        else:
            iam.delete_role_policy(**which)


def listed(value: Any) -> list[Any]:
    """Give a list of what may be one thing or several."""
    return value if isinstance(value, list) else [value]
