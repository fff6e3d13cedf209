"""One run fits the screen, says why it failed, and where to go on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len

from landrun.adapters.s3_listing import ListedObject
from landrun.errors import ServiceError
from landrun.models.processing_job import ProcessingJob
from landrun.models.run_record import RunRecord
from landrun_ops.cli.fact_sheet import folded
from landrun_ops.cli.hints import stack_options
from landrun_ops.cli.run_sheet import as_json, sheet, size_text
from landrun_ops.cli.target import Target
from landrun_ops.stack.console_links import Consoles, links
from landrun_ops.stack.history_events import Attempt, Redrive, Turn, Wait
from landrun_ops.stack.inputs import Input
from landrun_ops.stack.run_details import OneRun, course, doing
from landrun_ops.stack.stack import Stack
from landrun_ops.stack.waiting_executions import InLine
from records import record

NAME = "landrun-50f0421ea8585c9eb9688415b36b93f2"
ARN = f"arn:aws:states:eu-central-1:123456789012:execution:landrun-Machine-8kQ2mZ4xT7pL:{NAME}"
BUCKET = "landrun-outputbucket-6f5e4d3c2b1a"
NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
BEGAN = datetime(2026, 11, 22, 8, 15, 31, tzinfo=UTC)
WHY = "2 of 2 files rejected: no text column in messages.jsonl (columns: id, sender)"
HOSTILE = "a\x1b[2J\u202eb"

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
IN_LINE = Turn(1, BEGAN)
HAD_TURN = Turn(1, BEGAN, BEGAN + timedelta(minutes=12), given=True)
WAIT = Wait(True, 3, BEGAN, BEGAN + timedelta(minutes=12), "no instance is free")


def _one(row: dict[str, Any] | None = None, **more: Any) -> OneRun:
    run = RunRecord(ROW | (row or {}))
    whole: dict[str, Any] = {
        "run": run,
        "recorded": True,
        "moments": (WAIT, ATTEMPT),
        "ended_as": "",
        "doing": "",
        "given": Input(
            "landings", ("incoming/2026/11/22/messages.jsonl",), {}, str(ROW["input_message"])
        ),
        "outputs": [ListedObject(f"processed/{NAME}/summary.json", 700)],
        "reruns": [],
        "tail": [],
        "links": {},
        "not_seen": [],
    }
    return OneRun(**(whole | more))


def _drawn(found: OneRun, width: int = 80, where: str = "", *, laptop: bool = False) -> list[str]:
    return [line.plain for line in sheet(found, width, NOW, where, laptop=laptop).lines]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_all_but_what_is_copied_whole_fits_the_screen(width: int) -> None:
    lines = _drawn(_one(reruns=[record({"name": NAME, "status": "RUNNING"})]), width)
    longer = [line for line in lines if cell_len(line) > width]
    assert [line.split()[0] for line in longer] == ["redrive"]
    assert len(lines) <= 30


def test_it_says_why_a_run_failed_once_and_what_it_waited_for() -> None:
    text = "\n".join(_drawn(_one(), 200))
    assert text.count(WHY) == 1
    assert "08:15:31  waited 3 times for a quota, 12 min 00 s" in text
    assert "08:27:31  attempt 1: failed after 2 min 00 s" in text
    assert "5,574 in, 5,160 out, 410 duplicates, 3 empty, 1 rejected" in text
    assert "8 objects, 12.3 kB" in text


def test_what_to_type_next_finds_the_same_stack_and_can_be_pasted() -> None:
    lines = _drawn(_one(), where=" --stack prod")
    assert f"again     landrun rerun {NAME} --stack prod" in lines
    (redrive,) = [line for line in lines if line.startswith("redrive")]
    assert redrive.endswith(f"--region eu-central-1 --execution-arn {ARN}")


def test_a_run_that_goes_on_says_what_it_does_and_offers_no_rerun() -> None:
    row = {"status": "RUNNING", "stopped_at": None, "duration_seconds": None}
    text = "\n".join(_drawn(_one(row, doing="waits for a quota for 12 min", recorded=False)))
    assert "RUNNING for 14 min 29 s, not in the ledger yet" in text
    assert "now       waits for a quota for 12 min" in text
    assert f"landrun logs {NAME} --follow" in text
    assert "rerun" not in text


def test_an_end_that_the_ledger_does_not_know_is_said() -> None:
    row = {"status": "RUNNING", "stopped_at": None}
    assert "SUCCEEDED, which the ledger does not know" in _drawn(_one(row, ended_as="SUCCEEDED"))[0]


@pytest.mark.parametrize("row", [{"job_name": NAME}, {"error": "SageMaker.ResourceInUseException"}])
def test_a_run_whose_job_name_is_taken_is_to_be_rerun_never_redriven(row: dict[str, str]) -> None:
    lines = _drawn(_one({"trigger": {"Kind": "outside"}, **row}))
    assert "by hand, outside landrun" in "\n".join(lines)
    assert any(line.startswith("again") for line in lines)
    assert not any(line.startswith("redrive") for line in lines)


def test_what_a_run_of_a_uri_reads_is_named_by_its_uri_and_what_begins_the_same() -> None:
    uri = "s3://landings/in/a.csv"
    given = Input("landings", ("in/a.csv",), {"in/a.csv": 7})
    row = {"input_message": uri, "input_also_matches": ["in/a.csv.bak"]}
    lines = _drawn(_one(row, given=given))
    assert f"input     {uri}" in lines
    assert any(line.startswith("also reads") and "in/a.csv.bak" in line for line in lines)
    assert not any(line.startswith("manifest") for line in lines)


def test_a_redrive_is_no_longer_offered_after_14_days() -> None:
    old = {"stopped_at": "2026-11-01T08:25:08.502Z"}
    assert not any(line.startswith("redrive") for line in _drawn(_one(old)))


def test_a_scheduled_run_counts_its_objects_and_names_the_first() -> None:
    keys = tuple(f"incoming/{n}.csv" for n in range(1200))
    trigger = {
        "Kind": "schedule",
        "ScheduleArn": "arn:aws:scheduler:eu-central-1:123456789012:schedule/group/tick",
        "ScheduledTime": "2026-11-22T08:15:00Z",
        "Part": 2,
    }
    given = Input("landings", keys, dict.fromkeys(keys, 1000))
    text = "\n".join(_drawn(_one({"trigger": trigger}, given=given)))
    assert "tick of 2026-11-22 08:15:00 UTC, part 2 of its runs" in text
    assert "1,200 objects of landings, 1.2 MB" in text
    assert "incoming/2.csv" in text
    assert "and 1197 more" in text


def test_a_rerun_names_what_it_repeats_and_who_asked() -> None:
    by = "arn:aws:sts::123456789012:assumed-role/Admin/ana"
    trigger = {"Kind": "manual", "StartedBy": by, "RerunOf": NAME}
    text = "\n".join(_drawn(_one({"trigger": trigger}), 200))
    assert f"rerun of {NAME}" in text
    assert "by hand, by Admin/ana" in text


def test_what_others_wrote_moves_no_cursor() -> None:
    row = {
        "exit_message": HOSTILE,
        "trigger": {"Kind": "object-created", "Key": HOSTILE, "EventTime": HOSTILE},
        "output_problem": HOSTILE,
    }
    given = Input("landings", (HOSTILE, "b"), {})
    outputs = [ListedObject(HOSTILE, 1)]
    found = _one(row, given=given, outputs=outputs, tail=[HOSTILE], not_seen=[HOSTILE])
    assert all(line.isprintable() for line in _drawn(found))
    assert json.dumps(as_json(found))


def test_a_row_of_any_shape_is_shown() -> None:
    for odd in ({"trigger": 1}, {"trigger": {"Kind": "schedule"}}, {"redrive_count": 3}):
        assert _drawn(_one(odd))
    bare = _one(given=None, moments=None, outputs=[])
    lines = sheet(
        OneRun(**{**vars(bare), "run": record({"name": "odd"})}), 80, NOW, "", laptop=True
    ).lines
    assert lines[0].plain.startswith("odd")


def test_json_has_the_moments_with_their_kinds_and_times() -> None:
    redrive = Redrive(BEGAN, 1)
    found = as_json(_one(moments=(WAIT, redrive, ATTEMPT)))
    assert [moment["kind"] for moment in found["timeline"]] == ["wait", "redrive", "attempt"]
    assert found["timeline"][0]["ended"] == "2026-11-22T08:27:31+00:00"
    assert found["why"] == WHY
    assert found["input"]["objects"] == 1


def test_a_word_is_cut_only_where_it_is_longer_than_a_line_and_spaces_stay() -> None:
    assert folded("a  b.csv", 20) == ["a  b.csv"]
    assert folded("one two three", 8) == ["one two", "three"]
    assert folded(f"s3://bucket/{'k' * 30}/x", 20) == ["s3://bucket/", "k" * 20, "k" * 10 + "/x"]


def test_sizes_are_spelled_in_decimal_units() -> None:
    spelled = [size_text(size) for size in (0, 1, 999, 1000, 999_960, 5 * 10**15)]
    assert spelled == ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "1.0 MB", "5000.0 TB"]


# What it does now


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (None, "asks for its Processing job"),
        (WAIT, "waits for a quota for 14 min 29 s, asked 3 times: no instance is free"),
        (ATTEMPT, "waits a moment before it tries again"),
        (IN_LINE, "waits its turn, for 14 min 29 s"),
        (HAD_TURN, "asks for its Processing job"),
    ],
)
def test_a_run_says_what_it_does(last: Any, words: str) -> None:
    assert doing(last, None, NOW) == words


def test_a_run_in_line_says_which_place_it_has_and_what_keeps_it_from_asking() -> None:
    assert doing(IN_LINE, None, NOW, InLine(3, 12)) == (
        "waits its turn, 3rd of 12 in line, for 14 min 29 s"
    )
    refused = Turn(2, BEGAN, reason="Access denied")
    assert doing(refused, None, NOW) == "waits its turn, for 14 min 29 s: Access denied"


def test_the_timeline_has_the_wait_for_a_turn_and_whether_it_came() -> None:
    waited = "\n".join(_drawn(_one(moments=(HAD_TURN, ATTEMPT)), 200))
    assert "08:15:31  waited its turn, 12 min 00 s" in waited
    assert "did not get it" not in waited
    left = Turn(1, BEGAN, BEGAN + timedelta(minutes=1))
    assert "waited its turn, 1 min 00 s, and did not get it" in "\n".join(
        _drawn(_one(moments=(left,)), 200)
    )
    assert "08:15:31  waits its turn" in "\n".join(_drawn(_one(moments=(IN_LINE,)), 200))
    assert as_json(_one(moments=(HAD_TURN,)))["timeline"][0]["kind"] == "turn"


def _job(**said: object) -> ProcessingJob:
    return ProcessingJob.model_validate({"ProcessingJobName": f"{NAME}-1", **said})


def test_a_job_that_starts_and_one_that_works_are_told_apart() -> None:
    running = Attempt(1, f"{NAME}-1", "", 1, BEGAN)
    began = NOW - timedelta(seconds=90)
    assert "getting its instances" in doing(running, _job(ProcessingJobStatus="InProgress"), NOW)
    working = doing(running, _job(ProcessingStartTime=began), NOW)
    assert working.endswith("has been working for 1 min 30 s")
    assert doing(running, None, NOW).endswith("has been running for 14 min 29 s")
    assert "being stopped" in doing(running, _job(ProcessingJobStatus="Stopping"), NOW)


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
    done = course(stack, RunRecord(ROW | {"started_at": started_at}), NOW)
    assert done.moments is None
    assert words in done.not_seen[0]


# Links


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
    found = links(ROW | {"execution_arn": arn}, f"{NAME}-7d793037")
    assert set(found) == {"execution", "job", "log", "output"}
    assert all(link.startswith(host) and f"region={region}" in link for link in found.values())
    assert found["execution"].endswith(f"#/v2/executions/details/{arn}")
    assert "$252Faws$252Fsagemaker$252FProcessingJobs$3FlogStreamNameFilter$3D" in found["log"]
    assert found["output"].endswith(f"&prefix=processed%2F{NAME}%2F")


def test_a_partition_without_a_public_console_has_no_links() -> None:
    assert links(ROW | {"execution_arn": ARN.replace("arn:aws:", "arn:aws-iso:")}, "") == {}
    assert links({}, "") == {}


def test_no_name_leaves_its_place_in_a_link() -> None:
    link = Consoles(ARN).job("a#b?c=d&e\x1b")
    assert link.endswith("/processing-jobs/a%23b%3Fc%3Dd%26e%1B")


def test_links_are_printed_whole() -> None:
    address = links(ROW, "")["execution"]
    assert f"execution {address}" in _drawn(_one(links={"execution": address}))


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
        ({"exit_message": None, "error": None}, "nobody said why"),
        ({"status": "SUCCEEDED"}, None),
    ],
)
def test_why_a_run_failed_is_who_ended_it_else_what_its_job_said(
    row: dict[str, Any], why: str | None
) -> None:
    assert as_json(_one(row))["why"] == why
