"""A run's record: what it takes from a status change, and that DynamoDB takes whatever it has."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from landrun.adapters.dynamodb_items import (
    NESTING_LIMIT,
    SIZE_LIMIT,
    fitting,
    from_item,
    to_item,
)
from landrun.models.run_record import OUTSIDE, RunRecord
from landrun.models.status_change import described_change, parse_status_change

PUT_ITEM = botocore.session.get_session().get_service_model("dynamodb").operation_model("PutItem")
USUAL = {
    "name": "run-1",
    "execution_arn": "arn:aws:states:us-east-1:123456789012:execution:m:run-1",
    "state_machine_arn": "arn:aws:states:us-east-1:123456789012:stateMachine:m",
    "status": "FAILED",
    "redrive_count": 0,
    "status_rank": 1,
    "month": "2026-11",
    "started_at": "2026-11-22T03:00:00.000Z",
}


def record(**more: Any) -> RunRecord:
    return RunRecord.model_validate(USUAL | more)


def stored(**more: Any) -> RunRecord:
    """A record as it comes back from an item that DynamoDB would take."""
    item = to_item(record(**more))
    request = {"TableName": "runs", "Item": item}
    assert not ParamValidator().validate(request, PUT_ITEM.input_shape).has_errors()
    json.dumps(item, ensure_ascii=False).encode()
    return from_item(item)


# ---- From a status change


@pytest.fixture
def recorded(load_event):
    """``recorded("execution-failed", error="E")`` is the record of that event, so changed."""

    def make(event: str = "execution-failed", **detail: object) -> RunRecord:
        body = json.loads(load_event(event)["Records"][0]["body"])
        body["detail"] |= detail
        return RunRecord.from_status_change(parse_status_change(json.dumps(body)))

    return make


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("execution-running", "RUNNING"),
        ("execution-running-documented-fields", "RUNNING"),
        ("execution-succeeded", "SUCCEEDED"),
        ("execution-succeeded-scheduled", "SUCCEEDED"),
        ("execution-failed", "FAILED"),
        ("execution-timed-out", "TIMED_OUT"),
        ("execution-aborted", "ABORTED"),
    ],
)
def test_each_status_change_makes_a_record_with_the_runs_input(recorded, load_event, event, status):
    found = recorded(event)
    detail = json.loads(load_event(event)["Records"][0]["body"])["detail"]
    execution_input = json.loads(detail["input"])
    assert (found.status, found.execution_arn) == (status, detail["executionArn"])
    assert found.started_at.startswith(found.month)
    assert found.started_at.endswith("Z")
    assert found.output == detail.get("output")
    assert execution_input == {
        "PreprocessingJobName": found.preprocessing_job_name,
        "InputMessage": found.input_message,
        "OutputProcessedMessage": found.output_processed_message,
        "Trigger": found.trigger,
    }


@pytest.mark.parametrize(
    ("execution_input", "trigger"),
    [
        ('{"InputMessage": "s3://b/k"}', OUTSIDE),
        ('{"Trigger": "text"}', OUTSIDE),
        ('{"Trigger": null}', OUTSIDE),
        ("[]", OUTSIDE),
        (None, None),
        (
            '{"Trigger": {"Kind": "manual", "StartedBy": "me"}}',
            {"Kind": "manual", "StartedBy": "me"},
        ),
    ],
)
def test_a_run_without_a_trigger_was_started_by_hand_outside_landrun(
    recorded, execution_input, trigger
):
    """Of one whose input is not known, that is not known either."""
    assert recorded(input=execution_input).trigger == trigger


def test_the_notebooks_own_execution_was_started_outside_landrun(recorded):
    found = recorded("execution-succeeded-notebook")
    assert found.trigger == OUTSIDE
    assert found.input_message == "s3://landrun-landingbucket-1a2b3c4d5e6f/incoming/2026/11/21/"


@pytest.mark.parametrize("value", [["s3://b/k"], 1, None, {"a": "b"}, True])
def test_a_field_of_the_input_that_is_no_text_is_left_out(recorded, value):
    names = ("PreprocessingJobName", "InputMessage", "OutputProcessedMessage")
    found = recorded(input=json.dumps(dict.fromkeys(names, value)))
    assert not found.attributes().keys() & {
        "preprocessing_job_name", "input_message", "output_processed_message"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("trigger", "rerun_of"),
    [
        ({"Kind": "manual", "StartedBy": "ada", "RerunOf": "landrun-3f5d8f02"}, "landrun-3f5d8f02"),
        ({"Kind": "manual", "StartedBy": "ada"}, None),
        ({"RerunOf": "not a name\n"}, None),
        ({"RerunOf": ["landrun-3f5d8f02"]}, None),
        ("RerunOf", None),
    ],
)
def test_a_rerun_is_recorded_with_the_run_that_it_repeats(recorded, trigger, rerun_of):
    assert recorded(input=json.dumps({"Trigger": trigger})).rerun_of == rerun_of


def test_a_text_that_was_cut_in_the_middle_of_a_character_is_recorded(recorded, load_event):
    assert recorded(cause="the end is \ud83d").cause == "the end is ?"
    detail = json.loads(load_event("execution-failed")["Records"][0]["body"])["detail"]
    times = dict.fromkeys(("startDate", "stopDate"), datetime(2026, 11, 22, tzinfo=UTC))
    described = detail | times | {"cause": "\ud83d", "redriveDate": None}
    assert RunRecord.from_status_change(described_change(described)).cause == "?"


@pytest.mark.parametrize(
    ("more", "can_be"),
    [
        ({}, True),
        ({"job_name": "run-1-7d793037"}, True),
        ({"job_name": "run-1"}, False),
        ({"job_name": "daily-1", "preprocessing_job_name": "daily-1"}, False),
        ({"error": "SageMaker.ResourceInUseException"}, False),
        ({"error": "SageMaker.ResourceLimitExceededException"}, True),
    ],
)
def test_a_run_whose_job_name_is_taken_cannot_be_redriven(more, can_be):
    assert record(**more).can_be_redriven == can_be


# ---- Into DynamoDB


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"end": 1}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


def test_a_record_of_usual_size_comes_back_whole():
    usual = {"summary": {"rows_in": 3, "share": 0.25}, "trigger": {"Key": "é"}}
    found = stored(**usual, duration_seconds=1.5, input_also_matches=("a.csv.bak",))
    assert found.summary == {"rows_in": 3, "share": Decimal("0.25")}
    assert (found.trigger, found.duration_seconds) == ({"Key": "é"}, 1.5)
    assert (found.input_also_matches, found.left_out) == (("a.csv.bak",), ())


def test_what_is_nested_deeper_than_dynamodb_takes_is_left_out():
    assert stored(trigger=nested(NESTING_LIMIT)).trigger == nested(NESTING_LIMIT)
    for levels in (NESTING_LIMIT + 1, 900):
        deeper = stored(trigger=nested(levels))
        assert (deeper.trigger, deeper.left_out, deeper.status) == (None, ("trigger",), "FAILED")


@pytest.mark.parametrize(
    "trigger", [{"a": [1] * 90_000}, {"a": [{}] * 74_000}, {"": "é" * 170_000}]
)
def test_size_is_counted_as_dynamodb_counts_it_not_as_json(trigger):
    assert len(json.dumps(trigger, ensure_ascii=False)) < SIZE_LIMIT - 50_000
    kept = fitting(record(trigger=trigger, output="x" * 60_000))
    assert kept["left_out"] in (["output"], ["output", "trigger"])


def test_the_reason_of_a_failure_is_the_last_to_be_left_out():
    long = {"a": "x" * 120_000}
    found = stored(output="x" * 120_000, summary=long, trigger=long, error="E", exit_message="M")
    assert found.left_out == ("output",)
    found = stored(output="x" * 300_000, summary=long, trigger=long | {"b": "x" * 200_000})
    assert found.left_out == ("output", "summary")


@pytest.mark.parametrize(
    "number",
    [10**37, 10**39, 10**50, 1.5, -0.0, 1e-320, 1e308, 123456789.123456789, float("nan")],
)
def test_a_number_that_dynamodb_cannot_hold_is_kept_as_text(number):
    kept = stored(summary={"number": number}).summary["number"]
    assert float(kept) == pytest.approx(number, nan_ok=True)


@pytest.mark.parametrize(
    ("odd", "kept"),
    [({"": {"": 1}}, {"(empty)": {"(empty)": 1}}), ({"é" * 70_000: 1}, {"é" * 1024: 1})],
)
def test_a_name_that_dynamodb_refuses_is_replaced(odd, kept):
    assert stored(trigger=odd).trigger == kept


ANY_TEXT = st.text(st.characters(exclude_categories=()))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(JSON, ANY_TEXT)
def test_whatever_an_execution_of_somebodys_own_holds_it_makes_an_item(value, cause):
    assert stored(trigger={"in": value}, summary={"in": value}, cause=cause).left_out == ()


@given(
    st.dictionaries(
        st.sampled_from(["output", "cause", "error", "exit_message"]),
        st.sampled_from(["x", "é", "😀", "\ud800"]).flatmap(
            lambda sign: st.integers(0, 150_000).map(lambda times: sign * times)
        ),
    )
)
def test_no_item_is_larger_than_its_limit(texts):
    item = to_item(record(**texts))
    assert sum(len(name) + len(str(value).encode()) for name, value in item.items()) < 409_600
    left_out = {one["S"] for one in item.get("left_out", {"L": []})["L"]}
    assert item.keys() - {"left_out"} == {*USUAL, *texts} - left_out
