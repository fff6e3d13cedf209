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
    ("execution_input", "trigger", "rerun_of"),
    [
        ('{"InputMessage": "s3://b/k"}', OUTSIDE, None),
        ('{"Trigger": "text"}', OUTSIDE, None),
        ("[]", OUTSIDE, None),
        (None, {}, None),  # an input that is not known
        *(
            (json.dumps({"Trigger": trigger}), trigger, rerun_of)
            for trigger, rerun_of in (
                (MANUAL, None),
                (MANUAL | {"RerunOf": RUN}, RUN),
                ({"RerunOf": "not a name\n"}, None),
                ({"RerunOf": [RUN]}, None),
            )
        ),
    ],
)
def test_a_run_was_started_by_its_trigger_or_outside_landrun(
    recorded, execution_input, trigger, rerun_of
):
    found = recorded(input=execution_input)
    assert (found.trigger, found.rerun_of) == (trigger, rerun_of)


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
