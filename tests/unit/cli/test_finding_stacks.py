"""Which stack a command is about: by its name, its profile and region, or the laptop's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import boto3
import pytest
import typer
from moto import mock_aws

from landrun import errors
from landrun_ops import cli
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack import stack

TEMPLATE = """
Parameters: {Size: {Type: String, Default: small}}
Resources: {Queue: {Type: AWS::SQS::Queue}}
Outputs: {LandingBucket: {Value: b}, LandingPrefix: {Value: in/}, Size: {Value: !Ref Size}}
"""
EMPTY = "Resources: {Queue: {Type: AWS::SQS::Queue}}"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "LANDRUN_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("cloudformation", "eu-central-1")
        client.create_stack(StackName="ours", TemplateBody=TEMPLATE)
        client.create_stack(StackName="empty", TemplateBody=EMPTY)
        yield


@pytest.mark.usefixtures("account")
def test_a_stack_is_found_in_the_region_that_is_named_with_outputs_and_parameters() -> None:
    found = stack.find("ours", region="eu-central-1")
    assert (found.name, found.region, found.laptop) == ("ours", "eu-central-1", False)
    assert found.outputs == {"LandingBucket": "b", "LandingPrefix": "in/", "Size": "small"}
    assert found.parameters == {"Size": "small"}
    assert str(found.landing) == "s3://b/in/"
    assert found.client("s3").meta.region_name == "eu-central-1"
    assert found.client("s3") is found.client("s3")


@pytest.mark.usefixtures("account")
def test_an_output_that_a_stack_has_not_is_named_with_the_remedy() -> None:
    found = stack.find("ours", region="eu-central-1")
    with pytest.raises(errors.ConfigurationError, match=r"ours has no output RunsTable: .*deploy"):
        found.runs_reader()


@pytest.mark.usefixtures("account")
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
def test_a_stack_that_is_not_there_is_an_error_with_the_remedy(
    tmp_path: Path, options: dict[str, str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Target(state_dir=tmp_path, **options).find()


def test_a_command_on_a_stack_has_the_options_that_say_which(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDRUN_STACK", "theirs")
    seen: list[Any] = []

    @on_stack
    def look(
        what: Annotated[str, typer.Argument()],
        target: Target,
        *,
        often: Annotated[int, typer.Option()] = 1,
    ) -> int:
        """Look."""
        seen.append((what, often, target))
        return 1

    app = typer.Typer(rich_markup_mode=None)
    app.command()(look)
    assert app(["x", "--often", "2", "--region", "r"], standalone_mode=False) == 1
    assert seen == [("x", 2, Target(stack="theirs", region="r"))]
    app(["--help"], standalone_mode=False)
    said = capsys.readouterr().out
    assert all(f"--{word}" in said for word in ("stack", "profile", "region", "project", "often"))
    assert "target" not in said


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["--stack", "nobody"], "check --stack"),
        (["--stack", "ours", "--profile", "nobody"], "list-profiles"),
    ],
)
def test_a_stack_that_cannot_be_found_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], words: list[str], remedy: str
) -> None:
    assert cli.run(["runs", *words]) == 2
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert said.out == ""
    assert line.startswith("landrun: ")
    assert remedy in line


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("NoCredentialsError", "set up AWS"),
        ("ExpiredToken", "sign in again"),
        ("AccessDenied", "ask for that permission"),
        ("EndpointConnectionError", "check the network"),
        ("SomethingElse", "SomethingElse: no"),
    ],
)
@pytest.mark.parametrize("command", ["runs", "show r", "explain s3://b/k", "redrive", "reconcile"])
def test_what_aws_refuses_is_one_line_with_the_remedy_whatever_was_typed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    code: str,
    remedy: str,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise errors.ServiceError("cloudformation:DescribeStacks", code, "no")

    monkeypatch.setattr(stack, "find", refuse)
    assert cli.run([*command.split(), "--stack", "ours"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert remedy in line
