"""What moto 5.2.5 lacks for the preflight. A failure here says that an adapter of ours can go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from landrun_ops.local import bucket_notifications, policy_simulation
from landrun_ops.local.patches import Patches
from landrun_ops.local.settings import ACCOUNT, REGION

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


@pytest.fixture
def clients() -> Iterator[Any]:
    with mock_aws():
        yield lambda service: boto3.client(service, region_name=REGION)


@pytest.fixture
def patches() -> Iterator[Patches]:
    patches = Patches()
    yield patches
    patches.undo()


def notified(s3: Any) -> dict[str, Any]:
    s3.create_bucket(Bucket="landings")
    on: dict[str, Any] = {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket="landings", NotificationConfiguration=on)
    return s3.get_bucket_notification_configuration(Bucket="landings")


def test_moto_does_not_tell_whether_a_bucket_tells_eventbridge(clients: Any) -> None:
    assert "EventBridgeConfiguration" not in notified(clients("s3"))


def test_the_laptop_tells_it(clients: Any, patches: Patches) -> None:
    bucket_notifications.adapt(patches)
    s3 = clients("s3")
    assert notified(s3)["EventBridgeConfiguration"] == {}
    s3.put_bucket_notification_configuration(Bucket="landings", NotificationConfiguration={})
    told = s3.get_bucket_notification_configuration(Bucket="landings")
    assert "EventBridgeConfiguration" not in told


def simulated(iam: Any, **what: Any) -> list[str]:
    trust = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": ROLE,
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [passing]})
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=document)
    found = iam.simulate_principal_policy(PolicySourceArn=ROLE, **what)
    return [one["EvalDecision"] for one in found["EvaluationResults"]]


def test_moto_has_no_simulator_of_policies(clients: Any) -> None:
    with pytest.raises(NotImplementedError):
        simulated(clients("iam"), ActionNames=["iam:PassRole"])


@pytest.mark.parametrize(
    ("service", "decision"), [("sagemaker", "allowed"), ("lambda", "implicitDeny")]
)
def test_the_laptop_simulates_with_resources_and_conditions(
    clients: Any, patches: Patches, service: str, decision: str
) -> None:
    policy_simulation.adapt(patches)
    passed = {
        "ContextKeyName": "iam:PassedToService",
        "ContextKeyType": "string",
        "ContextKeyValues": [f"{service}.amazonaws.com"],
    }
    found = simulated(
        clients("iam"),
        ActionNames=["iam:PassRole", "s3:GetObject"],
        ResourceArns=[ROLE],
        ContextEntries=[passed],
    )
    assert found == [decision, "implicitDeny"]
