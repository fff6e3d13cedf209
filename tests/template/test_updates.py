"""What an update of a live stack replaces or takes away, parameter by parameter.

CloudFormation replaces a resource whose create-only property changes: with a new name the data
stays behind, and with a fixed name the update fails. The resource schemas name those properties.
"""

from __future__ import annotations

from functools import reduce

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from .test_parameters import ALLOWED

WORK = {name: good[:3] for name, good, _ in ALLOWED}
WORK |= {
    "LandingBucketName": ["a-bucket"],
    "LandingSuffix": [".jsonl"],
    "NotificationEmail": ["on-call@example.com", "others@example.com"],
}
"""Values beside the default; of parameters with AllowedValues or limits, those are tried."""

REPLACED = {("NotificationEmail", "EmailSubscription")}
"""A subscription holds no data: another address confirms anew."""

HOLD_DATA = {
    *("AWS::DynamoDB::Table", "AWS::ECR::Repository", "AWS::KMS::Key", "AWS::S3::Bucket"),
    *("AWS::SNS::Topic", "AWS::SQS::Queue"),
}
TAKEN_AWAY = {
    ("LandingBucketName", "LandingBucket"),  # retained
    ("OutputBucketName", "OutputBucket"),  # retained
    ("StateMachineArn", "ImageRepository"),  # retained
    ("KmsKeyArn", "NotificationsKey"),  # the topic is under the customer's key instead
}
"""What a value beside the default takes away."""


def create_only(resource):
    """Give the create-only properties of a resource as it is: their paths and values."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource["Type"]).schema
    pointers = [*schema.get("createOnlyProperties", [])]
    pointers += schema.get("conditionalCreateOnlyProperties", [])
    properties = {"properties": resource.get("Properties", {})}
    return [
        (pointer, reduce(lambda inner, name: (inner or {}).get(name), path, properties))
        for pointer in pointers
        for path in [pointer.split("/")[1:]]
    ]


def values(name, parameter):
    limits = [parameter[limit] for limit in ("MinValue", "MaxValue") if limit in parameter]
    others = WORK.get(name) or parameter.get("AllowedValues") or limits
    assert others, f"say in ALLOWED what {name} may be"
    return {str(value) for value in (parameter["Default"], *others)}


@pytest.fixture(scope="module")
def stacks(source, deployed):
    """The resources of each stack that differs in one parameter, by that parameter."""
    return {
        name: [deployed(**{name: value}).resources for value in values(name, parameter)]
        for name, parameter in source["Parameters"].items()
    }


def test_no_parameter_replaces_what_holds_data(stacks):
    found = set()
    for parameter, variants in stacks.items():
        kept = {}
        for name, resource in [pair for variant in variants for pair in variant.items()]:
            if kept.setdefault(name, create_only(resource)) != create_only(resource):
                found.add((parameter, name))
    assert found == REPLACED


def test_no_parameter_takes_away_what_holds_data(stacks, stack):
    found = {
        (parameter, name)
        for parameter, variants in stacks.items()
        for variant in variants
        for name in stack.resources.keys() - variant.keys()
        if stack.resources[name]["Type"] in HOLD_DATA
    }
    assert found == TAKEN_AWAY
