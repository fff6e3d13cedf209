"""Step Functions as far as landrun talks to it, behind boto3 and moto's transport.

moto's own backend that runs nothing has no clock, no errors and causes, no redrives, lists oldest
first and keeps executions in a list; this one has AWS's rules, in memory:

- StartExecution: same name and input while running finds the execution; closed, or with another
  input, is ``ExecutionAlreadyExists`` (API reference, StartExecution);
- ``limit`` open executions, then ``ExecutionLimitExceeded``; a `TokenBucket`, then
  ``ThrottlingException``;
- ListExecutions newest first, in pages of ``largest_page`` at most; GetExecutionHistory in either
  order.

Nothing runs: `Machine.finish` says how an execution ends, `Machine.redrive` that it goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import (
    AWSError,
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    InvalidToken,
    StateMachineDoesNotExist,
    ValidationException,
)
from moto.stepfunctions.responses import StepFunctionResponse

from landrun_ops.local.patches import Patches

from .stack import events

_SAMPLE_RUN = "landrun-50f0421ea8585c9eb9688415b36b93f2"
_PAGE = 100  # "The default is 100 and the maximum allowed page size is 1000."
_STATUS_EVENTS = {
    "RUNNING": "execution-running",
    "SUCCEEDED": "execution-succeeded",
    "FAILED": "execution-failed",
    "TIMED_OUT": "execution-timed-out",
    "ABORTED": "execution-aborted",
}


class ExecutionLimitExceeded(AWSError):
    TYPE = "ExecutionLimitExceeded"


class ThrottlingException(AWSError):
    TYPE = "ThrottlingException"


class TaskTimedOut(AWSError):
    TYPE = "TaskTimedOut"


class TokenBucket:
    """So many calls at once, so many a second after that."""

    def __init__(self, clock: Callable[[], datetime], size: float, per_second: float) -> None:
        self._clock, self._size, self._per_second = clock, size, per_second
        self._tokens, self._at = size, clock()
        self.refused = 0

    def take(self) -> bool:
        now = self._clock()
        gained = (now - self._at).total_seconds() * self._per_second
        self._tokens, self._at = min(self._size, self._tokens + gained), now
        if self._tokens < 1:
            self.refused += 1
            return False
        self._tokens -= 1
        return True


@dataclass(eq=False)
class Execution:
    """One execution; dates are aware."""

    name: str
    arn: str
    machine_arn: str
    input: str
    started: datetime
    status: str = "RUNNING"
    stopped: datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    redrive_count: int = 0
    redriven: datetime | None = None
    job: str | None = None
    ends: list[tuple[int, str]] = field(default_factory=list)
    token: str | None = None
    asked: list[str] = field(default_factory=list)
    had_its_turn: bool = True
    turn_at: int = 0
    stopping: bool = False

    @property
    def at_work(self) -> bool:
        """Whether its Processing job may be running."""
        return self.stopping or (self.status == "RUNNING" and self.had_its_turn)

    @property
    def admitted(self) -> bool:
        """Whether it is at work because it was its turn, not because it was redriven."""
        return self.at_work and self.turn_at == self.redrive_count

    @property
    def rank(self) -> tuple[int, int]:
        """How far it is: redrives, and whether it has ended."""
        return self.redrive_count, int(self.status != "RUNNING")

    @property
    def place(self) -> str:
        """Where it is in ListExecutions: by start or redrive while it runs, by its end then."""
        running = self.redriven if self.status == "RUNNING" else self.stopped
        return f"{(running or self.started).isoformat(timespec='microseconds')} {self.name}"


class Machine:
    """The executions of one state machine, and AWS's answers about them.

    Parameters
    ----------
    arn : str
        The machine's.
    clock : callable
        Tells the time.
    changed : callable
        Told of each execution that starts, ends or is redriven.
    """

    def __init__(
        self, arn: str, clock: Callable[[], datetime], changed: Callable[[Execution], None]
    ) -> None:
        self.arn = arn
        self.executions: dict[str, Execution] = {}
        self.open = 0
        self.limit: int | None = None
        self.bucket: TokenBucket | None = None
        self.waits = False
        self.asks: Callable[[dict[str, Any]], None] = lambda _: None
        self.went_on: Callable[[Execution], None] = lambda _: None
        self.largest_page = 1000
        self._clock, self._changed = clock, changed

    def start(self, name: str, given: str) -> Execution:
        if self.bucket and not self.bucket.take():
            raise ThrottlingException("Rate exceeded")
        stands = self.executions.get(name)
        if stands:
            if stands.status == "RUNNING" and stands.input == given:
                return stands
            raise ExecutionAlreadyExists(f"Execution Already Exists: '{stands.arn}'")
        if self.limit is not None and self.open >= self.limit:
            raise ExecutionLimitExceeded("The maximum number of running executions is reached")
        arn = f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"
        execution = Execution(name, arn, self.arn, given, self._clock())
        self.executions[name] = execution
        self.open += 1
        self._changed(execution)
        if self.waits:
            execution.had_its_turn = False
            self.ask(name)
        return execution

    def ask(self, name: str) -> dict[str, Any]:
        """Let an execution ask for its turn (anew, as a state that is retried): give the message.

        The token of the time before is dead.
        """
        execution = self.executions[name]
        assert execution.status == "RUNNING"
        assert not execution.had_its_turn
        execution.token = f"{name}/{len(execution.asked) + 1}"
        execution.asked.append(execution.token)
        body = events("slot-requested")["Records"][0]["body"]
        message: dict[str, Any] = json.loads(body)
        message["SlotRequest"] |= {
            "TaskToken": execution.token,
            "ExecutionArn": execution.arn,
            "Name": name,
            "StartedAt": execution.started.isoformat(timespec="milliseconds"),
        }
        self.asks(message)
        return message

    def finish(
        self,
        name: str,
        status: str = "SUCCEEDED",
        *,
        error: str | None = None,
        cause: str | None = None,
        output: str | None = None,
        job: str | None = None,
    ) -> Execution:
        """End an execution; what is not given is as in events/, with this run's name.

        ``job`` is the name of the Processing job that its history then has.
        """
        execution = self.executions[name]
        assert execution.status == "RUNNING", f"{name} has ended already"
        sample = json.loads(events(_STATUS_EVENTS[status])["Records"][0]["body"])["detail"]
        said = {"output": output, "error": error, "cause": cause}
        for field_name, value in said.items():
            text = sample[field_name] if value is None else value
            setattr(execution, field_name, text and text.replace(_SAMPLE_RUN, name))
        assert execution.had_its_turn or status != "SUCCEEDED", f"{name} waits for its turn"
        execution.status, execution.stopped, execution.job = status, self._clock(), job
        execution.token = None
        execution.ends.append((execution.redrive_count, status))
        self.open -= 1
        self._changed(execution)
        return execution

    def redrive(self, name: str) -> Execution:
        """Let an execution that failed go on under its name."""
        execution = self.executions[name]
        assert execution.status in ("FAILED", "TIMED_OUT", "ABORTED"), execution.status
        execution.status, execution.redriven = "RUNNING", self._clock()
        execution.redrive_count += 1
        execution.stopped = execution.output = execution.error = execution.cause = None
        self.open += 1
        self._changed(execution)
        if not execution.had_its_turn:
            self.ask(name)
        return execution

    def forget(self, name: str) -> None:
        """Forget a closed execution, as after 90 days; its name is free again."""
        assert self.executions.pop(name).status != "RUNNING"

    def event(self, execution: Execution) -> dict[str, Any]:
        """Give the *Execution Status Change* event of an execution as it is now."""
        body = events(_STATUS_EVENTS[execution.status])["Records"][0]["body"]
        event: dict[str, Any] = json.loads(body)
        event["time"] = f"{self._clock():%Y-%m-%dT%H:%M:%SZ}"
        event["resources"] = [execution.arn]
        event["detail"] |= {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine_arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": _millis(execution.started),
            "stopDate": execution.stopped and _millis(execution.stopped),
            "input": execution.input,
            "output": execution.output,
            "error": execution.error,
            "cause": execution.cause,
            "redriveCount": execution.redrive_count,
            "redriveDate": execution.redriven and _millis(execution.redriven),
        }
        return event

    # ---- what boto3 gets ---------------------------------------------------------------------

    def answer(self, patches: Patches) -> None:
        """Answer Step Functions' calls in moto's place."""
        answers = {
            "start_execution": self._start,
            "describe_execution": self._describe,
            "list_executions": self._list,
            "get_execution_history": self._history,
            "send_task_success": self._task_succeeded,
        }
        for operation, answer in answers.items():
            patches.set(StepFunctionResponse, operation, _method(answer))

    def _start(self, asked: Any) -> ActionResult:
        self._check(asked._get_param("stateMachineArn"))
        execution = self.start(asked._get_param("name"), asked._get_param("input"))
        return ActionResult({"executionArn": execution.arn, "startDate": execution.started})

    def _describe(self, asked: Any) -> ActionResult:
        execution = self._found(asked._get_param("executionArn"))
        said = {"input": execution.input, "output": execution.output, "error": execution.error}
        said |= {"cause": execution.cause, "inputDetails": {"included": True}}
        told = {key: value for key, value in said.items() if value is not None}
        return ActionResult(_summary(execution) | told)

    def _task_succeeded(self, asked: Any) -> ActionResult:
        token = asked._get_param("taskToken")
        execution = self.executions.get(token.partition("/")[0])
        if execution is None or execution.token != token:
            raise TaskTimedOut(f"Task Timed Out: '{token}'")
        execution.token, execution.had_its_turn = None, True
        execution.turn_at = execution.redrive_count
        self.went_on(execution)
        return ActionResult({})

    def _list(self, asked: Any) -> ActionResult:
        self._check(asked._get_param("stateMachineArn"))
        if asked._get_param("redriveFilter"):  # is for the executions of a Map Run
            raise ValidationException("redriveFilter is not supported for state machines")
        wanted, after = asked._get_param("statusFilter"), asked._get_param("nextToken")
        if after and after.partition(" ")[2] not in self.executions:
            raise InvalidToken
        every = (one for one in self.executions.values() if wanted in (None, one.status))
        listed = sorted((one for one in every if not after or one.place < after), key=_place)
        size = min(asked._get_int_param("maxResults") or _PAGE, self.largest_page)
        page = listed[: -size - 1 : -1]
        token = {"nextToken": page[-1].place} if len(page) < len(listed) else {}
        return ActionResult({"executions": [_summary(one) for one in page], **token})

    def _history(self, asked: Any) -> ActionResult:
        execution = self._found(asked._get_param("executionArn"))
        history = _happened(execution)
        if asked._get_param("reverseOrder"):
            history.reverse()
        return ActionResult({"events": history[: asked._get_int_param("maxResults") or _PAGE]})

    def _check(self, arn: str) -> None:
        if arn != self.arn:
            raise StateMachineDoesNotExist(f"State Machine Does Not Exist: '{arn}'")

    def _found(self, arn: str) -> Execution:
        execution = self.executions.get(arn.rpartition(":")[2])
        if execution is None or execution.arn != arn:
            raise ExecutionDoesNotExist(f"Execution Does Not Exist: '{arn}'")
        return execution


def _method(answer: Callable[[Any], ActionResult]) -> Callable[[Any], ActionResult]:
    """Make a method of moto's response class of a bound one of ours."""

    def method(response: Any) -> ActionResult:
        return answer(response)

    return method


def _place(execution: Execution) -> str:
    return execution.place


def _summary(execution: Execution) -> dict[str, Any]:
    told = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.started,
        "stopDate": execution.stopped,
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redriven,
    }
    return {key: value for key, value in told.items() if value is not None}


def _happened(execution: Execution) -> list[dict[str, Any]]:
    """Give the history: the start and, when its name is known, the job that was submitted."""
    happened: list[dict[str, Any]] = [
        {
            "timestamp": execution.started,
            "type": "ExecutionStarted",
            "executionStartedEventDetails": {"input": execution.input},
        }
    ]
    for token in execution.asked:
        given = json.dumps({"MessageBody": {"SlotRequest": {"TaskToken": token}}})
        scheduled = _task(
            "sqs", "sendMessage.waitForTaskToken", region="us-east-1", parameters=given
        )
        happened.append(_event(execution, "TaskScheduled", scheduled))
    if execution.asked and execution.had_its_turn:
        succeeded = _task("sqs", "sendMessage.waitForTaskToken", output="{}")
        happened.append(_event(execution, "TaskSucceeded", succeeded))
    if execution.job:
        given = json.dumps({"ProcessingJobName": execution.job})
        job = _task("sagemaker", "createProcessingJob.sync", region="us-east-1", parameters=given)
        happened.append(_event(execution, "TaskScheduled", job))
        submitted = _task("sagemaker", "createProcessingJob.sync", output="{}")
        happened.append(_event(execution, "TaskSubmitted", submitted))
    for number, event in enumerate(happened, start=1):
        event |= {"id": number, "previousEventId": number - 1}
    return happened


def _task(service: str, resource: str, **more: str) -> dict[str, str]:
    return {"resourceType": service, "resource": resource, **more}


def _event(execution: Execution, kind: str, details: dict[str, str]) -> dict[str, Any]:
    named = f"{kind[0].lower()}{kind[1:]}EventDetails"
    return {"timestamp": execution.started, "type": kind, named: details}


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
