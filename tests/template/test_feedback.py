"""What a run writes never lands: no parameter lets outputs or manifests start runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from landrun_ops.local.template import references

FUNCTIONS = (
    "ObjectCreatedFunction",
    "ScheduleFunction",
    "ExecutionStatusFunction",
    "ReconcileFunction",
)
TRIED = [
    {},
    {"StartOn": "schedule"},
    {"LandingPrefix": "", "OutputPrefix": "incoming/", "ManifestPrefix": "incoming/manifests/"},
    {"LandingPrefix": "processed/", "LandingSuffix": ".parquet", "ScheduledInput": "processed/"},
    {"ScheduledInput": "s3://elsewhere/processed/"},
]


def test_where_data_lands_and_where_runs_write_are_two_buckets_of_the_stack_whatever_is_set(
    source: dict[str, Any],
) -> None:
    """CloudFormation names them, so that they cannot be one and the same."""
    for bucket in ("LandingBucket", "OutputBucket"):
        assert "BucketName" not in source["Resources"][bucket]["Properties"]
        assert list(references(source["Resources"][bucket])) == []
    pattern = source["Resources"]["LandingRule"]["Properties"]["EventPattern"]
    assert list(references(pattern)) == ["LandingBucket"]
    variables = source["Globals"]["Function"]["Environment"]["Variables"]
    assert list(references(variables["OUTPUT_BUCKET"])) == ["OutputBucket"]


@pytest.mark.parametrize("parameters", TRIED, ids=str)
def test_the_landing_rule_hears_the_landing_bucket_only(
    deployed: Callable[..., Any], parameters: dict[str, str]
) -> None:
    stack = deployed(**parameters)
    rule = stack.of_type("AWS::Events::Rule")["LandingRule"]
    assert rule["EventPattern"]["detail"] == {"bucket": {"name": ["<LandingBucket>"]}}
    assert {stack.environment(function)["OUTPUT_BUCKET"] for function in FUNCTIONS} == {
        "<OutputBucket>"
    }


@pytest.mark.parametrize("parameters", TRIED, ids=str)
def test_no_role_may_write_where_data_lands(
    deployed: Callable[..., Any], grants: Callable[..., Any], parameters: dict[str, str]
) -> None:
    stack = deployed(**parameters)
    written = {
        resource.partition("/")[0]
        for role in stack.of_type("AWS::IAM::Role")
        for action, resource in grants(stack, role)
        if action == "s3:PutObject"
    }
    assert written == {"<OutputBucket.Arn>"}
