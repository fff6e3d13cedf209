"""Which stack a command is about: by its name, its profile and region, or the laptop's."""

from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import Mock

import boto3
import pytest

from landrun import errors
from landrun_ops import cli
from landrun_ops.cli.console import typed
from landrun_ops.cli.target import Target
from landrun_ops.stack import stack

TEMPLATE = """
Parameters: {Size: {Type: String, Default: small}}
Resources: {Queue: {Type: AWS::SQS::Queue}}
Outputs: {LandingBucket: {Value: b}, LandingPrefix: {Value: in/}, Size: {Value: !Ref Size}}
"""
EMPTY = "Resources: {Queue: {Type: AWS::SQS::Queue}}"


@pytest.fixture(scope="module")
def _account(shared_aws):
    client = boto3.client("cloudformation", "eu-central-1")
    client.create_stack(StackName="ours", TemplateBody=TEMPLATE)
    client.create_stack(StackName="empty", TemplateBody=EMPTY)


@pytest.mark.usefixtures("_account")
def test_a_stack_is_found_with_its_outputs_and_parameters_in_the_region_named():
    found = stack.find("ours", region="eu-central-1")
    assert (found.name, found.region, found.laptop) == ("ours", "eu-central-1", False)
    assert found.outputs == {"LandingBucket": "b", "LandingPrefix": "in/", "Size": "small"}
    assert found.parameters == {"Size": "small"}
    assert str(found.landing) == "s3://b/in/"
    assert found.client("s3").meta.region_name == "eu-central-1"
    with pytest.raises(errors.ConfigurationError, match=r"ours has no output RunsTable: .*deploy"):
        found.runs_reader()


@pytest.mark.usefixtures("_account")
@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"stack": "ours"}, errors.ConfigurationError, "no stack 'ours' in us-east-1: check"),
        ({"stack": "empty", "region": "eu-central-1"}, errors.ConfigurationError, "no outputs"),
        ({"stack": "ours", "profile": "nobody"}, errors.ServiceError, "nobody"),
        ({"region": "eu-central-1"}, errors.ConfigurationError, "--stack"),
        ({}, errors.ConfigurationError, "landrun local up"),
    ],
)
def test_a_missing_stack_is_an_error_with_the_remedy(tmp_path, options, error, words):
    with pytest.raises(error, match=words):
        Target(state_dir=tmp_path, **options).find()


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("NoCredentialsError", "set up AWS"),
        ("ProfileNotFound", "list-profiles"),
        ("ExpiredToken", "sign in again"),
        ("AccessDenied", "ask for that permission"),
        ("EndpointConnectionError", "check the network"),
        ("SomethingElse", "SomethingElse: no"),
    ],
)
def test_a_refusal_of_aws_is_one_line_with_the_remedy(monkeypatch, capsys, code, remedy):
    refused = errors.ServiceError("cloudformation:DescribeStacks", code, "no")
    monkeypatch.setattr(stack, "find", Mock(side_effect=refused))
    assert cli.run(["runs", "--stack", "ours"]) == 2
    said = capsys.readouterr()
    assert re.fullmatch(rf"landrun: .*{remedy}.*\n", said.err)
    assert said.out == ""


@pytest.mark.parametrize(
    ("target", "options"),
    [
        (Target(), ""),
        (Target(stack="prod", profile="ops"), " --profile ops"),
        (Target("dev 2", "me", "eu-west-1"), " --stack 'dev 2' --profile me --region eu-west-1"),
        (Target(state_dir=Path("/a b")), " --state-dir '/a b'"),
    ],
)
def test_a_command_to_be_typed_names_the_same_stack_unless_the_environment_does(
    monkeypatch, target, options
):
    monkeypatch.setenv("LANDRUN_STACK", "prod")
    assert typed(target, "explain", "s3://b/\x1b") == f"landrun explain $'s3://b/\\x1b'{options}"
