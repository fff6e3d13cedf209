"""`landrun show`: a run is found, looked at even where not all may be seen, and shown whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from landrun.adapters.s3_listing import ListedObject
from landrun.errors import ConfigurationError, ServiceError
from landrun.models.s3_uri import S3Uri
from landrun_ops.cli.console import stack_options
from landrun_ops.cli.show import as_json, commands, print_run
from landrun_ops.cli.target import Target
from landrun_ops.stack import run_details
from landrun_ops.stack.console_links import links
from landrun_ops.stack.history_events import Attempt, Redrive, SlotWait, Wait
from landrun_ops.stack.inputs import Input
from landrun_ops.stack.run_details import RunDetails, execution_details, find, gather
from landrun_ops.stack.run_progress import Phase, RunProgress
from records import record

NAME = "landrun-50f0421ea8585c9eb9688415b36b93f2"
ARN = f"arn:aws:states:eu-central-1:123456789012:execution:landrun-Machine-8kQ2mZ4xT7pL:{NAME}"
NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
BEGAN = datetime(2026, 11, 22, 8, 15, 31, tzinfo=UTC)
WHY = "2 of 2 files rejected: no text column in messages.jsonl (columns: id, sender)"
HOSTILE = "a\x1b[2J\u202eb"
RUNNING = {"status": "RUNNING", "stopped_at": None, "duration_seconds": None}
ROW = {
    "name": NAME,
    "execution_arn": ARN,
    "status": "FAILED",
    "started_at": "2026-11-22T08:15:31.412Z",
    "stopped_at": "2026-11-22T08:25:08.502Z",
    "duration_seconds": 577.09,
    "redrive_count": 0,
    "input_message": f"s3://out/manifests/{NAME}.json",
    "output_processed_message": f"s3://out/processed/{NAME}/",
    "output_objects": 8,
    "output_bytes": 12_300,
    "error": "States.TaskFailed",
    "exit_message": WHY,
    "trigger": {"Kind": "object-created", "Bucket": "landings", "Key": "in/a.jsonl", "Size": 93481},
    "summary": {"rows_in": 5574, "rows_out": 5160, "duplicates": 410, "empty": 3, "rejected": 1},
}
LATER, END = BEGAN + timedelta(minutes=12), BEGAN + timedelta(minutes=14)
ATTEMPT = Attempt(1, f"{NAME}-7d793037", "sagemaker:x", 2, LATER, END, "failed", WHY)
WAITED = SlotWait(1, BEGAN, LATER, acquired=True)
WAIT = Wait(True, 3, BEGAN, LATER, "no instance is free")
MANY = Input("landings", tuple(f"in/{n}.csv" for n in range(1200)))
HOSTS = {"shards": {"algo-10": {}, "algo-2": {"files": 3, "rows_in": 2000}}, "problem": "1 is lost"}


def _one(row: dict[str, Any] | None = None, **more: Any) -> RunDetails:
    whole: dict[str, Any] = {
        "run": record(ROW | (row or {})),
        "recorded": True,
        "events": (WAIT, ATTEMPT),
        "ended_as": "",
        "doing": "",
        "input": Input("landings", ("in/a.jsonl",), {"in/a.jsonl": 93481}, ROW["input_message"]),
        "outputs": [ListedObject(f"processed/{NAME}/summary.json", 700)],
        "reruns": [],
        "tail": [],
        "links": {},
        "not_seen": [],
    }
    return RunDetails(**(whole | more))


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COLUMNS", "100")

    def printed(found: RunDetails, where: str = " --stack prod") -> list[str]:
        print_run(found, commands(found, NOW, where, laptop=False), NOW)
        return capsys.readouterr().out.splitlines()

    return printed


@pytest.mark.parametrize(
    ("row", "more", "words"),
    [
        ({}, {}, [f"{NAME} FAILED after 9 min 37 s", f"why {WHY}"]),
        ({}, {}, ["trigger in/a.jsonl Bucket landings, Size 93481"]),
        ({}, {}, ["reads 1 object, 93.5 kB s3://landings/in/a.jsonl"]),
        ({}, {}, ["11-22 08:15:31 waited for a quota, refused 3 times, 12 min 00 s: no instance"]),
        ({}, {}, [f"attempt 1: failed after 2 min 00 s ({ATTEMPT.job}, 2"]),
        ({}, {}, ["rows 5,574 in, 5,160 out, 410 duplicates, 3 empty, 1 rejected"]),
        ({}, {}, ["wrote 8 objects, 12.3 kB summary.json and 7 more"]),
        (RUNNING, {"doing": "is waiting"}, ["RUNNING for 14 min 29 s", "now is waiting"]),
        (RUNNING, {"recorded": False}, ["14 min 29 s (not in the runs table yet)"]),
        (
            RUNNING,
            {"ended_as": "SUCCEEDED"},
            ["SUCCEEDED after 14 min 29 s (not in the runs table yet)"],
        ),
        (RUNNING, {"events": (SlotWait(1, BEGAN),)}, ["WAITING for", "a concurrency slot, and"]),
        ({}, {"events": (WAITED,)}, ["waited for a concurrency slot, 12 min 00 s"]),
        ({}, {"events": (Redrive(BEGAN, 1),)}, ["resumed from where it had failed"]),
        ({"redrive_count": 2}, {}, ["to 2026-11-22T08:25:08.502Z, resumed 2 times"]),
        ({}, {"events": ()}, ["no Processing job was asked for"]),
        ({}, {"input": MANY}, ["1,200 objects", "s3://landings/in/2.csv", "and 1,197 more"]),
        ({}, {"input": None}, ["there is no manifest"]),
        ({"input_message": "s3://b/a.csv"}, {}, ["input s3://b/a.csv"]),
        ({"input_also_matches": ["a.bak"]}, {}, ["also reads a.bak, which begins the same"]),
        ({}, {"tail": ["\tboom\x1b"]}, [r"log ends boom\x1b"]),
        ({"left_out": ["summary"]}, {}, ["left out of its row, too large or nested too deep:"]),
        ({"output_problem": "counted 9 only"}, {}, ["problems counted 9 only"]),
        ({"summary": HOSTS}, {}, ["hosts algo-2: files 3, rows_in 2000 algo-10: no", "1 is lost"]),
        ({}, {"reruns": [record({"name": "again"})]}, ["reruns again: RUNNING"]),
        (
            {"exit_message": "Access denied", "cause": '{"RoleArn": "arn:aws:iam::1:role/r"}'},
            {},
            ["role arn:aws:iam::1:role/r"],
        ),
        (
            {"status": "ABORTED", "error": "Ana", "cause": "wrong file"},
            {},
            ["why somebody stopped the execution: Ana: wrong file"],
        ),
        ({"status": "TIMED_OUT"}, {}, ["why the execution ran into its time limit"]),
        ({"exit_message": None, "error": None}, {}, ["why the run gave no reason"]),
    ],
)
def test_a_run_is_shown_with(
    printed: Any, row: dict[str, Any], more: dict[str, Any], words: list[str]
) -> None:
    text = " ".join(" ".join(printed(_one(row, **more))).split())
    assert [one for one in words if one not in text] == []


RESUME = f"aws stepfunctions redrive-execution --region eu-central-1 --execution-arn {ARN}"
LOG, AGAIN = f"landrun logs {NAME} --stack prod", f"landrun rerun {NAME} --stack prod"
AFTERWARDS = {"log": LOG, "again": AGAIN}
FOLLOW, STOP = f"landrun logs {NAME} --follow --stack prod", f"landrun stop {NAME} --stack prod"


@pytest.mark.parametrize(
    ("row", "typed"),
    [
        ({}, {"log": LOG, "again": AGAIN, "resume": RESUME}),
        pytest.param({"stopped_at": "2026-11-01T08:25:08.502Z"}, AFTERWARDS, id="too late"),
        pytest.param({"job_name": NAME}, AFTERWARDS, id="its job's name is taken"),
        pytest.param(RUNNING, {"log": FOLLOW, "stop": STOP}, id="running"),
    ],
)
def test_what_to_type_next_is_what_can_be_done_each_on_one_line(
    printed: Any, row: dict[str, Any], typed: dict[str, str]
) -> None:
    lines = printed(_one(row, links={"execution": f"https://x/{NAME * 3}"}))
    assert lines[-len(typed) :] == [f"{label:<9} {text}" for label, text in typed.items()]
    assert f"execution https://x/{NAME * 3}" in lines
    assert f"manifest  {ROW['input_message']}" in lines


def test_what_others_wrote_moves_no_cursor(printed: Any) -> None:
    row = {
        "exit_message": HOSTILE,
        "trigger": {"Kind": "object-created", "Key": HOSTILE, HOSTILE: HOSTILE},
        "output_problem": HOSTILE,
        "left_out": [HOSTILE],
        "summary": {"rows_in": HOSTILE, "problem": HOSTILE, "shards": {HOSTILE: {HOSTILE: 1}}},
    }
    given = Input("landings", (HOSTILE, "b"), {})
    outputs = [ListedObject(HOSTILE, 1)]
    found = _one(row, input=given, outputs=outputs, tail=[HOSTILE], not_seen=[HOSTILE])
    assert all(line.isprintable() for line in printed(found))
    assert json.dumps(as_json(found))


@pytest.mark.parametrize(
    "row", [{"trigger": {"Kind": 1}}, {"trigger": {}}, {"summary": {"shards": {"algo-1": None}}}]
)
def test_a_row_of_any_shape_is_shown(printed: Any, row: dict[str, Any]) -> None:
    assert printed(_one(row, input=None, events=None, outputs=[]))
    odd = RunDetails(**{**vars(_one(events=None)), "run": record({"name": "odd"})})
    assert printed(odd)[0].startswith("odd")


def test_json_is_the_row_with_more() -> None:
    found = as_json(_one(events=(WAIT, WAITED, Redrive(BEGAN, 1), ATTEMPT)))
    assert ROW.items() <= found.items()
    kinds = [event["kind"] for event in found["timeline"]]
    assert kinds == ["wait", "slot-wait", "redrive", "attempt"]
    assert found["timeline"][0]["ended"] == "2026-11-22T08:27:31Z"
    assert (found["why"], found["input"]["objects"]) == (WHY, 1)


# Finding a run, and what is known of it

DESCRIBED = {
    "executionArn": ARN,
    "stateMachineArn": "arn:aws:states:eu-central-1:123456789012:stateMachine:m",
    "name": NAME,
    "status": "RUNNING",
    "startDate": BEGAN,
    "input": '{"InputMessage": "s3://out/manifests/m.json", "Trigger": {"Kind": "manual"}}',
}


class Refusing:
    """A client of which every call is refused."""

    def __init__(self, code: str = "AccessDenied") -> None:
        self.code = code

    def __getattr__(self, operation: str) -> Any:
        def refuse(*_: Any, **__: Any) -> Any:
            raise ServiceError(operation, self.code, "not allowed")

        return refuse


def test_a_run_that_has_just_started_is_found_by_its_execution() -> None:
    def named(text: str, _: datetime) -> Any:
        raise ConfigurationError("no run is called so")

    executions = SimpleNamespace(
        arn=lambda name: ARN.replace(NAME, name), find=lambda arn: DESCRIBED if arn == ARN else None
    )
    stack: Any = SimpleNamespace(
        runs_reader=lambda: SimpleNamespace(named=named), executions=lambda: executions
    )
    run, recorded = find(stack, NAME, NOW)
    assert (run.name, run.status, recorded) == (NAME, "RUNNING", False)
    assert run.input_message == "s3://out/manifests/m.json"
    for text in ("landrun-0", "not a name", ""):
        with pytest.raises(ConfigurationError, match="no run is called so"):
            find(stack, text, NOW)


def test_what_may_not_be_seen_is_said_and_the_rest_is_shown() -> None:
    stack: Any = SimpleNamespace(
        client=lambda _: Refusing(),
        runs_reader=Refusing,
        manifests_folder=S3Uri("out", "manifests/"),
        laptop=False,
    )
    found = gather(stack, record(ROW | RUNNING), NOW)
    unseen = [line.partition(":")[0] for line in found.not_seen]
    assert unseen == [
        f"could not see its {what}" for what in ("attempts", "input", "output", "reruns")
    ]
    assert (found.events, found.input, found.outputs, found.doing) == (None, None, [], "")
    assert set(found.links) == {"execution", "output"}


def test_of_an_execution_that_is_forgotten_it_is_said_so() -> None:
    stack: Any = SimpleNamespace(client=lambda _: Refusing("ExecutionDoesNotExist"))
    done = execution_details(stack, record(ROW), NOW)
    assert done.events is None
    assert "forgets executions after 90 days" in done.not_seen[0]


def test_a_run_that_goes_on_says_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = RunProgress(Phase.WAITING_FOR_SLOT, BEGAN, note="3rd of 12 in line")
    monkeypatch.setattr(run_details, "History", lambda _: SimpleNamespace(events=lambda _: []))
    monkeypatch.setattr(run_details, "Watcher", lambda *_: SimpleNamespace(look=lambda: waits))
    done = execution_details(SimpleNamespace(client=str), record(ROW | RUNNING), NOW)  # type: ignore[arg-type]
    assert done.doing == ("is waiting for a concurrency slot for 14 min 29 s (3rd of 12 in line)")


# Links and options


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-central-1", "eu-central-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        pytest.param("aws-iso", "us-iso-east-1", None, id="no public consoles"),
    ],
)
def test_links_lead_to_the_console_of_region_and_partition(
    partition: str, region: str, host: str | None
) -> None:
    arn = ARN.replace("arn:aws:", f"arn:{partition}:").replace("eu-central-1", region)
    found = links(record(ROW | {"execution_arn": arn}), "a#b?c=d&e\x1b")
    group = "$252Faws$252Fsagemaker$252FProcessingJobs$3FlogStreamNameFilter$3D"
    ends = {
        "execution": f"states/home?region={region}#/v2/executions/details/{arn}",
        "job": f"sagemaker/home?region={region}#/processing-jobs/a%23b%3Fc%3Dd%26e%1B",
        "log": f"cloudwatch/home?region={region}#logsV2:log-groups/log-group/{group}{NAME}-",
        "output": f"s3/buckets/out?region={region}&prefix=processed%2F{NAME}%2F",
    }
    assert found == ({name: f"https://{host}/{end}" for name, end in ends.items()} if host else {})


def test_the_stack_is_named_again_unless_the_environment_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LANDRUN_STACK", raising=False)
    options = stack_options(Target(stack="my stack", region="eu-west-1"))
    assert (stack_options(Target()), options) == ("", " --stack 'my stack' --region eu-west-1")
    monkeypatch.setenv("LANDRUN_STACK", "prod")
    assert stack_options(Target(stack="prod", profile="ops")) == " --profile ops"
