"""What the page reads in a run's row, and what it does not believe."""

from __future__ import annotations

import json

import pytest

from landrun_ops.web.facts import facts
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
    "trigger": {"Kind": "object-created", "Key": "incoming/a.csv", "Size": 70},
    "output": json.dumps(JOB),
    "summary": {"rows_in": 7, "rows_out": 6, "duplicates": 1, "empty": 0, "rejected": 0},
    "execution_arn": f"arn:aws:states:eu-west-1:123456789012:execution:machine:{NAME}",
    "job_name": f"{NAME}-fe320c42",
}
FAILED = {"status": "FAILED", "output": None, "error": "States.TaskFailed"}


def of(**changes):
    return facts(record(ROW | changes), laptop=False)


@pytest.mark.parametrize(
    "where", [{}, {**FAILED, "cause": json.dumps(JOB)}], ids=["output", "cause"]
)
def test_a_run_is_split_into_waiting_and_the_work_of_its_job(where):
    found = of(**where)

    assert (found.waited, found.worked, found.instances) == (9.355, 0.534, "2 x ml.m5.large")
    assert (found.bytes_in, found.duration_seconds) == (70, 9.891)
    assert found.links["execution"].startswith("https://eu-west-1.console.aws.amazon.com/")


def test_the_size_of_a_tick_is_known_if_all_of_its_files_are_listed():
    tick = {"Kind": "schedule", "ScheduledTime": "t", "Part": 2}
    found = of(trigger=tick, summary={"files": [{"bytes": 30}, {"bytes": 12}]})
    assert (found.bytes_in, found.files, found.what) == (42, 2, "tick of t, part 2")
    found = of(trigger=tick, summary={"files": [{"bytes": 30}], "files_omitted": 4})
    assert (found.bytes_in, found.files) == (None, 5)


@pytest.mark.parametrize("wrong", [None, "", True, -1, 2**53, float("nan"), [], {}, "\ud800"])
def test_hostile_values_count_as_unknown(wrong):
    found = of(
        summary={"rows_in": wrong, "files": wrong, "files_omitted": wrong},
        trigger={"Kind": "object-created", "Key": wrong, "Size": wrong},
    )

    assert (found.rows_in, found.bytes_in, found.files) == (None, None, None)
    for field in JOB:
        of(output=json.dumps(JOB | {field: wrong}), trigger={"Kind": wrong})


def test_text_of_others_becomes_one_printable_line_of_bounded_length():
    found = of(error="a\nb\x1b[2J\u202e", trigger={"Kind": "object-created", "Key": "x" * 5000})

    assert found.error == r"a\nb\x1b[2J\u202e"
    assert len(found.what or "") == 400
