"""The World with IAM enforced: each function signs as its role, with the policies of template.yaml.

::

    with PermittedWorld(StartOn="schedule") as world:
        world.take_away(Grant("ScheduleFunctionRole", "Claim", "dynamodb:UpdateItem", "…"))
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

from . import faults

lambdas = faults.module("lambdas")
stack = faults.module("stack")
World = faults.module("world").World

LAMBDA = "lambda.amazonaws.com"
_PLACEHOLDER = re.compile(r"<([A-Za-z]+)(?:\.([A-Za-z]+))?>")


@dataclass(frozen=True, order=True)
class Grant:
    """One action of one statement of one role; ``policy`` says whose, if not the role's own."""

    role: str
    policy: str
    sid: str
    action: str

    def __str__(self) -> str:
        return f"{self.role.removesuffix('Role')}-{self.policy}{self.sid}-{self.action}"


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
    """The policies of the functions' roles, with physical names in them."""

    def __init__(self, **parameters: str) -> None:
        self._stack = stack.DeployedStack(**parameters)
        machine = self._stack.arn("ProcessingStateMachine")
        given = {**parameters, "StateMachineArn": machine}
        self.resolved = stack.resolved(tuple(sorted(given.items())))

    def of(self, role: str) -> dict[str, dict[str, Any]]:
        """Give a role's documents by name; the managed ones that other roles have by theirs."""
        properties = self.resolved.of_type("AWS::IAM::Role")[role]
        own = {"": {"Statement": []}}
        for policy in properties.get("Policies", []):
            own[""]["Statement"] += policy["PolicyDocument"]["Statement"]
        managed = self.resolved.of_type("AWS::IAM::ManagedPolicy")
        names = [arn.strip("<>") for arn in properties["ManagedPolicyArns"] if arn[0] == "<"]
        found = own | {f"{name}-": managed[name]["PolicyDocument"] for name in names}
        return {name: self._physical(document) for name, document in found.items()}

    def trust(self, role: str) -> dict[str, Any]:
        properties = self.resolved.of_type("AWS::IAM::Role")[role]
        return self._physical(properties["AssumeRolePolicyDocument"])

    def grants(self, role: str) -> Iterator[Grant]:
        """Give every action that a role is allowed."""
        for policy, document in self.of(role).items():
            for statement in document["Statement"]:
                for action in listed(statement["Action"]):
                    yield Grant(role, policy, statement.get("Sid", ""), action)

    def _physical(self, document: dict[str, Any]) -> dict[str, Any]:
        text = _PLACEHOLDER.sub(self._name, json.dumps(document))
        return {"Version": "2012-10-17", **json.loads(text)}

    def _name(self, match: re.Match[str]) -> str:
        owner, attribute = match[1], match[2]
        kind = self._stack.resolved.resources[owner]["Type"]
        known = {
            "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{stack.REGION}:{stack.ACCOUNT}:table/",
            "AWS::KMS::Key": f"arn:aws:kms:{stack.REGION}:{stack.ACCOUNT}:key/",
        }
        if attribute == "Arn" and kind in known:
            return known[kind] + str(self._stack.name(owner))
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
        return self

    @property
    def denied(self) -> list[Decision]:
        """What was refused so far."""
        return [decision for decision in self.decisions if not decision.allowed]

    def take_away(self, grant: Grant) -> None:
        """Take one action from one statement of one role."""
        document = self.policies.of(grant.role)[grant.policy]
        for statement in document["Statement"]:
            if statement.get("Sid", "") == grant.sid:
                left = [one for one in listed(statement["Action"]) if one != grant.action]
                statement["Action"] = left or ["none:None"]
        self._put(grant.role, grant.policy, document)

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

    def _put(self, role: str, policy: str, document: dict[str, Any]) -> None:
        if document["Statement"]:
            stack.client("iam").put_role_policy(
                RoleName=role, PolicyName=policy or "own", PolicyDocument=json.dumps(document)
            )


def listed(value: Any) -> list[Any]:
    """Give a list of what may be one thing or several."""
    return value if isinstance(value, list) else [value]
