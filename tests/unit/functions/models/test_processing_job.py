"""Processing jobs: what AWS, or a state machine of somebody's own, says of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from landrun.models.processing_job import ProcessingJob, requested_job_name, submitted_job_name

START = datetime(2026, 11, 22, 8, 15, tzinfo=UTC)
RAN_A_MINUTE = {
    "ProcessingJobName": "j",
    "ProcessingStartTime": int(START.timestamp() * 1000),
    "ProcessingEndTime": int(START.timestamp() * 1000) + 60_000,
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 2}},
}


def described(**more):
    return ProcessingJob.model_validate(RAN_A_MINUTE | more)


def test_a_job_that_ran_on_two_instances_counts_both_whoever_describes_it():
    by_boto3 = {"ProcessingStartTime": START, "ProcessingEndTime": START + timedelta(minutes=1)}
    assert described().instance_seconds == described(**by_boto3).instance_seconds == 120


@pytest.mark.parametrize(
    ("exit_message", "reason", "limit", "said"),
    [
        ("why", "reason", None, "why"),
        ("", "reason", None, "reason"),
        (None, "reason", 60, "reason"),
        (None, None, None, "the job was stopped"),
        (None, None, 61, "the job was stopped"),
        (None, None, 60, "the job was stopped at its time limit of 60 seconds"),
    ],
)
def test_a_job_says_why_it_ended_as_near_to_the_reason_as_is_known(
    exit_message, reason, limit, said
):
    known = {"ExitMessage": exit_message, "FailureReason": reason}
    known["StoppingCondition"] = {"MaxRuntimeInSeconds": limit}
    found = described(ProcessingJobStatus="Stopped", **known)
    assert found.exit_message.partition(" (")[0] == said
    assert not found.failed_without_reason


@pytest.mark.parametrize(
    ("reason", "exit_message", "wordless"),
    [
        ("AlgorithmError: , exit code: 1", None, True),
        ("AlgorithmError: Exit Code: -9", None, True),
        ("AlgorithmError: See job logs for more information", None, True),
        ("AlgorithmError: out of memory, exit code: 137", None, False),
        ("ClientError: /opt/ml/output/message is not UTF-8", None, False),
        ("AlgorithmError: , exit code: 1", "why", False),
        ("", "", True),
    ],
)
def test_a_reason_that_names_no_more_than_an_exit_code_is_none(reason, exit_message, wordless):
    known = {"FailureReason": reason, "ExitMessage": exit_message}
    assert described(ProcessingJobStatus="Failed", **known).failed_without_reason is wordless


@pytest.mark.parametrize("name", ["", "a b", "-a", "x" * 64, "a\n", "\ud800", ["a"], 1, None])
def test_what_is_no_name_of_a_job_is_neither_looked_up_nor_recorded(name):
    parameters = json.dumps({"ProcessingJobName": name})
    assert requested_job_name({"taskScheduledEventDetails": {"parameters": parameters}}) is None
    assert ProcessingJob.from_json(parameters) is None


def event(kind):
    """Make an event by its type; ``Redriven 1`` is a redrive, ``TaskScheduled`` asks for a job."""
    redrive = {"redriveCount": int(kind.split()[1])} if kind.startswith("Redriven") else None
    parameters = json.dumps({"ProcessingJobName": "j"}) if kind == "TaskScheduled" else None
    return {
        "type": kind,
        "executionRedrivenEventDetails": redrive,
        "taskScheduledEventDetails": {"parameters": parameters},
    }


ASKED, RAN = ("TaskScheduled",), ("TaskSubmitted", "TaskStarted", "TaskScheduled")
REFUSED = ("TaskSubmitFailed", "TaskStarted", "TaskScheduled")
PUBLISHED = ("TaskSucceeded", "LambdaFunctionScheduled")


@pytest.mark.parametrize(
    ("redrives", "newest_first", "found"),
    [
        (0, ("TaskSucceeded", "TaskScheduled"), True),  # without .sync
        (0, PUBLISHED + RAN, True),
        (0, (), False),
        (0, ASKED, False),
        (0, REFUSED + RAN, False),  # a retry that was refused: the first job is not the reason
        (1, (*RAN, "Redriven 1"), True),
        (1, ("Redriven 1", "ExecutionAborted", *RAN), False),
        (1, (*REFUSED, "Redriven 1", *RAN), False),
        (2, ("Redriven 2", *RAN, "Redriven 1"), False),
        (0, ("Redriven 1", "ExecutionAborted", *RAN), True),  # recorded late
        (0, (*RAN, "Redriven 1", "ExecutionAborted"), False),
        (1, ("Redriven 2", *RAN, "Redriven 1"), True),
    ],
)
def test_the_job_of_an_attempt_is_the_one_that_it_submitted_last(redrives, newest_first, found):
    assert submitted_job_name(map(event, newest_first), redrives) == ("j" if found else None)
