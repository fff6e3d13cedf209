"""What the report takes from a row, and what it does not believe."""

from __future__ import annotations

import json
from typing import Any

import pytest

from landrun_ops.web.facts import count, facts, text
from records import record

NAME = "landrun-55ea21e7b46057f4a32078eff858d2a4"
JOB = {
    "ProcessingJobName": f"{NAME}-fe320c42",
    "ProcessingStartTime": 1795377459661,
    "ProcessingEndTime": 1795377460195,
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.large"}},
}
ROW = {
    "name": NAME,
    "status": "SUCCEEDED",
    "started_at": "2026-11-22T19:57:30.306Z",
    "stopped_at": "2026-11-22T19:57:40.197Z",
    "duration_seconds": 9.891,
    "instance_seconds": 1.068,
    "trigger": {"Kind": "object-created", "Key": "incoming/a.csv", "Size": 70},
    "output": json.dumps(JOB),
    "output_bytes": 1328,
    "summary": {"rows_in": 7, "rows_out": 6, "duplicates": 1, "empty": 0, "rejected": 0},
    "execution_arn": f"arn:aws:states:eu-west-1:123456789012:execution:machine:{NAME}",
    "job_name": f"{NAME}-fe320c42",
}


def of(**changes: Any) -> dict[str, Any]:
    return facts(record(ROW | changes))


def test_a_run_is_split_into_waiting_and_the_work_of_its_job() -> None:
    found = of()

    assert found["seconds"] == 9.891
    assert found["waited"] == 29.355 - 20
    assert found["worked"] == 0.534
    assert found["instances"] == "2 x ml.m5.large"


def test_a_failures_job_is_found_in_its_cause() -> None:
    found = of(status="FAILED", output=None, cause=json.dumps(JOB), error="States.TaskFailed")

    assert found["waited"] == 9.355
    assert found["error"] == "States.TaskFailed"


def test_what_is_not_known_is_none_and_no_zero() -> None:
    found = facts(record({"name": NAME, "started_at": ROW["started_at"], "status": "RUNNING"}))

    known = {name for name, value in found.items() if value not in (None, {})}
    assert known == {"name", "status", "kind", "started", "execution", "pages"}
    assert found["kind"] == "other"


@pytest.mark.parametrize(
    ("summary", "size", "files"),
    [
        ({"files": [{"bytes": 30}, {"bytes": 12}]}, 42, 2),
        ({"files": [{"bytes": 30}], "files_omitted": 4}, None, 5),
        ({"files": [{"bytes": 30}, {}]}, None, 2),
        ({"files": "many"}, None, None),
    ],
)
def test_what_a_tick_has_read_is_the_sum_of_its_files_if_all_are_listed(
    summary: Any, size: int | None, files: int | None
) -> None:
    found = of(summary=summary, trigger={"Kind": "schedule", "ScheduledTime": "t", "Part": 2})

    assert (found["bytes_in"], found["files"]) == (size, files)
    assert found["what"] == "tick of t, part 2"


def test_consoles_pages_are_there_for_aws_and_not_for_a_laptop() -> None:
    assert of()["pages"]["execution"].startswith("https://eu-west-1.console.aws.amazon.com/")
    assert facts(record(ROW), consoles=False)["pages"] == {}


@pytest.mark.parametrize("wrong", [None, "", True, -1, 2**53, float("nan"), float("inf"), [], {}])
def test_what_is_no_count_is_not_known(wrong: object) -> None:
    assert count(wrong) is None


def test_texts_from_outside_become_one_printable_line_of_bounded_length() -> None:
    assert text("a\nb\x1b[2J\u202e") == r"a\nb\x1b[2J\u202e"
    assert len(text("x" * 5000) or "") == 400
    assert text(["a"]) is None


def test_hostile_rows_make_no_trouble() -> None:
    everything = [None, 0, -1, True, "x", "\ud800", [], {}, [[]], {"a": 1}, 1e308, 2**70]

    for value in everything:
        facts(record(ROW | {"trigger": {"Kind": value, "Key": value, "Size": value}}))
        facts(record(ROW | {"summary": {"rows_in": value, "files": value, "shards": value}}))
    for field in JOB:
        for value in everything:
            facts(record(ROW | {"output": json.dumps(JOB | {field: value})}))
