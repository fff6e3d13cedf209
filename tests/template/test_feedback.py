"""What a run writes never lands: no parameter lets outputs or manifests start runs."""

from __future__ import annotations

import pytest

TRIED = [
    {},
    {"StartOn": "schedule"},
    {"LandingPrefix": "", "OutputPrefix": "incoming/", "ManifestPrefix": "incoming/manifests/"},
    {"LandingPrefix": "processed/", "LandingSuffix": ".parquet", "ScheduledInput": "processed/"},
    {"ScheduledInput": "s3://elsewhere/processed/"},
]


def test_the_stacks_own_buckets_are_two_whatever_is_set(stack):
    buckets = stack.of_type("AWS::S3::Bucket")
    assert buckets.keys() == {"LandingBucket", "OutputBucket"}
    assert all("BucketName" not in properties for properties in buckets.values())


def test_what_cloudformation_cannot_tell_of_given_buckets_every_starting_function_can(deployed):
    stack = deployed(LandingBucketName="one-bucket", OutputBucketName="one-bucket")
    for function in ("ObjectCreatedFunction", "ScheduleFunction"):
        environment = stack.environment(function)
        assert (environment["LANDING_BUCKET"], environment["OUTPUT_BUCKET"]) == ("one-bucket",) * 2
        assert environment.keys() >= {"LANDING_PREFIX", "OUTPUT_PREFIX", "MANIFEST_PREFIX"}


@pytest.mark.parametrize("parameters", TRIED, ids=str)
def test_the_rule_is_about_the_landing_bucket_and_roles_write_to_the_other_only(
    deployed, grants, parameters
):
    stack = deployed(**parameters)
    rule = stack.of_type("AWS::Events::Rule")["LandingRule"]
    assert rule["EventPattern"]["detail"]["bucket"] == {"name": ["<LandingBucket>"]}
    functions = stack.of_type("AWS::Lambda::Function")
    assert {stack.environment(one)["OUTPUT_BUCKET"] for one in functions} == {"<OutputBucket>"}
    written = {
        resource.partition("/")[0]
        for role in stack.of_type("AWS::IAM::Role")
        for action, resource in grants(stack, role)
        if action == "s3:PutObject"
    }
    assert written == {"<OutputBucket.Arn>"}
