"""An execution's history is read as attempts, waits and redrives.

Shapes: AWS Step Functions API reference, "HistoryEvent"; the laptop's engine writes the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landrun_ops.stack.execution_history import History, ended_as, plain, timeline
from landrun_ops.stack.history_events import Attempt, HistoryEvent, Redrive, SlotWait, Wait

BEGAN = datetime(2026, 11, 22, 3, tzinfo=UTC)
RUN = "landrun-50f0421ea8585c9eb9688415b36b93f2"
QUOTA = "SageMaker.ResourceLimitExceededException"
QUOTA_REASON = (
    "The account-level service limit 'ml.m5.large for processing job usage' is 0 Instances"
)
QUOTA_CAUSE = (
    f"{QUOTA_REASON} (Service: AmazonSageMaker; Status Code: 400; Error Code:"
    " ResourceLimitExceeded; Proxy: null)"
)
FAILED_CAUSE = json.dumps({"ProcessingJobName": f"{RUN}-1", "ExitMessage": "no text column"})
JOB = "sagemaker:createProcessingJob.sync"
SLOT = {"SlotRequest": {"TaskToken": "t"}}


def at(event: int) -> datetime:
    """When the event of this number happened."""
    return BEGAN + timedelta(minutes=event - 1)


class Story:
    """Writes a history: each event names the one before it, a minute later."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.add("ExecutionStarted")

    def add(self, kind: str, after: int | None = None, **details: Any) -> int:
        number = len(self.events) + 1
        event = {
            "id": number,
            "previousEventId": number - 1 if after is None else after,
            "type": kind,
            "timestamp": at(number),
        }
        if details:
            event[f"{kind[0].lower()}{kind[1:]}EventDetails"] = details
        self.events.append(event)
        return number

    def asked(self, job: str = f"{RUN}-1", instances: int = 1, after: int | None = None) -> int:
        asked = {
            "ProcessingJobName": job,
            "ProcessingResources": {"ClusterConfig": {"InstanceCount": instances}},
        }
        task = {"resourceType": "sagemaker", "resource": "createProcessingJob.sync"}
        scheduled = self.add("TaskScheduled", after, **task, parameters=json.dumps(asked))
        return self.add("TaskStarted", scheduled, **task)

    def job(self, job: str = f"{RUN}-1", instances: int = 1) -> Story:
        self.add("TaskSubmitted", self.asked(job, instances), output="{}")
        return self

    def slot(self, body: Any = SLOT) -> Story:
        """Ask for a slot; the message is an object in the history, or its text."""
        asked = {"QueueUrl": "q", "MessageBody": body}
        task = {"resourceType": "sqs", "resource": "sendMessage.waitForTaskToken"}
        scheduled = self.add("TaskScheduled", **task, parameters=json.dumps(asked))
        self.add("TaskSubmitted", self.add("TaskStarted", scheduled, **task), **task)
        return self

    def ended(self, how: str, after: int | None = None, **details: Any) -> Story:
        self.add(how, after, **details)
        return self

    def failed(self, error: str = "States.TaskFailed", cause: str = FAILED_CAUSE) -> Story:
        return self.ended("TaskFailed", error=error, cause=cause)

    def refused(
        self, error: str = QUOTA, cause: str = QUOTA_CAUSE, how: str = "TaskFailed"
    ) -> Story:
        self.asked()
        return self.ended(how, error=error, cause=cause)

    def lambda_failed(self) -> Story:
        task = {"resourceType": "lambda", "resource": "invoke"}
        self.add("TaskScheduled", **task, parameters="{}")
        return self.failed("Lambda.Unknown", "it broke")


FIRST = Attempt(1, f"{RUN}-1", JOB, 1, at(2), at(5), "failed", "no text column")
SLOW = "Rate exceeded"

TIMELINES: dict[str, tuple[Callable[[], Story], list[HistoryEvent]]] = {
    "a job that failed and its retry": (
        lambda: Story().job(instances=2).failed().job(f"{RUN}-2").ended("TaskSucceeded"),
        [
            replace(FIRST, instances=2),
            Attempt(2, f"{RUN}-2", JOB, 1, at(6), at(9), "succeeded"),
        ],
    ),
    "refusals for a quota in a row are one wait, which ends with the job": (
        lambda: Story().refused().refused(how="TaskSubmitFailed").job(),
        [
            Wait(True, 2, at(2), at(8), QUOTA_REASON),
            Attempt(1, f"{RUN}-1", JOB, 1, at(8)),
        ],
    ),
    "a wait that lasts": (
        lambda: Story().refused(how="TaskStartFailed"),
        [Wait(True, 1, at(2), None, QUOTA_REASON)],
    ),
    "a wait that the execution ended": (
        lambda: Story().refused().ended("ExecutionFailed", error=QUOTA),
        [Wait(True, 1, at(2), at(5), QUOTA_REASON)],
    ),
    "another refusal is another wait": (
        lambda: Story().refused().refused("SageMaker.AmazonSageMakerException", SLOW),
        [Wait(True, 1, at(2), at(5), QUOTA_REASON), Wait(False, 1, at(5), None, SLOW)],
    ),
    "a job that was accepted and then lost is no refusal": (
        lambda: Story().job().failed("SageMaker.AmazonSageMakerException", SLOW),
        [replace(FIRST, reason=f"SageMaker.AmazonSageMakerException: {SLOW}")],
    ),
    "a task of another service": (
        lambda: Story().lambda_failed(),
        [Attempt(1, "", "lambda:invoke", 1, at(2), at(3), "failed", "Lambda.Unknown: it broke")],
    ),
    "what ran when somebody stopped the execution": (
        lambda: Story().job().ended("ExecutionAborted", cause="wrong file"),
        [replace(FIRST, result="stopped", reason="somebody stopped the execution: wrong file")],
    ),
    "what ran when the execution timed out": (
        lambda: Story().job().ended("ExecutionTimedOut"),
        [replace(FIRST, result="stopped", reason="the execution ran into its time limit")],
    ),
    "a redrive, after which attempts count on": (
        lambda: (
            Story()
            .job()
            .failed()
            .ended("ExecutionFailed", error="States.TaskFailed")
            .ended("ExecutionRedriven", redriveCount=1)
            .job(f"{RUN}-2")
        ),
        [FIRST, Redrive(at(7), 1), Attempt(2, f"{RUN}-2", JOB, 1, at(8))],
    ),
    "no task": (lambda: Story().ended("ExecutionFailed", error="States.Runtime"), []),
    "a wait for a slot that lasts": (lambda: Story().slot(), [SlotWait(1, at(2))]),
    "a message that the history has as text": (
        lambda: Story().slot('{"SlotRequest": {}}'),
        [SlotWait(1, at(2))],
    ),
    "a slot that was acquired": (
        lambda: Story().slot().ended("TaskSucceeded").job(),
        [SlotWait(1, at(2), at(5), acquired=True), Attempt(1, f"{RUN}-1", JOB, 1, at(6))],
    ),
    "a slot that was asked for again after hours, because a message may be lost": (
        lambda: (
            Story()
            .slot()
            .ended("TaskTimedOut", error="States.Timeout")
            .slot()
            .ended("TaskSucceeded")
        ),
        [SlotWait(2, at(2), at(9), acquired=True)],
    ),
    "a slot that cannot be asked for": (
        lambda: Story().slot().failed("SQS.AmazonSQSException", "Access denied (Service: x)"),
        [SlotWait(1, at(2), reason="SQS.AmazonSQSException: Access denied")],
    ),
    "a run that is stopped while it waits": (
        lambda: Story().slot().ended("ExecutionAborted", cause="wrong file"),
        [SlotWait(1, at(2), at(5))],
    ),
}


@pytest.mark.parametrize(("story", "events"), TIMELINES.values(), ids=list(TIMELINES))
def test_a_history_is_read_as(story: Callable[[], Story], events: list[HistoryEvent]) -> None:
    assert list(timeline(story().events)) == events


def test_tasks_that_run_side_by_side_are_told_apart() -> None:
    story = Story()
    one = story.add("TaskSubmitted", story.asked("a-1"), output="{}")
    two = story.add("TaskSubmitted", story.asked("b-1", after=1), output="{}")
    story.ended("TaskSucceeded", two).ended("TaskFailed", one, error="E", cause="c")
    found = [(one.job, one.result) for one in timeline(story.events) if isinstance(one, Attempt)]
    assert found == [("a-1", "failed"), ("b-1", "succeeded")]


@pytest.mark.parametrize("body", ["not JSON", {"Approve": 1}, ["SlotRequest"], 7])
def test_another_machines_wait_for_a_token_is_an_attempt(body: Any) -> None:
    (attempt,) = timeline(Story().slot(body).events)
    assert isinstance(attempt, Attempt)
    assert attempt.task == "sqs:sendMessage.waitForTaskToken"


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("ExecutionSucceeded", "SUCCEEDED"),
        ("ExecutionAborted", "ABORTED"),
        ("ExecutionTimedOut", "TIMED_OUT"),
        ("ExecutionRedriven", ""),
    ],
)
def test_the_last_event_says_how_an_execution_ended(end: str, status: str) -> None:
    assert ended_as(Story().job().ended(end).events) == status
    assert ended_as([]) == ""


@pytest.mark.parametrize(
    ("error", "cause", "reason"),
    [
        ("States.TaskFailed", FAILED_CAUSE, "no text column"),
        (QUOTA, QUOTA_CAUSE, f"{QUOTA}: {QUOTA_REASON}"),
        ("States.Timeout", None, "States.Timeout"),
        (None, None, ""),
        (None, "a\n\x1b[2Jb", r"a\n\x1b[2Jb"),
    ],
)
def test_the_reason_is_one_plain_line(error: str | None, cause: str | None, reason: str) -> None:
    assert plain(error, cause) == reason


def test_the_history_is_read_in_pages_with_the_data_of_its_events() -> None:
    class Pages:
        def get_paginator(self, name: str) -> Pages:
            assert name == "get_execution_history"
            return self

        def paginate(self, **asked: Any) -> list[dict[str, Any]]:
            assert asked["includeExecutionData"] is True
            return [{"events": [{"id": 1}]}, {"events": [{"id": 2}]}]

    assert [event["id"] for event in History(Pages()).events("arn")] == [1, 2]
