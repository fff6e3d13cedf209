"""What is scanned: the template with its choices made, and each policy and definition in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .resolved import concrete, resolved
from .stacks import STACKS, Targets, policies, unsilenced, write_targets

Json = dict[str, Any]

TEMPLATE: Json = {
    "Parameters": {
        "Name": {"Type": "String", "Default": ""},
        "Count": {"Type": "Number", "Default": 3},
    },
    "Conditions": {
        "Named": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, ""]}]},
        "Both": {"Fn::And": [{"Condition": "Named"}, {"Fn::Equals": [{"Ref": "Count"}, 3]}]},
    },
    "Resources": {
        "Given": {"Type": "AWS::SNS::Topic", "Condition": "Both"},
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketName": {"Fn::If": ["Named", {"Ref": "Name"}, {"Ref": "AWS::NoValue"}]},
                "Tags": [{"Fn::Sub": "${AWS::Region}-${Count}"}],
            },
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Metadata": {"cfn-lint": {"config": {"ignore_checks": ["E3002"]}}},
            "Properties": {
                "AssumeRolePolicyDocument": {"Statement": [{"Action": "sts:AssumeRole"}]},
                "Policies": [
                    {
                        "PolicyName": "Read",
                        "PolicyDocument": {
                            "Statement": [
                                {
                                    "Action": "s3:GetObject",
                                    "Resource": {"Fn::Sub": "${Bucket.Arn}/${Name}*"},
                                }
                            ]
                        },
                    }
                ],
            },
        },
    },
}


def test_what_a_condition_excludes_is_not_scanned() -> None:
    assert "Given" not in resolved(TEMPLATE, {})["Resources"]
    assert "Given" in resolved(TEMPLATE, {"Name": "a"})["Resources"]
    assert "Given" not in resolved(TEMPLATE, {"Name": "a", "Count": "4"})["Resources"]


def test_choices_are_made_and_what_only_aws_knows_is_left() -> None:
    properties = resolved(TEMPLATE, {"Count": "4"})["Resources"]["Bucket"]["Properties"]
    assert properties == {"Tags": [{"Fn::Sub": "${AWS::Region}-4"}]}
    named = resolved(TEMPLATE, {"Name": "mine"})["Resources"]["Bucket"]["Properties"]
    assert named["BucketName"] == "mine"


def test_policies_are_scanned_with_arns_in_them() -> None:
    found = dict(policies(concrete(resolved(TEMPLATE, {"Name": "in/"}))))
    [statement] = found["Role.Read"]["Statement"]
    assert statement["Resource"] == "arn:aws:s3:::landrun-bucket/in/*"
    assert found["Role.trust"]["Statement"][0]["Action"] == "sts:AssumeRole"


def test_no_scanner_is_told_by_the_template_to_look_away() -> None:
    assert "Metadata" not in unsilenced({**TEMPLATE, "Metadata": {}})
    assert "Metadata" not in unsilenced(TEMPLATE)["Resources"]["Role"]


@pytest.fixture(scope="module")
def targets(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Targets:
    return write_targets(root / "template.yaml", tmp_path_factory.mktemp("scan"))


def test_every_set_of_parameters_makes_a_template_with_no_choice_left(targets: Targets) -> None:
    assert [path.stem for path in targets.stacks] == list(STACKS)
    for path in targets.stacks:
        text = path.read_text(encoding="utf-8")
        assert not any(word in text for word in ('"Fn::If"', '"Condition": "', "AWS::NoValue"))


def test_every_role_of_every_stack_has_its_policies_scanned(targets: Targets) -> None:
    scanned = {(path.parent.name, path.stem.partition(".")[0]) for path in targets.policies}
    for path in targets.stacks:
        resources = json.loads(path.read_text(encoding="utf-8"))["Resources"]
        kinds = {"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}
        kinds |= {"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"}
        owners = {name for name, one in resources.items() if one["Type"] in kinds}
        assert {(path.stem, owner) for owner in owners} <= scanned


def test_no_policy_that_is_scanned_has_anything_open_in_it(targets: Targets) -> None:
    for path in targets.policies:
        text = path.read_text(encoding="utf-8")
        assert "Fn::" not in text, path
        assert '"Ref"' not in text, path


def test_definitions_are_scanned_wherever_the_stack_makes_the_machine(targets: Targets) -> None:
    made = {name for name, given in STACKS.items() if "StateMachineArn" not in given}
    assert {path.parent.name for path in targets.definitions} == made
    assert all("${landrun_" not in path.read_text(encoding="utf-8") for path in targets.definitions)
