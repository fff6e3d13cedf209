"""An execution's history is read as attempts, waits and redrives.

Shapes: AWS Step Functions API reference, "HistoryEvent"; the laptop's engine writes the same.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from landrun_ops.stack.history_events import Attempt, Redrive, SlotWait, Wait, timeline

BEGAN = datetime(2026, 11, 22, 3, tzinfo=UTC)
QUOTA = "SageMaker.ResourceLimitExceededException"
QUOTA_REASON = "The account-level service limit 'ml.m5.large' is 0 Instances"
QUOTA_CAUSE = f"{QUOTA_REASON} (Service: AmazonSageMaker; Status Code: 400; Proxy: null)"
FAILED_CAUSE = json.dumps({"ProcessingJobName": "r-1", "ExitMessage": "no text column"})
SLOW = ("SageMaker.AmazonSageMakerException", "Rate exceeded")
JOB = "sagemaker:createProcessingJob.sync"


def at(event):
    """When the event of this number happened."""
    return BEGAN + timedelta(minutes=event - 1)


def history(*steps):
    """Events of these types and details, each naming the one before it, a minute later."""
    events = [{"id": 1, "type": "ExecutionStarted", "timestamp": BEGAN}]
    for kind, details in (event for step in steps for event in step):
        number = len(events) + 1
        event = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": at(number)}
        name = f"{kind[0].lower()}{kind[1:]}EventDetails"
        events.append(event | ({name: details} if details else {}))
    return events


def asked(called, parameters, *, submitted=True):
    service, _, operation = called.partition(":")
    task = {"resourceType": service, "resource": operation, "parameters": json.dumps(parameters)}
    scheduled = [("TaskScheduled", task), ("TaskStarted", {})]
    return [*scheduled, ("TaskSubmitted", {})] if submitted else scheduled


def job(name="r-1", instances=1, *, submitted=True):
    cluster = {"ClusterConfig": {"InstanceCount": instances}}
    parameters = {"ProcessingJobName": name, "ProcessingResources": cluster}
    return asked(JOB, parameters, submitted=submitted)


def slot(body):
    return asked("sqs:sendMessage.waitForTaskToken", {"MessageBody": body})


def ended(kind, error="", cause=""):
    return [(kind, {"error": error, "cause": cause} if error or cause else {})]


def refused(error=QUOTA, cause=QUOTA_CAUSE, how="TaskFailed"):
    return [*job(submitted=False), *ended(how, error, cause)]


FAILED = ended("TaskFailed", "States.TaskFailed", FAILED_CAUSE)
REDRIVEN = [("ExecutionRedriven", {"redriveCount": 1})]
SLOT = slot({"SlotRequest": {"TaskToken": "t"}})
FIRST = Attempt(1, "r-1", JOB, 1, at(2), at(5), "failed", "no text column")


CASES = {
    "a job that failed and its retry": (
        [job(instances=2), FAILED, job("r-2"), ended("TaskSucceeded")],
        [replace(FIRST, instances=2), Attempt(2, "r-2", JOB, 1, at(6), at(9), "succeeded")],
    ),
    "refusals for a quota in a row are one wait, which ends with the job": (
        [refused(), refused(how="TaskSubmitFailed"), job()],
        [Wait(True, 2, at(2), at(8), QUOTA_REASON), Attempt(1, "r-1", JOB, 1, at(8))],
    ),
    "a job that was accepted and then lost is no refusal": (
        [job(), ended("TaskFailed", *SLOW)],
        [replace(FIRST, reason=f"{SLOW[0]}: {SLOW[1]}")],
    ),
    "what ran when somebody stopped the execution": (
        [job(), ended("ExecutionAborted", cause="wrong file")],
        [replace(FIRST, result="stopped", reason="somebody stopped the execution: wrong file")],
    ),
    "a redrive, after which attempts count on": (
        [job(), FAILED, ended("ExecutionFailed", "E"), REDRIVEN, job("r-2")],
        [FIRST, Redrive(at(7), 1), Attempt(2, "r-2", JOB, 1, at(8))],
    ),
    "a task of another service, which waits for a token of its own": (
        [slot({"Approve": 1})],
        [Attempt(1, "", "sqs:sendMessage.waitForTaskToken", 1, at(2))],
    ),
    "a wait for a slot that lasts": ([SLOT], [SlotWait(1, at(2))]),
    "a slot that was acquired": (
        [SLOT, ended("TaskSucceeded"), job()],
        [SlotWait(1, at(2), at(5), acquired=True), Attempt(1, "r-1", JOB, 1, at(6))],
    ),
    "a slot that cannot be asked for": (
        [SLOT, ended("TaskFailed", "SQS.AmazonSQSException", "Access denied (Service: x)")],
        [SlotWait(1, at(2), reason="SQS.AmazonSQSException: Access denied")],
    ),
    "a slot that was asked for again after hours, because a message may be lost": (
        [SLOT, ended("TaskTimedOut", "States.Timeout"), SLOT, ended("TaskSucceeded")],
        [SlotWait(2, at(2), at(9), acquired=True)],
    ),
}


@pytest.mark.parametrize(("steps", "events"), CASES.values(), ids=CASES)
def test_a_history_is_read_as_attempts_waits_and_redrives(steps, events):
    assert list(timeline(history(*steps))) == events


def test_tasks_that_run_side_by_side_are_kept_apart():
    events = history(job("a-1"), job("b-1"), ended("TaskSucceeded"), FAILED)
    events[-1]["previousEventId"] = 4  # of the first job
    found = [(one.job, one.result) for one in timeline(events) if isinstance(one, Attempt)]
    assert found == [("a-1", "failed"), ("b-1", "succeeded")]
