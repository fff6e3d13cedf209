"""One run fits the screen; it says why it failed, what its row does not hold, and what to type."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len

from landrun.adapters.s3_listing import ListedObject
from landrun.errors import ServiceError
from landrun.models.processing_job import ProcessingJob
from landrun_ops.cli.console import stack_options
from landrun_ops.cli.show import as_json, sheet
from landrun_ops.cli.target import Target
from landrun_ops.stack.console_links import Consoles, links
from landrun_ops.stack.history_events import Attempt, Redrive, SlotWait, Wait
from landrun_ops.stack.inputs import Input
from landrun_ops.stack.run_details import RunDetails, doing, execution_details
from landrun_ops.stack.stack import Stack
from landrun_ops.stack.waiting_executions import QueuePosition
from landrun_ops.units import size_text
from records import record

NAME = "landrun-50f0421ea8585c9eb9688415b36b93f2"
ARN = f"arn:aws:states:eu-central-1:123456789012:execution:landrun-Machine-8kQ2mZ4xT7pL:{NAME}"
BUCKET = "landrun-outputbucket-6f5e4d3c2b1a"
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
    "input_message": f"s3://{BUCKET}/manifests/{NAME}.json",
    "output_processed_message": f"s3://{BUCKET}/processed/{NAME}/",
    "output_objects": 8,
    "output_bytes": 12_300,
    "error": "States.TaskFailed",
    "exit_message": WHY,
    "trigger": {
        "Kind": "object-created",
        "Bucket": "landrun-landingbucket-1a2b3c4d5e6f",
        "Key": "incoming/2026/11/22/messages.jsonl",
        "VersionId": "s6XXmyhXQ2b5Krp0R6uv1Czb3URj1MkP",
        "Size": 93481,
        "EventTime": "2026-11-22T08:15:30Z",
    },
    "summary": {"rows_in": 5574, "rows_out": 5160, "duplicates": 410, "empty": 3, "rejected": 1},
}
ATTEMPT = Attempt(
    number=1,
    job=f"{NAME}-7d793037",
    task="sagemaker:createProcessingJob.sync",
    instances=2,
    began=BEGAN + timedelta(minutes=12),
    ended=BEGAN + timedelta(minutes=14),
    result="failed",
    reason=WHY,
)
WAITS = SlotWait(1, BEGAN)
WAITED = SlotWait(1, BEGAN, BEGAN + timedelta(minutes=12), acquired=True)
GAVE_UP = SlotWait(1, BEGAN, BEGAN + timedelta(minutes=1))
WAIT = Wait(True, 3, BEGAN, BEGAN + timedelta(minutes=12), "no instance is free")
TICK = {
    "Kind": "schedule",
    "ScheduleArn": "arn:aws:scheduler:eu-central-1:123456789012:schedule/group/tick",
    "ScheduledTime": "2026-11-22T08:15:00Z",
    "Part": 2,
}
BY = {"Kind": "manual", "StartedBy": "arn:aws:sts::1:assumed-role/Admin/ana", "RerunOf": NAME}
KEYS = tuple(f"incoming/{n}.csv" for n in range(1200))
MANY = Input("landings", KEYS, dict.fromkeys(KEYS, 1000))
URI = {"input_message": "s3://landings/in/a.csv", "input_also_matches": ["in/a.csv.bak"]}
SUMMARY = [ListedObject(f"processed/{NAME}/summary.json", 700)]
HOST = {"files": 3, "bytes": 1_200_000, "rows_in": 2000, "rows_out": 1700, "seconds": 4.2}
HOSTS = {
    "shards": {"algo-10": {"files": 0}, "algo-2": HOST, "algo-3": None, "a\x1b": {"files": "x"}},
    "duplicates_within": "shard",
    "problem": "2 of 3 hosts left a summary, not algo-1",
}


def _one(row: dict[str, Any] | None = None, **more: Any) -> RunDetails:
    given = Input(
        "landings", ("incoming/2026/11/22/messages.jsonl",), {}, f"{ROW['input_message']}"
    )
    whole: dict[str, Any] = {
        "run": record(ROW | (row or {})),
        "recorded": True,
        "events": (WAIT, ATTEMPT),
        "ended_as": "",
        "doing": "",
        "given": given,
        "outputs": SUMMARY,
        "reruns": [],
        "tail": [],
        "links": {},
        "not_seen": [],
    }
    return RunDetails(**(whole | more))


def _drawn(
    found: RunDetails, width: int = 80, where: str = "", *, laptop: bool = False
) -> list[str]:
    return [line.plain for line in sheet(found, width, NOW, where, laptop=laptop).lines]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_all_but_what_is_copied_whole_fits_the_screen(width: int) -> None:
    lines = _drawn(_one(reruns=[record({"name": NAME, "status": "RUNNING"})]), width)
    longer = {line.split()[0] for line in lines if cell_len(line) > width}
    assert "resume" in longer
    assert longer <= {"resume", "manifest", "output"}
    assert len(lines) <= 32


SHOWN: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    (
        {},
        {},
        [
            "08:15:31  waited 3 times for a quota, 12 min 00 s",
            "08:27:31  attempt 1: failed after 2 min 00 s",
            "5,574 in, 5,160 out, 410 duplicates, 3 empty, 1 rejected",
            "8 objects, 12.3 kB",
        ],
    ),
    (
        RUNNING,
        {"doing": "waits for a quota for 12 min", "recorded": False},
        [
            "RUNNING for 14 min 29 s, not in the runs table yet",
            "now       waits for a quota for 12 min",
            f"log       landrun logs {NAME} --follow --stack prod",
            f"stop      landrun stop {NAME} --stack prod",
        ],
    ),
    (RUNNING, {"ended_as": "SUCCEEDED"}, ["SUCCEEDED, not in the runs table yet"]),
    (RUNNING, {"events": (WAITS,)}, ["WAITING for 14 min", "waits for a concurrency slot"]),
    ({}, {"events": (WAITED, ATTEMPT)}, ["waited for a concurrency slot, 12 min 00 s\n"]),
    ({}, {"events": (GAVE_UP,)}, ["slot, 1 min 00 s, and did not get one"]),
    ({}, {"events": (ATTEMPT, Redrive(BEGAN, 1))}, ["resumed from where it had failed"]),
    ({}, {"events": ()}, ["timeline  no Processing job was asked for"]),
    ({"redrive_count": 2}, {}, ["to 08:25:08 UTC, resumed 2 times"]),
    (
        {"trigger": TICK},
        {"given": MANY},
        [
            "tick of 2026-11-22 08:15:00 UTC, part 2 of its runs",
            "1,200 objects of landings, 1.2 MB",
            "incoming/2.csv",
            "and 1197 more",
        ],
    ),
    ({"trigger": BY}, {}, [f"rerun of {NAME}", "by hand, by Admin/ana"]),
    (
        URI,
        {"given": Input("landings", ("in/a.csv",), {"in/a.csv": 7})},
        ["input     s3://landings/in/a.csv", "also      in/a.csv.bak, which begins the same"],
    ),
    ({}, {"given": None}, ["nothing is there (any more)"]),
    ({}, {"tail": ["Traceback", '  File "x.py"', "\traise\x1b"]}, ['            File "x.py"']),
    ({}, {"links": {"execution": f"https://x/{NAME * 3}"}}, [f"execution https://x/{NAME * 3}"]),
    ({"left_out": ["summary"], "summary": None}, {}, ["left out of its row", "deep: summary"]),
    ({"summary": None}, {}, ["summary.json is left out: it is no JSON object"]),
    ({"summary": None}, {"outputs": []}, []),
    (
        {"summary": {"rows_in": -3, "rows_out": float("nan"), "empty": 10**15, "rejected": True}},
        {},
        [f"no counts: rows_in is -3, rows_out is nan, empty is {10**15}, rejected is True"],
    ),
    ({"output_problem": "counted the first 9 only"}, {}, ["counted the first 9 only"]),
    (
        {"summary": HOSTS},
        {},
        [
            "algo-2: 3 files, 1.2 MB, 2,000 in, 1,700 out, 4.2 s",
            "algo-3: said nothing",
            "algo-10: got no file",
            r"a\x1b: said nothing",
            "duplicates are those within a host's own files",
            "2 of 3 hosts left a summary, not algo-1",
        ],
    ),
    ({"summary": {"shards": {f"algo-{n}": HOST for n in range(100)}}}, {}, ["and 90 more"]),
]


@pytest.mark.parametrize(("row", "more", "words"), SHOWN)
def test_a_run_is_shown_with_all_that_is_known_of_it(
    row: dict[str, Any], more: dict[str, Any], words: list[str]
) -> None:
    found = _one(row, **more)
    text = "\n".join(_drawn(found, 200, " --stack prod"))
    assert [one for one in words if one not in text] == []
    assert text.count(WHY) <= 1
    assert as_json(found)["summary_problems"] == [] or "left out" in text or "count" in text
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize(
    ("row", "labels"),
    [
        ({}, ["log", "again", "resume"]),
        ({"stopped_at": "2026-11-01T08:25:08.502Z"}, ["log", "again"]),  # 14 days have passed
        ({"job_name": NAME}, ["log", "again"]),  # a redrive would ask for a name that is taken
        ({"error": "SageMaker.ResourceInUseException"}, ["log", "again"]),
        (RUNNING, ["log", "stop"]),
    ],
)
def test_what_to_type_next_is_what_can_be_done(row: dict[str, Any], labels: list[str]) -> None:
    lines = _drawn(_one(row), where=" --stack prod")
    last = lines[len(lines) - lines[::-1].index("") :]
    assert [line.split()[0] for line in last] == labels
    for line in last:
        resume = f"aws stepfunctions redrive-execution --region eu-central-1 --execution-arn {ARN}"
        assert line.endswith(" --stack prod") or line[10:] == resume


def test_what_others_wrote_moves_no_cursor() -> None:
    row = {
        "exit_message": HOSTILE,
        "trigger": {"Kind": "object-created", "Key": HOSTILE, "EventTime": HOSTILE},
        "output_problem": HOSTILE,
        "left_out": [HOSTILE],
        "summary": {"rows_in": HOSTILE, "problem": HOSTILE, "shards": {HOSTILE: {}}},
    }
    given = Input("landings", (HOSTILE, "b"), {})
    outputs = [ListedObject(HOSTILE, 1)]
    found = _one(row, given=given, outputs=outputs, tail=[HOSTILE], not_seen=[HOSTILE])
    assert all(line.isprintable() for line in _drawn(found))
    assert json.dumps(as_json(found))


@pytest.mark.parametrize(
    "row", [{"trigger": {"Kind": 1}}, {"trigger": {"Kind": "schedule"}}, {"redrive_count": 3}]
)
def test_a_row_of_any_shape_is_shown(row: dict[str, Any]) -> None:
    assert _drawn(_one(row))
    bare = _one(given=None, events=None, outputs=[])
    odd = RunDetails(**{**vars(bare), "run": record({"name": "odd"})})
    assert _drawn(odd, laptop=True)[0].startswith("odd")


def test_json_is_the_row_with_more_and_has_each_fact_once() -> None:
    found = as_json(_one(events=(WAIT, WAITED, Redrive(BEGAN, 1), ATTEMPT)))
    assert ROW.items() <= found.items()
    kinds = [event["kind"] for event in found["timeline"]]
    assert kinds == ["wait", "slot-wait", "redrive", "attempt"]
    assert found["timeline"][0]["ended"] == "2026-11-22T08:27:31+00:00"
    assert (found["why"], found["input"]["objects"]) == (WHY, 1)
    assert json.dumps(found).count(f'"{ARN}"') == 1


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (
            {"status": "ABORTED", "error": "Ana", "cause": "wrong file"},
            "somebody stopped the execution: Ana: wrong file",
        ),
        ({"status": "ABORTED", "error": None}, "somebody stopped the execution"),
        (
            {"status": "TIMED_OUT", "error": "States.Timeout"},
            "the execution ran into its time limit: States.Timeout",
        ),
        ({"exit_message": None, "error": None}, "the run gave no reason"),
        ({"status": "SUCCEEDED"}, None),
    ],
)
def test_why_a_run_failed_is_who_ended_it_or_what_its_job_said(
    row: dict[str, Any], why: str | None
) -> None:
    assert as_json(_one(row))["why"] == why


def test_the_role_of_a_job_that_was_denied_something_is_named() -> None:
    denied = {"exit_message": "Access denied", "cause": '{"RoleArn": "arn:aws:iam::1:role/r"}'}
    assert "role      arn:aws:iam::1:role/r" in _drawn(_one(denied))


def test_sizes_are_spelled_in_decimal_units() -> None:
    spelled = [size_text(size) for size in (0, 1, 999, 1000, 999_960, 5 * 10**15)]
    assert spelled == ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "1.0 MB", "5000.0 TB"]


# ---- What it does now

SO_LONG = "14 min 29 s"
TRYING = Attempt(1, f"{NAME}-1", "", 1, BEGAN)


def _job(**said: object) -> ProcessingJob:
    return ProcessingJob.model_validate({"ProcessingJobName": f"{NAME}-1", **said})


@pytest.mark.parametrize(
    ("last", "job", "position", "words"),
    [
        (None, None, None, "asks for its Processing job"),
        (WAITED, None, None, "asks for its Processing job"),
        (WAIT, None, None, f"waits for a quota for {SO_LONG}, asked 3 times: no instance is free"),
        (ATTEMPT, None, None, "waits a moment before it tries again"),
        (WAITS, None, None, f"waits for a concurrency slot, for {SO_LONG}"),
        (
            WAITS,
            None,
            QueuePosition(3, 12),
            f"waits for a concurrency slot, 3rd of 12 in line, for {SO_LONG}",
        ),
        (
            SlotWait(2, BEGAN, reason="Access denied"),
            None,
            None,
            f"waits for a concurrency slot, for {SO_LONG}: Access denied",
        ),
        (TRYING, None, None, f"its Processing job has been running for {SO_LONG}"),
        (
            TRYING,
            _job(ProcessingJobStatus="InProgress"),
            None,
            f"its Processing job is getting its instances and its input, for {SO_LONG}",
        ),
        (
            TRYING,
            _job(ProcessingStartTime=NOW - timedelta(seconds=90)),
            None,
            "its Processing job has been working for 1 min 30 s",
        ),
        (
            TRYING,
            _job(ProcessingJobStatus="Stopping"),
            None,
            "its Processing job is being stopped",
        ),
    ],
)
def test_a_run_says_what_it_does(
    last: Any, job: ProcessingJob | None, position: QueuePosition | None, words: str
) -> None:
    assert doing(last, job, NOW, position) == words


@pytest.mark.parametrize(
    ("code", "started_at", "words"),
    [
        ("ExecutionDoesNotExist", "2026-01-01T00:00:00.000Z", "forgets them after 90 days"),
        ("ExecutionDoesNotExist", "2026-11-22T08:15:31.412Z", "has no such execution"),
        ("AccessDeniedException", "2026-11-22T08:15:31.412Z", "could not see its attempts"),
    ],
)
def test_attempts_that_are_not_known_are_said_to_be_so_and_why(
    code: str, started_at: str, words: str
) -> None:
    class Refusing:
        def get_paginator(self, name: str) -> Any:
            raise ServiceError(f"states:{name}", code, "no")

    stack = Stack("s", "eu-central-1", {}, {}, lambda _: Refusing())
    done = execution_details(stack, record(ROW | {"started_at": started_at}), NOW)
    assert done.events is None
    assert words in done.not_seen[0]


# ---- Links


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-central-1", "https://eu-central-1.console.aws.amazon.com/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
    ],
)
def test_links_lead_to_the_console_of_region_and_partition(
    partition: str, region: str, host: str
) -> None:
    arn = ARN.replace("arn:aws:", f"arn:{partition}:").replace("eu-central-1", region)
    found = links(record(ROW | {"execution_arn": arn}), f"{NAME}-7d793037")
    assert set(found) == {"execution", "job", "log", "output"}
    assert all(link.startswith(host) and f"region={region}" in link for link in found.values())
    assert found["execution"].endswith(f"#/v2/executions/details/{arn}")
    assert "$252Faws$252Fsagemaker$252FProcessingJobs$3FlogStreamNameFilter$3D" in found["log"]
    assert found["output"].endswith(f"&prefix=processed%2F{NAME}%2F")


def test_a_partition_without_a_public_console_has_no_links() -> None:
    assert links(record(ROW | {"execution_arn": ARN.replace("arn:aws:", "arn:aws-iso:")}), "") == {}


def test_no_name_leaves_its_place_in_a_link() -> None:
    link = Consoles(ARN).job("a#b?c=d&e\x1b")
    assert link.endswith("/processing-jobs/a%23b%3Fc%3Dd%26e%1B")


def test_the_stack_is_named_again_unless_the_environment_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LANDRUN_STACK", raising=False)
    assert stack_options(Target()) == ""
    assert stack_options(Target(stack="my stack", region="eu-west-1")) == (
        " --stack 'my stack' --region eu-west-1"
    )
    monkeypatch.setenv("LANDRUN_STACK", "prod")
    assert stack_options(Target(stack="prod", profile="ops")) == " --profile ops"
