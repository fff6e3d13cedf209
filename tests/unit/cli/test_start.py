"""What `landrun start` would read and write, and what it warns of."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from landrun_ops.actions.manual_input import Reading
from moto import mock_aws

from landrun.adapters.manifests import Manifests
from landrun.errors import ConfigurationError, InvalidInput, LandrunError, ServiceError
from landrun.models.s3_uri import S3Uri
from landrun_ops import cli
from landrun_ops.actions import start as starting
from landrun_ops.cli.console import typed
from landrun_ops.cli.target import Target
from landrun_ops.stack.stack import Stack

RANDOM = uuid.UUID("6f7f0c52-7d2c-4f0e-9a55-2f1b6f6e9d11")
NAME = f"bsm-{RANDOM.hex}"
MACHINE = "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:m"
ROLE = "arn:aws-cn:iam::123456789012:role/job"
OUTPUTS = {
    "LandingBucket": "landing",
    "LandingPrefix": "incoming/",
    "OutputBucket": "output",
    "OutputPrefix": "processed/",
    "ManifestPrefix": "manifests/",
    "JobNamePrefix": "bsm",
    "StateMachineArn": MACHINE,
}


class Clients:
    """boto3's of moto, and the calls of IAM and Step Functions, with the answers given here."""

    def __init__(self, decision: str = "implicitDeny") -> None:
        self.decision = decision
        self.asked: list[dict[str, Any]] = []

    def __call__(self, service: str, config: Any = None) -> Any:
        if service in ("s3", "sts"):
            return boto3.client(service, region_name="us-east-1")
        return SimpleNamespace(
            describe_state_machine=lambda **_: {"definition": definition(ROLE)},
            simulate_principal_policy=self._simulate,
        )

    def _simulate(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        if self.decision == "raises":
            raise boto3.client("iam").exceptions.ClientError({"Error": {"Code": "x"}}, "Simulate")
        return {"EvaluationResults": [{"EvalDecision": self.decision}]}


def definition(role: str) -> str:
    state = {"Type": "Task", "Parameters": {"RoleArn": role}}
    return json.dumps({"States": {"Wait": {"Type": "Wait"}, "Process": state}})


def stack(clients: Any = None, *, laptop: bool = False, **parameters: str) -> Stack:
    return Stack("s", "cn-north-1", OUTPUTS, parameters, clients or Clients(), laptop=laptop)


URI = replace(stack(StateMachineArn=MACHINE), outputs=OUTPUTS | {"InputMessageFormat": "uri"})


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket in ("landing", "output", "other"):
            client.create_bucket(Bucket=bucket)
        client.put_object(Bucket="landing", Key="in/a.csv", Body=b"12345")
        yield client


def planned(source: str, output: str = "", where: Stack | None = None) -> starting.Plan:
    target = S3Uri.parse(output) if output else None
    return starting.plan(where or stack(), [S3Uri.parse(source)], target, RANDOM)


READING = Reading("landing", ("in/a.csv",), 5, {})


@pytest.mark.parametrize(
    ("source", "where", "message", "reading"),
    [
        ("s3://landing/in/", stack(), f"s3://output/manifests/{NAME}.json", READING),
        ("s3://landing/in/a.csv", URI, "s3://landing/in/a.csv", READING),
        ("s3://landing/in", URI, "s3://landing/in/", READING),
        ("s3://other/mine.json", stack(), "s3://other/mine.json", None),
    ],
    ids=["manifest", "object", "folder", "a manifest of one's own"],
)
def test_a_run_reads_what_is_asked_for_and_writes_to_a_folder_of_its_own(
    s3: Any, source: str, where: Stack, message: str, reading: Reading | None
) -> None:
    s3.put_object(Bucket="other", Key="mine.json", Body=b'[{"prefix": "s3://landing/"}]')
    plan = planned(source, where=where)
    assert plan.run.PreprocessingJobName == NAME
    assert plan.run.InputMessage == message
    assert plan.run.OutputProcessedMessage == f"s3://output/processed/{NAME}/"
    assert plan.run.Trigger.Kind == "manual"
    assert (plan.reading, plan.warnings) == (reading, ())
    assert "Contents" not in s3.list_objects_v2(Bucket="output")


def test_with_the_format_uri_several_objects_are_refused_with_the_remedy(s3: Any) -> None:
    s3.put_object(Bucket="landing", Key="in/b.csv", Body=b"x")
    sources = [S3Uri("landing", "in/a.csv"), S3Uri("landing", "in/b.csv")]
    with pytest.raises(InvalidInput, match=r"2 objects .*start one run per object"):
        starting.plan(URI, sources, None, RANDOM)


@pytest.mark.parametrize(
    ("put", "source", "output", "where", "warning"),
    [
        (
            "output/processed/x.parquet",
            "s3://output/",
            "",
            URI,
            "the job reads all that begins with s3://output/, also the 1 left out",
        ),
        ("landing/in//b.csv", "s3://landing/in/", "", stack(), "1 left out: no file can have"),
        (
            "output/processed/mine/x.parquet",
            "s3://landing/in/",
            "s3://output/processed/mine",
            stack(),
            "s3://output/processed/mine/ has objects already",
        ),
    ],
    ids=["read although left out", "no file's key", "output in use"],
)
def test_what_may_surprise_is_warned_of(
    s3: Any, put: str, source: str, output: str, where: Stack, warning: str
) -> None:
    s3.put_object(Bucket="output", Key="a.csv", Body=b"x")
    bucket, _, key = put.partition("/")
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    (said,) = planned(source, output, where).warnings
    assert warning in said


@pytest.mark.parametrize(
    ("before", "manifest", "uri"),
    [
        # The other run's InputMessage, and what it is in each format of today.
        (
            "s3://output/manifests/one.json",
            "s3://output/manifests/one.json",
            "s3://landing/in/a.csv",
        ),
        ("s3://landing/in/a.csv", f"s3://output/manifests/{NAME}.json", "s3://landing/in/a.csv"),
        ("s3://landing/in/", f"s3://output/manifests/{NAME}.json", "s3://landing/in/"),
        (f"s3://other/bsm-{'0' * 32}.json", f"s3://other/bsm-{'0' * 32}.json", None),
        ("s3://output/manifests/two.json", "s3://output/manifests/two.json", None),
        ("s3://landing/gone/", None, "s3://landing/gone/"),
    ],
)
def test_a_rerun_passes_the_same_input_in_the_format_of_today(
    s3: Any, before: str, manifest: str | None, uri: str | None
) -> None:
    for name, keys in (("one", ["in/a.csv"]), ("two", ["in/a.csv", "in/b.csv"])):
        Manifests(s3, "output", "manifests/").write_once(name, "landing", keys)
    for where, expected in ((stack(), manifest), (URI, uri)):
        if expected is None:
            with pytest.raises(LandrunError):
                starting.input_message_today(where, NAME, before)
        else:
            assert starting.input_message_today(where, NAME, before) == expected


def test_a_run_over_a_prefix_runs_again_over_the_objects_that_lay_there(s3: Any) -> None:
    manifests = stack().manifests()
    manifests.write_once(NAME, "landing", ["in/a.csv", "in/since-deleted.csv"])
    starting.input_message_today(stack(), NAME, "s3://landing/in/")
    assert manifests.find(NAME).keys == ("in/a.csv", "in/since-deleted.csv")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("source", "output", "words"),
    [
        ("s3://landing/in/", "s3://landing/incoming/out", "lies under the landing prefix"),
        ("s3://landing/in/", "s3://output/manifests/mine", "lies among the manifests"),
        ("s3://landing/in/", "s3://nowhere/out", "there is no bucket nowhere"),
        ("s3://nowhere/in/", "", "there is no bucket nowhere"),
    ],
)
def test_what_would_do_harm_or_is_not_there_is_refused(
    s3: Any, source: str, output: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        planned(source, output)


def test_what_one_may_not_read_is_said_with_the_permissions_to_ask_for() -> None:
    def head_object(**_: Any) -> Any:
        raise ServiceError("s3:HeadObject", "403", "Forbidden")

    denied = Stack("s", "r", OUTPUTS, {}, lambda *_: SimpleNamespace(head_object=head_object))
    with pytest.raises(ConfigurationError, match=r"s3:GetObject and s3:ListBucket: ask for them"):
        planned("s3://theirs/a.csv", where=denied)


# ---- What the job's role may do

MINE = "s3://output/processed/x/"
CROSS = ("s3://other/a.csv", "s3://other/out/")


@pytest.mark.parametrize(
    ("source", "output", "where", "warnings"),
    [
        ("s3://landing/anything", MINE, stack(), []),
        ("s3://daily/2026/a.csv", MINE, stack(ScheduledInput="s3://daily/{date:%Y}/"), []),
        ("s3://output/manifests/m.json", MINE, stack(), []),
        ("s3://other/a.csv", MINE, stack(), ["s3://other/a.csv: the run will fail unless"]),
        ("s3://daily/a.csv", MINE, stack(ScheduledInput="daily/"), ["unless it was given s3:Get"]),
        (
            "s3://landing/a.csv",
            "s3://output/else/",
            stack(),
            [f"{MINE[:-2]}, not to s3://output/else/"],
        ),
        (*CROSS, stack(Clients("allowed")), []),
        (*CROSS, stack(Clients("raises")), ["s3:GetObject", "s3:PutObject"]),
        (*CROSS, stack(StateMachineArn="arn"), []),
        ("s3://other/a.csv", MINE, stack(laptop=True), ["on AWS, the job's role"]),
    ],
)
def test_what_the_jobs_role_may_not_do_is_warned_of(
    source: str, output: str, where: Stack, warnings: list[str]
) -> None:
    uri = S3Uri.parse(source)
    reading = Reading(uri.bucket, (uri.key,), 1, {})
    said = starting.role_warnings(where, reading, S3Uri.parse(output))
    assert len(said) == len(warnings)
    assert all(words in line for words, line in zip(warnings, said, strict=True))


def test_iam_is_asked_only_about_what_the_template_does_not_give_and_never_on_the_laptop() -> None:
    reading, target = Reading("other", ("a.csv",), 1, {}), S3Uri.parse(MINE)
    for where, asked in (
        (stack(), [("s3:GetObject", "arn:aws-cn:s3:::other/a.csv")]),
        (stack(laptop=True), []),
    ):
        starting.role_warnings(where, reading, target)
        calls: Any = where.client
        assert [(one["ActionNames"][0], one["ResourceArns"][0]) for one in calls.asked] == asked
        assert all(one["PolicySourceArn"] == ROLE for one in calls.asked)


def test_a_definition_without_a_processing_job_has_no_role() -> None:
    assert starting.job_role(definition(ROLE)) == ROLE
    assert starting.job_role('{"States": {"Pass": {"Type": "Pass"}}}') == ""


# ---- What is typed, and what is to be typed next


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["incoming/"], "'incoming/' is not an S3 URI: write s3://bucket/key"),
        (["s3://b/a", "--output", "out"], "'out' is not an S3 URI"),
        ([], "Missing argument 'URI'; see: landrun start --help"),
    ],
)
def test_a_mistake_in_the_call_is_one_line_before_anything_is_asked(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["start", *arguments, "--stack", "nobodys"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


@pytest.mark.parametrize(
    ("target", "typed_on"),
    [
        (Target(stack="prod"), ""),
        (Target("dev", "me", "eu-west-1"), " --stack dev --profile me --region eu-west-1"),
        (Target(state_dir=Path("/a b")), " --state-dir '/a b'"),
    ],
)
def test_a_command_to_be_typed_names_the_same_stack(
    monkeypatch: pytest.MonkeyPatch, target: Target, typed_on: str
) -> None:
    monkeypatch.setenv("LANDRUN_STACK", "prod")
    monkeypatch.delenv("LANDRUN_STATE_DIR", raising=False)
    assert typed(target, "explain", "s3://b/\x1b") == f"landrun explain $'s3://b/\\x1b'{typed_on}"
