"""What policies allow, by IAM's rules; and what the template's conditions refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from landrun_ops.local.errors import TemplateError
from landrun_ops.local.moto_patches.tasks import to_create
from landrun_ops.local.policies import permits
from template.conftest import deploy
from template.physical import physical

BUCKET = "arn:aws:s3:::bucket"
SECURITY = Path(__file__).resolve().parents[2] / "SECURITY.md"


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action, resource, **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", f"{BUCKET}/in/a", True),
        ("s3:getobject", f"{BUCKET}/in/a", True),
        ("s3:GetObject", f"{BUCKET}/out/a", False),
        ("s3:GetObject", f"{BUCKET}xin/a", False),
        ("s3:GetObject", "arn:aws:s3:::my.bucket/a", True),
        ("s3:GetObject", "arn:aws:s3:::my-bucket/a", False),  # a dot in a pattern is a dot
        ("s3:GetObject", f"{BUCKET}/in/secret", False),  # one policy denies what another allows
    ],
)
def test_a_statement_allows_its_actions_on_its_resources_unless_another_denies_them(
    action, resource, allowed
):
    allowing = allow(
        ["s3:GetObject", "s3:HeadObject"], [f"{BUCKET}/in/*", "arn:aws:s3:::my.bucket/*"]
    )
    denying = allow("s3:*", "*/secret") | {"Effect": "Deny"}
    assert permits([policy(allowing), policy(denying)], action, resource) is allowed


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ({"StringEquals": {"k": ["b", "a"]}}, {"k": "a"}, True),
        ({"StringEquals": {"k": "a"}}, {"k": "b"}, False),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringLike": {"k": "a*"}}, {"k": "abc"}, True),
        ({"Bool": {"k": "true"}}, {"k": "True"}, True),
        ({"NumericLessThanEquals": {"k": 10}}, {"k": "9"}, True),
        ({"NumericGreaterThan": {"k": "10"}}, {"k": "10"}, False),
        ({"ForAnyValue:StringNotLike": {"k": ["a*", "b*"]}}, {"k": ["a1", "b1"]}, False),
        ({"ForAnyValue:StringNotLike": {"k": ["a*", "b*"]}}, {"k": ["a1", "c1"]}, True),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "b"]}, True),
        ({"ForAllValues:StringEquals": {"k": ["a"]}}, {"k": ["a", "b"]}, False),
        ({"StringEquals": {"k": "a"}, "Bool": {"l": "true"}}, {"k": "a"}, False),
    ],
)
def test_a_statement_holds_where_all_its_conditions_are_met(condition, context, allowed):
    documents = [policy(allow("s3:GetObject", "*", Condition=condition))]
    assert permits(documents, "s3:GetObject", BUCKET, context) is allowed


def test_what_is_not_known_here_is_an_error_and_no_guess():
    with pytest.raises(TemplateError, match="IpAddress"):
        permits([policy(allow("*", "*", Condition={"IpAddress": {"k": "a"}}))], "s3:Get", "a")
    with pytest.raises(TemplateError, match="NotAction"):
        permits([policy({"Effect": "Allow", "NotAction": "*", "Resource": "*"})], "s3:Get", "a")


# ---- what the machine's role allows, and what the boundary of SECURITY.md takes away -----------

BOUNDARY = json.loads(
    re.findall(r"```json\n(.*?)```", SECURITY.read_text(encoding="utf-8"), re.DOTALL)[0]
)


def refused(documents, **changed):
    """What a role with these policies may not do of creating a job that differs so."""
    request = {
        "ProcessingJobName": changed.get("name", "landrun-1-0123abcd"),
        "RoleArn": changed.get("role", physical("ProcessingRole.Arn")),
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": changed.get("instance", "ml.m5.large")}
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": changed.get("seconds", 3600)},
    }
    return {
        need.action
        for need in to_create(request, sync=True)
        if not permits(documents, need.action, need.resource, need.context)
    }


@pytest.mark.parametrize(
    ("changed", "without", "within"),
    [
        ({}, set(), set()),
        ({"instance": "ml.m5.4xlarge", "seconds": 86_400}, set(), set()),
        ({"instance": "ml.p4d.24xlarge"}, set(), {"sagemaker:CreateProcessingJob"}),
        ({"seconds": 86_401}, set(), {"sagemaker:CreateProcessingJob"}),
        ({"name": "somebody-elses"}, {"sagemaker:CreateProcessingJob", "sagemaker:AddTags"}, set()),
        ({"role": "arn:aws:iam::123456789012:role/admin"}, {"iam:PassRole"}, set()),
    ],
    ids=["as deployed", "another size", "too large", "too long", "another name", "another role"],
)
def test_name_and_role_bound_a_job_by_policy_and_its_size_by_the_boundary(changed, without, within):
    assert refused([*deploy({}, physical).policies("StateMachineRole")], **changed) == without
    assert refused([BOUNDARY], **changed) == within
