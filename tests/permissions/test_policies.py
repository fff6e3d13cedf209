"""What policies allow, by IAM's rules, and the template's."""

import json
import re

import pytest

from landrun_ops.local.errors import TemplateError
from landrun_ops.local.moto_patches.tasks import to_create
from landrun_ops.local.policies import permits
from template.physical import physical
from template.resolved import deploy

BUCKET = "arn:aws:s3:::bucket"
ALLOW = {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:HeadObject"],
    "Resource": [f"{BUCKET}/in/*", "arn:aws:s3:::my.bucket/*"],
}
DENY = {"Effect": "Deny", "Action": "s3:*", "Resource": "*/secret"}


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:getobject", f"{BUCKET}/in/a", True),
        ("s3:PutObject", f"{BUCKET}/in/a", False),
        ("s3:GetObject", "arn:aws:s3:::my-bucket/a", False),  # a dot in a pattern is a dot
        ("s3:GetObject", f"{BUCKET}/in/secret", False),  # one policy denies what another allows
    ],
)
def test_a_statement_allows_its_actions_on_its_resources_unless_another_denies_them(
    action, resource, allowed
):
    documents = [{"Statement": [ALLOW]}, {"Statement": DENY}]
    assert permits(documents, action, resource) is allowed


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ({"StringEquals": {"k": ["b", "a"]}}, {"k": "a"}, True),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"Bool": {"k": "true"}}, {"k": "True"}, True),
        ({"NumericLessThanEquals": {"k": 10}}, {"k": "9"}, True),
        ({"NumericGreaterThan": {"k": "10"}}, {"k": "10"}, False),
        ({"ForAnyValue:StringNotLike": {"k": ["a*", "b*"]}}, {"k": ["a1", "c1"]}, True),
        ({"ForAllValues:StringEquals": {"k": ["a"]}}, {"k": ["a", "b"]}, False),
        ({"StringEquals": {"k": "a"}, "Bool": {"l": "true"}}, {"k": "a"}, False),
    ],
)
def test_a_statement_holds_where_all_its_conditions_are_met(condition, context, allowed):
    documents = [{"Statement": [ALLOW | {"Condition": condition}]}]
    assert permits(documents, "s3:GetObject", f"{BUCKET}/in/a", context) is allowed


@pytest.mark.parametrize("part", [{"Condition": {"IpAddress": {"k": "a"}}}, {"NotAction": "*"}])
def test_what_is_not_known_here_is_an_error_and_no_guess(part):
    with pytest.raises(TemplateError, match=r"IpAddress|NotAction"):
        permits([{"Statement": [ALLOW | part]}], "s3:GetObject", f"{BUCKET}/in/a")


CREATE = "sagemaker:CreateProcessingJob"
NAME, ROLE = "landrun-1-0123abcd", physical("ProcessingRole.Arn")


def refused(documents, name=NAME, role=ROLE, instance="ml.m5.large", seconds=3600):
    """What a role with these policies may not do of what creating such a job needs."""
    job = {
        "ProcessingJobName": name,
        "RoleArn": role,
        "ProcessingResources": {"ClusterConfig": {"InstanceType": instance}},
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
    }
    return [
        need.action
        for need in to_create(job, sync=True)
        if not permits(documents, need.action, need.resource, need.context)
    ]


@pytest.mark.parametrize(
    ("job", "by_role", "by_boundary"),
    [
        ({"instance": "ml.m5.4xlarge", "seconds": 86_400}, [], []),
        ({"instance": "ml.p4d.24xlarge"}, [], [CREATE]),
        ({"seconds": 86_401}, [], [CREATE]),
        ({"name": "somebody-elses"}, [CREATE, "sagemaker:AddTags"], []),
        ({"role": ROLE.replace("Processing", "Admin")}, ["iam:PassRole"], []),
    ],
)
def test_name_and_role_bound_a_job_by_policy_and_its_size_by_the_boundary(
    root, job, by_role, by_boundary
):
    """The permissions boundary is that of SECURITY.md."""
    security = (root / "SECURITY.md").read_text(encoding="utf-8")
    boundary = json.loads(re.findall(r"```json\n(.*?)```", security, re.DOTALL)[0])
    policies = [*deploy({}, physical).policies("StateMachineRole")]
    assert refused(policies, **job) == by_role
    assert refused([boundary], **job) == by_boundary
    to_lambda = {"iam:PassedToService": "lambda.amazonaws.com"}
    assert not permits(policies, "iam:PassRole", ROLE, to_lambda)
