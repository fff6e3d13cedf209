"""The World with IAM enforced: each function signs as its role, with the policies of template.yaml.

::

    with PermittedWorld(StartOn="schedule") as world:
        world.land("incoming/a.jsonl")
        world.drain()
        world.decisions     # every `Decision` of IAM so far
"""

from __future__ import annotations

import json
from functools import lru_cache

import boto3
from botocore.credentials import Credentials
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from faults import lambdas, stack
from faults.stack import ACCOUNT, REGION
from faults.world import World
from landrun_ops.local.moto_patches import iam as local_iam
from landrun_ops.local.moto_patches.iam import Decision, Iam
from landrun_ops.local.moto_patches.task_tokens import TOKENS, Token
from landrun_ops.local.policies import permits
from template.conftest import deploy
from template.physical import physical


class PermittedWorld(World):
    """A World whose functions may do only what their roles allow.

    Parameters
    ----------
    roles_of
        The stack whose roles they have; that of the same parameters by default.
    """

    def __init__(self, roles_of=None, **parameters):
        super().__init__(parameters.get("StartOn", "arrival"), **parameters)
        self.deployed = roles_of or deploy(parameters, physical)
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
            if decision.role == physical(role):
                [grant] = [one for one in self.deployed.grants(role) if allows(one, decision)]
                used.add(grant)
        return used

    def _enforce(self):
        self._encrypt()
        local_iam.patch(self._patches, self._iam)
        for function in lambdas.FUNCTIONS:
            self._assume(function)
        self._patches.set(lambdas, "client", lambda service: _signed(self._starting, service))
        cold = self.functions._cold

        def start(function):
            self._starting = function
            return cold(function)

        self.functions._cold = start

    def _encrypt(self):
        """Put keys where the template has them: IAM asks who may use a key by them."""
        given, name_of = self.deployed.of_type, self.stack.name
        for topic, properties in given("AWS::SNS::Topic").items():
            topics = sns_backends[ACCOUNT][REGION].topics
            topics[self.stack.arn(topic)].kms_master_key_id = properties["KmsMasterKeyId"]
        for queue, properties in given("AWS::SQS::Queue").items():
            queues = sqs_backends[ACCOUNT][REGION].queues
            queues[name_of(queue)].kms_master_key_id = properties.get("KmsMasterKeyId")
        for table, properties in given("AWS::DynamoDB::Table").items():
            tables = dynamodb_backends[ACCOUNT][REGION].tables
            tables[name_of(table)].sse_specification = properties["SSESpecification"]
        for bucket, properties in given("AWS::S3::Bucket").items():
            [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            default = {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
            buckets = s3_backends[ACCOUNT]["aws"].buckets
            buckets[name_of(bucket)].encryption = {"Rule": default}

    def _slot_requested(self, message):
        """Let IAM know whose machine's token it is, then request the slot."""
        TOKENS[message["SlotRequest"]["TaskToken"]] = Token(self.machine.arn)
        super()._slot_requested(message)

    def _assume(self, function):
        role, iam = f"{function}FunctionRole", stack.client("iam")
        trust = self.deployed.of_type("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]
        name = {"RoleName": physical(role)}
        created = iam.create_role(**name, AssumeRolePolicyDocument=json.dumps(trust))
        for number, document in enumerate(self.deployed.policies(role)):
            text = json.dumps({"Version": "2012-10-17", **document})
            iam.put_role_policy(**name, PolicyName=f"Policy{number}", PolicyDocument=text)
        arn = created["Role"]["Arn"]
        self._iam.demand_trust(arn, "lambda.amazonaws.com")
        session = stack.client("sts").assume_role(RoleArn=arn, RoleSessionName=function)
        keys, given = _keys(function), session["Credentials"]
        keys.access_key, keys.secret_key = given["AccessKeyId"], given["SecretAccessKey"]
        keys.token = given["SessionToken"]


def allows(grant, decision):
    """Whether this grant alone, conditions aside, allows what IAM has decided on."""
    action, resource = grant
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return permits([{"Statement": [statement]}], decision.action, decision.resource)


@lru_cache
def _keys(function):
    """The keys with which a function signs: put in when it assumes its role."""
    return Credentials("none", "none", "none")


@lru_cache
def _signed(function, service):
    session = boto3.Session(region_name=REGION)
    session._session._credentials = _keys(function)
    return session.client(service, config=stack.client(service).meta.config)
