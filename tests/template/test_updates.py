"""What an update of a live stack replaces or takes away, parameter by parameter.

CloudFormation replaces a resource whose create-only property changes: with a new name the data
stays behind, and with a fixed name the update fails. The resource schemas name those properties.
"""

from __future__ import annotations

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
OTHER_KEY = "arn:aws:kms:us-east-1:123456789012:key/5678efgh"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:notebook-made"

OTHER_VALUES: dict[str, list[str]] = {
    "LandingBucketName": ["a-bucket"],
    "LandingPrefix": ["", "data/"],
    "LandingSuffix": [".jsonl"],
    "OutputBucketName": ["a-bucket"],
    "OutputPrefix": ["elsewhere/"],
    "ManifestPrefix": ["lists/"],
    "ScheduledInput": ["incoming/", "s3://elsewhere/in/"],
    "ScheduleExpression": ["", "rate(1 hour)"],
    "ScheduleTimezone": ["Europe/Berlin"],
    "JobNamePrefix": ["bsm"],
    "StateMachineArn": [MACHINE],
    "ImageUri": ["123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"],
    "JobEntrypoint": ["python3 /opt/mine.py"],
    "JobArguments": ["--all"],
    "JobEnvironment": ["A=1"],
    "InstanceType": ["ml.c5.xlarge"],
    "SubnetIds": ["subnet-1"],
    "SecurityGroupIds": ["sg-1"],
    "KmsKeyArn": [KEY, OTHER_KEY],
    "PreviousKmsKeyArns": [KEY, f"{KEY},{OTHER_KEY}"],
    "PermissionsBoundaryArn": ["arn:aws:iam::123456789012:policy/Boundary"],
    "NotificationEmail": ["on-call@example.com", "others@example.com"],
}
"""Values beside the default; of parameters with AllowedValues or limits, those are tried."""

REPLACED = {("NotificationEmail", "EmailSubscription")}
"""A subscription holds no data: another address confirms anew."""

TAKEN_AWAY = {
    ("LandingBucketName", "LandingBucket"),  # retained
    ("LandingBucketName", "LandingBucketPolicy"),
    ("OutputBucketName", "OutputBucket"),  # retained
    ("OutputBucketName", "OutputBucketPolicy"),
    ("KmsKeyArn", "NotificationsKey"),  # the topic is under the customer's key instead
    ("StateMachineArn", "ImageRepository"),  # retained
    ("StateMachineArn", "ProcessingStateMachine"),
    ("StateMachineArn", "StateMachineLogs"),
    ("StateMachineArn", "StateMachineRole"),
    ("StateMachineArn", "RequestSlots"),
    ("StateMachineArn", "ProcessingRole"),
}
"""What a value beside the default takes away; docs/deploy.md says so of StateMachineArn."""


def create_only(kind):
    """The create-only properties of a resource type, as paths from its properties."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    pointers = [*schema.get("createOnlyProperties", [])]
    pointers += schema.get("conditionalCreateOnlyProperties", [])
    return [pointer.split("/")[2:] for pointer in pointers]


def at(properties, path):
    for name in path:
        properties = properties.get(name) if isinstance(properties, dict) else None
    return properties


def replaced(before, after):
    """The resources whose create-only properties differ between two deployments."""
    return {
        name
        for name in before.keys() & after.keys()
        for path in create_only(before[name]["Type"])
        if at(before[name].get("Properties"), path) != at(after[name].get("Properties"), path)
    }


def values(name, parameter):
    others = OTHER_VALUES.get(name) or [
        str(parameter[limit]) for limit in ("MinValue", "MaxValue") if limit in parameter
    ]
    found = [str(parameter["Default"]), *map(str, parameter.get("AllowedValues", others))]
    assert len({*found}) > 1, f"say in OTHER_VALUES what {name} may be beside its default"
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def updates(source, deployed):
    """Every change of each parameter from one of its values to another: before and after."""
    return {
        name: [
            (deployed(**{name: old}).resources, deployed(**{name: new}).resources)
            for old in values(name, parameter)
            for new in values(name, parameter)
            if old != new
        ]
        for name, parameter in source["Parameters"].items()
    }


def test_no_parameter_replaces_what_holds_data(updates):
    found = {
        (parameter, resource)
        for parameter, pairs in updates.items()
        for before, after in pairs
        for resource in replaced(before, after)
    }
    assert found == REPLACED


def test_no_parameter_takes_away_what_holds_data(updates, stack):
    found = {
        (parameter, resource)
        for parameter, pairs in updates.items()
        for _, after in pairs
        for resource in stack.resources.keys() - after.keys()
    }
    assert found == TAKEN_AWAY
