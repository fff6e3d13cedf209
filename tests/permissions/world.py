"""The World with IAM enforced: each function signs as its role, with the policies of template.yaml.

::

    with PermittedWorld(StartOn="schedule") as world:
        world.land("incoming/a.jsonl")
        world.drain()
        world.decisions     # every `Decision` of IAM so far
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, NamedTuple

import boto3
from botocore.credentials import Credentials
from moto.dynamodb.models import dynamodb_backends

from faults import lambdas, stack
from faults.world import World
from landrun_ops.local.moto_patches import iam as local_iam
from landrun_ops.local.moto_patches.iam import Decision, Iam
from landrun_ops.local.moto_patches.task_tokens import TOKENS, Token
from landrun_ops.local.policies import permits
from template.conftest import statements

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


class Grant(NamedTuple):
    """What a role may do: one action on one resource."""

    action: str
    resource: str

    def allows(self, decision):
        """Whether this grant alone, conditions aside, allows what IAM has decided on."""
        statement = {"Effect": "Allow", "Action": self.action, "Resource": self.resource}
        return permits([{"Statement": [statement]}], decision.action, decision.resource)


class Policies:
    """The policies of the stack's roles, with physical names in them."""

    def __init__(self, **parameters):
        self._stack = stack.DeployedStack(**parameters)
        self._resolved = self._stack.resolved

    def of(self, role):
        return [
            {"Version": "2012-10-17", **self.named(one)} for one in self._resolved.policies(role)
        ]

    def grants(self, role):
        return {
            Grant(action, resource)
            for document in self.of(role)
            for statement in statements(document)
            for action in statement["Action"]
            for resource in statement["Resource"]
        }

    def trust(self, role):
        properties = self._resolved.of_type("AWS::IAM::Role")[role]
        return self.named(properties["AssumeRolePolicyDocument"])

    def of_type(self, kind):
        """Yield the physical name and the properties of each resource of a type."""
        for logical_id, properties in self._resolved.of_type(kind).items():
            yield self._stack.ref(logical_id), self.named(properties)

    def named(self, document):
        """Put physical names in; executions' are made of the machine's, once that is known."""
        machine = self._stack.arn("ProcessingStateMachine")
        executions = machine.replace(":stateMachine:", ":execution:")
        text = _PLACEHOLDER.sub(self._name, json.dumps(document))
        named: dict[str, Any] = json.loads(text.replace(f"{machine}:*", f"{executions}:*"))
        return named

    def _name(self, match):
        owner, attribute = match[1], match[2]
        kind = self._resolved.resources[owner]["Type"]
        if attribute == "Arn" and kind in ARNS:
            return ARNS[kind].format(self._stack.name(owner))
        return str(self._stack.arn(owner) if attribute == "Arn" else self._stack.ref(owner))


class PermittedWorld(World):
    """A World whose functions may do only what their roles allow.

    Parameters
    ----------
    policies
        The roles' policies; those of the same parameters by default.
    """

    def __init__(self, policies=None, **parameters):
        super().__init__(parameters.get("StartOn", "arrival"), **parameters)
        self.policies = policies or Policies(**parameters)
        self.decisions: list[Decision] = []
        self._iam = Iam(self.decisions.append)

    def __enter__(self):
        super().__enter__()
        try:
            self._enforce()
        except BaseException:
            self.__exit__()
            raise
        return self

    def used(self, role):
        """The grants that a role's calls have needed so far: each call exactly one."""
        used = set()
        for decision in self.decisions:
            if decision.role == role:
                [grant] = [one for one in self.policies.grants(role) if one.allows(decision)]
                used.add(grant)
        return used

    def _enforce(self):
        encrypt(stack.client, self.policies.of_type)
        local_iam.patch(self._patches, self._iam)
        for function in lambdas.FUNCTIONS:
            self._assume(function)
        self._patches.set(lambdas, "client", lambda service: _signed(self._starting, service))
        cold = self.functions._cold

        def start(function):
            self._starting = function
            return cold(function)

        self.functions._cold = start

    def _slot_requested(self, message):
        """Let IAM know whose machine's token it is, then request the slot."""
        TOKENS[message["SlotRequest"]["TaskToken"]] = Token(self.machine.arn)
        super()._slot_requested(message)

    def _assume(self, function):
        role, iam = f"{function}FunctionRole", stack.client("iam")
        trust = json.dumps(self.policies.trust(role))
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        for number, document in enumerate(self.policies.of(role)):
            iam.put_role_policy(
                RoleName=role, PolicyName=f"Policy{number}", PolicyDocument=json.dumps(document)
            )
        self._iam.demand_trust(arn, "lambda.amazonaws.com")
        session = stack.client("sts").assume_role(RoleArn=arn, RoleSessionName=function)
        keys, given = _keys(function), session["Credentials"]
        keys.access_key, keys.secret_key = given["AccessKeyId"], given["SecretAccessKey"]
        keys.token = given["SessionToken"]


def encrypt(client, of_type):
    """Put keys where the template has them: IAM asks who may use a key by them."""
    for url, given in of_type("AWS::SQS::Queue"):
        client("sqs").set_queue_attributes(
            QueueUrl=url, Attributes={"KmsMasterKeyId": given.get("KmsMasterKeyId", "")}
        )
    for arn, given in of_type("AWS::SNS::Topic"):
        client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=given["KmsMasterKeyId"]
        )
    for bucket, given in of_type("AWS::S3::Bucket"):
        [rule] = given["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        default = {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
        client("s3").put_bucket_encryption(
            Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [default]}
        )
    tables = dynamodb_backends[stack.ACCOUNT][stack.REGION].tables
    for table, given in of_type("AWS::DynamoDB::Table"):
        tables[table].sse_specification = given["SSESpecification"]


@lru_cache
def _keys(function):
    """The keys with which a function signs: put in when it assumes its role."""
    return Credentials("none", "none", "none")


@lru_cache
def _signed(function, service):
    session = boto3.Session(region_name=stack.REGION)
    session._session._credentials = _keys(function)
    return session.client(service, config=stack.client(service).meta.config)
