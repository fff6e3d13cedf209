"""An execution's history is read as attempts, waits and redrives.

Shapes: AWS Step Functions API reference, "HistoryEvent"; the laptop's engine writes the same.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landrun_ops.stack.execution_history import History, ended_as, plain, timeline
from landrun_ops.stack.history_events import Attempt, Redrive, Turn, Wait

BEGAN = datetime(2026, 11, 22, 3, tzinfo=UTC)
RUN = "landrun-50f0421ea8585c9eb9688415b36b93f2"
QUOTA = "SageMaker.ResourceLimitExceededException"
QUOTA_CAUSE = (
    "The account-level service limit 'ml.m5.large for processing job usage' is 0 Instances"
    " (Service: AmazonSageMaker; Status Code: 400; Error Code: ResourceLimitExceeded; Proxy: null)"
)
FAILED_CAUSE = json.dumps({"ProcessingJobName": f"{RUN}-1", "ExitMessage": "no text column"})


class Story:
    """Writes a history: each event names the one before it, a minute later."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._tell("ExecutionStarted")

    def _tell(self, kind: str, after: int | None = None, **details: Any) -> int:
        number = len(self.events) + 1
        event = {
            "id": number,
            "previousEventId": number - 1 if after is None else after,
            "type": kind,
            "timestamp": BEGAN + timedelta(minutes=number - 1),
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
        scheduled = self._tell("TaskScheduled", after, **task, parameters=json.dumps(asked))
        return self._tell("TaskStarted", scheduled, **task)

    def job(self, job: str = f"{RUN}-1", instances: int = 1) -> int:
        return self._tell("TaskSubmitted", self.asked(job, instances), output="{}")

    def turn(self, body: Any = None) -> int:
        """Ask for a turn; the message is an object in the history, or its text."""
        asked = {
            "QueueUrl": "q",
            "MessageBody": {"SlotRequest": {"TaskToken": "t"}} if body is None else body,
        }
        task = {"resourceType": "sqs", "resource": "sendMessage.waitForTaskToken"}
        scheduled = self._tell("TaskScheduled", **task, parameters=json.dumps(asked))
        return self._tell("TaskSubmitted", self._tell("TaskStarted", scheduled, **task), **task)

    def ended(self, how: str, after: int | None = None, **details: Any) -> Story:
        self._tell(how, after, **details)
        return self

    def refused(
        self, error: str = QUOTA, cause: str = QUOTA_CAUSE, how: str = "TaskFailed"
    ) -> Story:
        self.asked()
        return self.ended(how, error=error, cause=cause)


def test_a_failed_job_and_its_retry_are_two_attempts_with_their_reasons() -> None:
    story = Story()
    story.job(f"{RUN}-1", 2)
    story.ended("TaskFailed", error="States.TaskFailed", cause=FAILED_CAUSE)
    story.job(f"{RUN}-2")
    story.ended("TaskSucceeded", output="{}").ended("ExecutionSucceeded")
    first, second = timeline(story.events)
    assert isinstance(first, Attempt)
    assert isinstance(second, Attempt)
    assert (first.number, first.job, first.instances) == (1, f"{RUN}-1", 2)
    assert (first.result, first.reason) == ("failed", "no text column")
    assert first.ended is not None
    assert first.ended - first.began == timedelta(minutes=3)
    assert (second.number, second.job, second.result) == (2, f"{RUN}-2", "succeeded")


@pytest.mark.parametrize("how", ["TaskFailed", "TaskSubmitFailed", "TaskStartFailed"])
def test_refusals_in_a_row_for_a_quota_are_one_wait_that_ends_with_the_job(how: str) -> None:
    story = Story().refused(how=how).refused(how=how)
    story.job()
    wait, attempt = timeline(story.events)
    assert isinstance(wait, Wait)
    assert (wait.quota, wait.times) == (True, 2)
    assert wait.reason.endswith("is 0 Instances")
    assert wait.ended == attempt.began
    assert isinstance(attempt, Attempt)
    assert attempt.result == "running"


def test_a_wait_that_lasts_has_no_end_and_one_that_the_execution_ended_has_its() -> None:
    lasting = Story().refused()
    (wait,) = timeline(lasting.events)
    assert isinstance(wait, Wait)
    assert wait.ended is None
    lasting.ended("ExecutionFailed", error=QUOTA)
    (wait,) = timeline(lasting.events)
    assert isinstance(wait, Wait)
    assert wait.ended == lasting.events[-1]["timestamp"]


def test_another_refusal_than_for_a_quota_is_another_wait() -> None:
    story = Story().refused().refused("SageMaker.AmazonSageMakerException", "Rate exceeded")
    quota, other = timeline(story.events)
    assert isinstance(quota, Wait)
    assert isinstance(other, Wait)
    assert (other.quota, other.reason) == (False, "Rate exceeded")
    assert quota.ended == other.began


def test_a_failed_task_of_another_service_is_an_attempt() -> None:
    story = Story()
    task = {"resourceType": "lambda", "resource": "invoke"}
    story._tell("TaskScheduled", **task, parameters="{}")
    story.ended("TaskFailed", error="Lambda.Unknown", cause="it broke")
    (attempt,) = timeline(story.events)
    assert isinstance(attempt, Attempt)
    assert (attempt.job, attempt.task) == ("", "lambda:invoke")
    assert attempt.reason == "Lambda.Unknown: it broke"


@pytest.mark.parametrize(
    ("end", "details", "status", "reason"),
    [
        (
            "ExecutionAborted",
            {"cause": "wrong file"},
            "ABORTED",
            "somebody stopped the execution: wrong file",
        ),
        ("ExecutionTimedOut", {}, "TIMED_OUT", "time limit"),
    ],
)
def test_what_runs_when_the_execution_ends_was_stopped(
    end: str, details: dict[str, str], status: str, reason: str
) -> None:
    story = Story()
    story.job()
    story.ended(end, **details)
    (attempt,) = timeline(story.events)
    assert isinstance(attempt, Attempt)
    assert attempt.result == "stopped"
    assert reason in attempt.reason
    assert ended_as(story.events) == status


def test_a_redrive_is_a_moment_and_what_comes_after_it_counts_on() -> None:
    story = Story()
    story.job()
    story.ended("TaskFailed", error="States.TaskFailed", cause=FAILED_CAUSE)
    story.ended("ExecutionFailed", error="States.TaskFailed")
    story.ended("ExecutionRedriven", redriveCount=1)
    story.job(f"{RUN}-2")
    first, redrive, second = timeline(story.events)
    assert isinstance(redrive, Redrive)
    assert redrive.number == 1
    assert [getattr(one, "number", 0) for one in (first, second)] == [1, 2]
    assert ended_as(story.events) == ""


def test_tasks_that_run_side_by_side_are_told_apart() -> None:
    story = Story()
    one = story._tell("TaskSubmitted", story.asked("a-1"), output="{}")
    two = story._tell("TaskSubmitted", story.asked("b-1", after=1), output="{}")
    story.ended("TaskSucceeded", two).ended("TaskFailed", one, error="E", cause="c")
    first, second = timeline(story.events)
    assert isinstance(first, Attempt)
    assert isinstance(second, Attempt)
    assert (first.job, first.result, second.job, second.result) == (
        "a-1",
        "failed",
        "b-1",
        "succeeded",
    )


def test_an_execution_without_a_task_has_no_moments() -> None:
    assert timeline(Story().ended("ExecutionFailed", error="States.Runtime").events) == ()
    assert timeline([]) == ()
    assert ended_as([]) == ""


def test_the_reason_is_one_plain_line() -> None:
    assert plain("States.TaskFailed", FAILED_CAUSE) == "no text column"
    assert plain(QUOTA, QUOTA_CAUSE).startswith(f"{QUOTA}: The account-level")
    assert "Service:" not in plain(QUOTA, QUOTA_CAUSE)
    assert plain("States.Timeout", None) == "States.Timeout"
    assert plain(None, None) == ""
    assert plain(None, "a\n\x1b[2Jb").isprintable()


def test_the_history_is_read_in_pages_with_what_was_asked_for() -> None:
    class Pages:
        def get_paginator(self, name: str) -> Pages:
            assert name == "get_execution_history"
            return self

        def paginate(self, **asked: Any) -> list[dict[str, Any]]:
            assert asked["includeExecutionData"] is True
            return [{"events": [{"id": 1}]}, {"events": [{"id": 2}]}]

    assert [event["id"] for event in History(Pages()).events("arn")] == [1, 2]


def test_a_job_that_was_taken_and_then_lost_sight_of_is_an_attempt_not_a_refusal() -> None:
    story = Story()
    story.job()
    story.ended("TaskFailed", error="SageMaker.AmazonSageMakerException", cause="Rate exceeded")
    (attempt,) = timeline(story.events)
    assert isinstance(attempt, Attempt)
    assert attempt.result == "failed"


def test_waiting_for_a_turn_is_a_moment_of_its_own_and_no_attempt() -> None:
    story = Story()
    story.turn()
    (turn,) = timeline(story.events)
    assert isinstance(turn, Turn)
    assert (turn.times, turn.ended, turn.given) == (1, None, False)
    story.ended("TaskSucceeded", output="{}")
    story.job()
    turn, attempt = timeline(story.events)
    assert isinstance(turn, Turn)
    assert isinstance(attempt, Attempt)
    assert (turn.given, attempt.number) == (True, 1)
    assert turn.ended is not None
    assert turn.ended - turn.began == timedelta(minutes=3)


def test_a_turn_that_was_asked_for_again_is_one_wait_from_the_first_asking() -> None:
    """The state asks anew after hours: a message may be lost."""
    story = Story()
    story.turn()
    story.ended("TaskTimedOut", error="States.Timeout")
    (turn,) = timeline(story.events)
    assert isinstance(turn, Turn)
    assert (turn.times, turn.ended, turn.reason) == (1, None, "")
    story.turn()
    story.ended("TaskSucceeded", output="{}")
    (turn,) = timeline(story.events)
    assert isinstance(turn, Turn)
    assert (turn.times, turn.given) == (2, True)
    assert turn.began == story.events[1]["timestamp"]


def test_a_turn_that_cannot_be_asked_for_says_why() -> None:
    story = Story()
    story.turn()
    story.ended("TaskFailed", error="SQS.AmazonSQSException", cause="Access denied (Service: x)")
    (turn,) = timeline(story.events)
    assert isinstance(turn, Turn)
    assert (turn.ended, turn.reason) == (None, "SQS.AmazonSQSException: Access denied")


def test_a_run_that_is_stopped_in_line_did_not_get_its_turn() -> None:
    story = Story()
    story.turn()
    story.ended("ExecutionAborted", cause="wrong file")
    (turn,) = timeline(story.events)
    assert isinstance(turn, Turn)
    assert (turn.given, turn.ended) == (False, story.events[-1]["timestamp"])


@pytest.mark.parametrize("body", ["not JSON", {"Approve": 1}, ["SlotRequest"], 7])
def test_another_machines_wait_for_a_token_is_no_turn(body: Any) -> None:
    story = Story()
    story.turn(body)
    (attempt,) = timeline(story.events)
    assert isinstance(attempt, Attempt)
    assert attempt.task == "sqs:sendMessage.waitForTaskToken"


def test_a_message_that_the_history_has_as_text_is_read() -> None:
    story = Story()
    story.turn('{"SlotRequest": {}}')
    assert isinstance(timeline(story.events)[0], Turn)
