"""A run's record: what it takes from a status change, however odd the execution's input is."""

from __future__ import annotations

import json

import pytest

from landrun.models.run_record import OUTSIDE, RunRecord
from landrun.models.status_change import parse_status_change

MANUAL = {"Kind": "manual", "StartedBy": "ada"}
RUN = "landrun-3f5d8f02"


@pytest.fixture
def recorded(messages):
    """``recorded("execution-failed", error="E")`` is the record of that event, so changed."""

    def make(event="execution-failed", **detail):
        [message] = messages(event)
        message["detail"] |= detail
        return RunRecord.from_status_change(parse_status_change(json.dumps(message)))

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
def test_each_status_change_makes_a_record_with_the_runs_input(recorded, messages, event, status):
    found, [message] = recorded(event), messages(event)
    detail = message["detail"]
    assert (found.status, found.execution_arn) == (status, detail["executionArn"])
    assert found.started_at.startswith(found.month)
    assert found.output == detail.get("output")
    assert json.loads(detail["input"]) == {
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
        ("[]", OUTSIDE),
        (None, {}),  # an input that is not known
        (json.dumps({"Trigger": MANUAL}), MANUAL),
    ],
)
def test_a_run_without_a_trigger_was_started_by_hand_outside_landrun(
    recorded, execution_input, trigger
):
    assert recorded(input=execution_input).trigger == trigger


def test_the_notebooks_own_execution_was_started_outside_landrun(recorded):
    found = recorded("execution-succeeded-notebook")
    assert found.trigger == OUTSIDE
    assert found.input_message == "s3://landrun-landingbucket-1a2b3c4d5e6f/incoming/2026/11/21/"


@pytest.mark.parametrize(
    ("trigger", "rerun_of"),
    [
        (MANUAL | {"RerunOf": RUN}, RUN),
        (MANUAL, None),
        ({"RerunOf": "not a name\n"}, None),
        ({"RerunOf": [RUN]}, None),
    ],
)
def test_a_rerun_is_recorded_with_the_run_that_it_repeats(recorded, trigger, rerun_of):
    assert recorded(input=json.dumps({"Trigger": trigger})).rerun_of == rerun_of


@pytest.mark.parametrize(
    ("more", "can_be"),
    [
        ({}, True),
        ({"job_name": f"{RUN}-7d793037"}, True),
        ({"job_name": RUN}, False),
        ({"job_name": "daily-1", "preprocessing_job_name": "daily-1"}, False),
        ({"error": "SageMaker.ResourceInUseException"}, False),
        ({"error": "SageMaker.ResourceLimitExceededException"}, True),
    ],
)
def test_a_run_whose_job_name_is_taken_cannot_be_redriven(recorded, more, can_be):
    assert recorded(name=RUN).model_copy(update=more).can_be_redriven == can_be
