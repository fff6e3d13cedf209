"""What `landrun start` would read and write, and what it warns of."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from landrun.adapters.manifests import Manifests
from landrun.errors import ConfigurationError, InvalidInput, LandrunError, ServiceError
from landrun.models.s3_uri import S3Uri
from landrun_ops import cli
from landrun_ops.actions import start as starting
from landrun_ops.cli import target as places
from landrun_ops.cli.console import typed
from landrun_ops.stack.stack import Stack
from landrun_ops.workflow.reading import Reading

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
    """boto3's of moto, and the calls of IAM and Step Functions, which answer as told."""

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


URI = Stack(
    "s",
    "cn-north-1",
    OUTPUTS | {"InputMessageFormat": "uri"},
    {"StateMachineArn": MACHINE},
    Clients(),
)


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


def test_a_run_gets_a_folder_of_its_own_beside_others(s3: Any) -> None:
    plan = planned("s3://landing/in/")

    assert plan.run.PreprocessingJobName == NAME
    assert plan.run.InputMessage == f"s3://output/manifests/{NAME}.json"
    assert plan.run.OutputProcessedMessage == f"s3://output/processed/{NAME}/"
    assert plan.run.Trigger.Kind == "manual"
    assert (plan.reading, plan.warnings) == (Reading("landing", ("in/a.csv",), 5, {}), ())
    assert "Contents" not in s3.list_objects_v2(Bucket="output")


def test_with_the_format_uri_the_run_is_passed_the_object_or_the_folder(s3: Any) -> None:
    assert planned("s3://landing/in/a.csv", where=URI).run.InputMessage == "s3://landing/in/a.csv"
    plan = planned("s3://landing/in", where=URI)
    assert (plan.run.InputMessage, plan.reading) == (
        "s3://landing/in/",
        Reading("landing", ("in/a.csv",), 5, {}),
    )


def test_with_the_format_uri_what_only_a_manifest_can_name_is_refused_with_the_remedy(
    s3: Any,
) -> None:
    s3.put_object(Bucket="landing", Key="in/b.csv", Body=b"x")
    sources = [S3Uri("landing", "in/a.csv"), S3Uri("landing", "in/b.csv")]
    with pytest.raises(InvalidInput, match=r"2 objects .*start one run per object"):
        starting.plan(URI, sources, None, RANDOM)


def test_what_a_prefix_reads_although_it_was_left_out_is_warned_of(s3: Any) -> None:
    s3.put_object(Bucket="output", Key="a.csv", Body=b"x")
    s3.put_object(Bucket="output", Key="processed/x.parquet", Body=b"x")
    (warning,) = planned("s3://output/", where=URI).warnings
    assert "the job reads all that begins with s3://output/, also the 1 left out" in warning


TODAY = [
    # The other run's InputMessage, and what it is in each format of today.
    ("s3://output/manifests/one.json", "s3://output/manifests/one.json", "s3://landing/in/a.csv"),
    ("s3://landing/in/a.csv", f"s3://output/manifests/{NAME}.json", "s3://landing/in/a.csv"),
    ("s3://landing/in/", f"s3://output/manifests/{NAME}.json", "s3://landing/in/"),
    (f"s3://other/bsm-{'0' * 32}.json", f"s3://other/bsm-{'0' * 32}.json", None),
    ("s3://output/manifests/two.json", "s3://output/manifests/two.json", None),
    ("s3://landing/gone/", None, "s3://landing/gone/"),
]


@pytest.mark.parametrize(("before", "manifest", "uri"), TODAY)
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


def test_a_manifest_of_ones_own_is_read_as_it_is(s3: Any) -> None:
    s3.put_object(Bucket="output", Key="manifests/x.json", Body=b'[{"prefix": "s3://landing/"}]')

    plan = planned("s3://output/manifests/x.json")

    assert (plan.reading, plan.run.InputMessage) == (None, "s3://output/manifests/x.json")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("s3://landing/incoming/out", "lies under the landing prefix"),
        ("s3://output/manifests/mine", "lies among the manifests"),
        ("s3://nowhere/out", "there is no bucket nowhere"),
    ],
)
def test_an_output_that_would_do_harm_or_is_not_there_is_refused(
    s3: Any, output: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        planned("s3://landing/in/", output)


def test_an_input_bucket_that_is_not_there_is_named(s3: Any) -> None:
    with pytest.raises(ConfigurationError, match="there is no bucket nowhere"):
        planned("s3://nowhere/in/")


def test_what_one_may_not_read_is_said_with_the_permissions_to_ask_for() -> None:
    def head_object(**_: Any) -> Any:
        raise ServiceError("s3:HeadObject", "403", "Forbidden")

    denied = Stack("s", "r", OUTPUTS, {}, lambda *_: SimpleNamespace(head_object=head_object))
    with pytest.raises(ConfigurationError, match=r"s3:GetObject and s3:ListBucket: ask for them"):
        planned("s3://theirs/a.csv", where=denied)


def test_an_output_with_objects_in_it_is_warned_of(s3: Any) -> None:
    s3.put_object(Bucket="output", Key="processed/mine/part.parquet", Body=b"x")

    (warning,) = planned("s3://landing/in/", "s3://output/processed/mine").warnings

    assert "s3://output/processed/mine/ has objects already" in warning


def test_what_no_file_can_be_called_is_left_out_and_warned_of(s3: Any) -> None:
    s3.put_object(Bucket="landing", Key="in//b.csv", Body=b"x")

    plan = planned("s3://landing/in/")

    assert plan.reading
    assert plan.reading.keys == ("in/a.csv",)
    assert plan.warnings == ("1 left out: no file can have their keys; rename them",)


# ---- What the job's role may do


def warnings(
    source: str, output: str = "s3://output/processed/x/", where: Stack | None = None
) -> list[str]:
    uri = S3Uri.parse(source)
    reading = Reading(uri.bucket, (uri.key,), 1, {})
    return starting.role_warnings(where or stack(), reading, S3Uri.parse(output))


@pytest.mark.parametrize(
    "source", ["s3://landing/anything", "s3://daily/2026/a.csv", "s3://output/manifests/m.json"]
)
def test_what_the_template_gives_the_job_is_not_warned_of(source: str) -> None:
    where = stack(ScheduledInput="s3://daily/{date:%Y}/")
    assert warnings(source, where=where) == []
    assert where.client.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("source", ["s3://other/a.csv", "s3://output/processed/x/part.parquet"])
def test_what_the_job_may_not_read_is_warned_of(source: str) -> None:
    where = stack(ScheduledInput="daily/")
    (warning,) = warnings(source, where=where)
    assert source in warning
    assert "unless it was given s3:GetObject" in warning
    (asked,) = where.client.asked  # type: ignore[attr-defined]
    assert asked == {
        "PolicySourceArn": ROLE,
        "ActionNames": ["s3:GetObject"],
        "ResourceArns": [source.replace("s3://", "arn:aws-cn:s3:::")],
    }


def test_where_the_job_may_not_write_is_warned_of() -> None:
    (warning,) = warnings("s3://landing/a.csv", "s3://output/elsewhere/")
    assert "writes under s3://output/processed/, not to s3://output/elsewhere/" in warning


def test_a_role_that_was_given_more_is_not_warned_of() -> None:
    where = stack(Clients("allowed"))
    assert warnings("s3://other/a.csv", "s3://other/out/", where) == []


def test_who_may_not_ask_iam_is_warned_all_the_same() -> None:
    assert len(warnings("s3://other/a.csv", "s3://other/out/", stack(Clients("raises")))) == 2


def test_nothing_is_said_of_a_state_machine_of_somebody_elses() -> None:
    assert warnings("s3://other/a.csv", "s3://o/", stack(StateMachineArn="arn")) == []


def test_the_laptop_warns_of_what_would_fail_on_aws() -> None:
    where = stack(laptop=True)
    (warning,) = warnings("s3://other/a.csv", where=where)
    assert warning.startswith("on AWS, ")
    assert where.client.asked == []  # type: ignore[attr-defined]


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


def test_a_command_to_be_typed_names_the_same_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDRUN_STACK", "prod")
    monkeypatch.delenv("LANDRUN_STATE_DIR", raising=False)
    assert typed(places.Target(stack="prod"), "show", "r") == "landrun show r"
    assert typed(places.Target("dev", "me", "eu-west-1"), "show", "r") == (
        "landrun show r --stack dev --profile me --region eu-west-1"
    )
    folder = places.Target(state_dir=Path("/a b"))
    assert typed(folder, "logs", "r") == "landrun logs r --state-dir '/a b'"
    monkeypatch.setenv("LANDRUN_STATE_DIR", "/a b")
    assert typed(folder, "logs", "r") == "landrun logs r"
