"""Step Functions as far as landrun talks to it, in moto's place: AWS's rules, in memory.

- StartExecution: same name and input while running finds the execution; closed, or with another
  input, is ``ExecutionAlreadyExists`` (API reference, StartExecution);
- ``limit`` open executions, then ``ExecutionLimitExceeded``;
- ListExecutions newest first, in pages of ``largest_page`` at most.

Nothing runs: `Machine.finish` says how an execution ends, `Machine.redrive` that it goes on.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import partialmethod
from operator import attrgetter

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.responses import StepFunctionResponse

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
_SLOT = "sendMessage.waitForTaskToken"
_JOB = "createProcessingJob.sync"


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
    task_tokens: list[str] = field(default_factory=list)
    resumed: bool = True
    resumed_at_redrive: int = 0
    stopping: bool = False

    @property
    def processing(self):
        return self.stopping or (self.status == "RUNNING" and self.resumed)

    @property
    def counts_for_limit(self):
        """Whether it has its job by a slot that it requested, not because it was redriven."""
        return self.processing and self.resumed_at_redrive == self.redrive_count

    @property
    def rank(self):
        """How far it is: redrives, and whether it has ended."""
        return self.redrive_count, int(self.status != "RUNNING")

    @property
    def place(self):
        """Where it is in ListExecutions: by start or redrive while it runs, by its end then."""
        running = self.redriven if self.status == "RUNNING" else self.stopped
        return f"{(running or self.started).isoformat(timespec='microseconds')} {self.name}"

    @property
    def summary(self):
        """What ListExecutions says of it."""
        return {
            "executionArn": self.arn,
            "stateMachineArn": self.machine_arn,
            "name": self.name,
            "status": self.status,
            "redriveCount": self.redrive_count,
            "startDate": self.started,
            "stopDate": self.stopped,
            "redriveDate": self.redriven,
        }

    @property
    def details(self):
        """What DescribeExecution and a status event say of it."""
        said = {name: getattr(self, name) for name in ("input", "output", "error", "cause")}
        return self.summary | said


class Machine:
    """The executions of one state machine, and AWS's answers about them.

    ``changed`` hears of each execution that starts, ends or is redriven, ``slot_requested`` of each
    request for a concurrency slot, ``on_resumed`` of each execution that goes on to its job.
    """

    def __init__(self, arn, clock, changed, slot_requested, on_resumed):
        self.arn = arn
        self.executions, self.forgotten = {}, set()
        self.limit = None
        self.limited = False
        self.largest_page = 1000
        self._clock, self._changed = clock, changed
        self._slot_requested, self._on_resumed = slot_requested, on_resumed

    def start(self, name, given):
        stands = self.executions.get(name)
        if stands:
            if stands.status == "RUNNING" and stands.input == given:
                return stands
            raise AWSError(f"It exists already: '{stands.arn}'", "ExecutionAlreadyExists")
        running = sum(one.status == "RUNNING" for one in self.executions.values())
        if self.limit is not None and running >= self.limit:
            raise AWSError("Too many executions run", "ExecutionLimitExceeded")
        arn = f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"
        execution = Execution(name, arn, self.arn, given, self._clock())
        self.executions[name] = execution
        self._changed(execution)
        if self.limited:
            execution.resumed = False
            self.request_slot(name)
        return execution

    def request_slot(self, name):
        """Let an execution request its slot (again, as a retried state does).

        The token of the time before is dead.
        """
        execution = self.executions[name]
        assert execution.status == "RUNNING"
        assert not execution.resumed
        execution.token = f"{name}/{len(execution.task_tokens) + 1}"
        execution.task_tokens.append(execution.token)
        message = json.loads(events("slot-requested")["Records"][0]["body"])
        message["SlotRequest"] |= {
            "TaskToken": execution.token,
            "ExecutionArn": execution.arn,
            "Name": name,
            "StartedAt": execution.started.isoformat(timespec="milliseconds"),
        }
        self._slot_requested(message)

    def finish(self, name, status="SUCCEEDED", job=None):
        """End an execution as in events/, with this run's name.

        ``job`` is the name of the Processing job that its history then has.
        """
        execution = self.executions[name]
        assert execution.status == "RUNNING", f"{name} has ended already"
        assert execution.resumed or status != "SUCCEEDED", f"{name} waits for its slot"
        sample = json.loads(events(_STATUS_EVENTS[status])["Records"][0]["body"])["detail"]
        for attribute in ("output", "error", "cause"):
            said = sample[attribute]
            setattr(execution, attribute, said and said.replace(_SAMPLE_RUN, name))
        execution.status, execution.stopped, execution.job = status, self._clock(), job
        execution.token = None
        execution.ends.append((execution.redrive_count, status))
        self._changed(execution)
        return execution

    def redrive(self, name):
        execution = self.executions[name]
        assert execution.status in ("FAILED", "TIMED_OUT", "ABORTED"), execution.status
        execution.status, execution.redriven = "RUNNING", self._clock()
        execution.redrive_count += 1
        execution.stopped = execution.output = execution.error = execution.cause = None
        self._changed(execution)
        if not execution.resumed:
            self.request_slot(name)
        return execution

    def forget(self, name):
        """Forget a closed execution, as after 90 days; its name is free again."""
        assert self.executions.pop(name).status != "RUNNING"
        self.forgotten.add(name)

    def event(self, execution):
        event = json.loads(events(_STATUS_EVENTS[execution.status])["Records"][0]["body"])
        event["time"] = f"{self._clock():%Y-%m-%dT%H:%M:%SZ}"
        event["resources"] = [execution.arn]
        event["detail"] |= {
            name: int(value.timestamp() * 1000) if isinstance(value, datetime) else value
            for name, value in execution.details.items()
        }
        return event

    # ---- what boto3 gets ---------------------------------------------------------------------

    def answer(self, patches):
        for answer in (
            self.start_execution,
            self.describe_execution,
            self.list_executions,
            self.get_execution_history,
            self.send_task_success,
        ):
            result = partialmethod(_result, answer)
            patches.set(StepFunctionResponse, answer.__name__, result)

    def start_execution(self, asked):
        self._check(asked._get_param("stateMachineArn"))
        execution = self.start(asked._get_param("name"), asked._get_param("input"))
        return {"executionArn": execution.arn, "startDate": execution.started}

    def describe_execution(self, asked):
        return _without_nones(self._found(asked._get_param("executionArn")).details)

    def send_task_success(self, asked):
        token = asked._get_param("taskToken")
        execution = self.executions.get(token.partition("/")[0])
        if execution is None or execution.token != token:
            raise AWSError(f"Task Timed Out: '{token}'", "TaskTimedOut")
        execution.token, execution.resumed = None, True
        execution.resumed_at_redrive = execution.redrive_count
        self._on_resumed(execution)
        return {}

    def list_executions(self, asked):
        self._check(asked._get_param("stateMachineArn"))
        wanted, after = asked._get_param("statusFilter"), asked._get_param("nextToken")
        if after and after.partition(" ")[2] not in self.executions:
            raise AWSError("Invalid token", "InvalidToken")
        every = (one for one in self.executions.values() if wanted in (None, one.status))
        fitting = (one for one in every if not after or one.place < after)
        listed = sorted(fitting, key=attrgetter("place"), reverse=True)
        page = listed[: min(asked._get_int_param("maxResults") or _PAGE, self.largest_page)]
        token = page[-1].place if len(page) < len(listed) else None
        summaries = [_without_nones(one.summary) for one in page]
        return _without_nones({"executions": summaries, "nextToken": token})

    def get_execution_history(self, asked):
        history = _happened(self._found(asked._get_param("executionArn")))
        if asked._get_param("reverseOrder"):
            history.reverse()
        return {"events": history[: asked._get_int_param("maxResults") or _PAGE]}

    def _check(self, arn):
        if arn != self.arn:
            raise AWSError(f"There is no '{arn}'", "StateMachineDoesNotExist")

    def _found(self, arn):
        execution = self.executions.get(arn.rpartition(":")[2])
        if execution is None or execution.arn != arn:
            raise AWSError(f"There is no '{arn}'", "ExecutionDoesNotExist")
        return execution


def _result(response, answer):
    return ActionResult(answer(response))


def _without_nones(said):
    return {name: value for name, value in said.items() if value is not None}


def _happened(execution):
    """Give the history: the start, requests for slots, and the job if its name is known."""
    happened = [_event("ExecutionStarted", input=execution.input)]
    for token in execution.task_tokens:
        message = {"MessageBody": {"SlotRequest": {"TaskToken": token}}}
        happened.append(_event("TaskScheduled", _SLOT, parameters=json.dumps(message)))
    if execution.task_tokens and execution.resumed:
        happened.append(_event("TaskSucceeded", _SLOT, output="{}"))
    if execution.job:
        job = json.dumps({"ProcessingJobName": execution.job})
        happened.append(_event("TaskScheduled", _JOB, parameters=job))
        happened.append(_event("TaskSubmitted", _JOB, output="{}"))
    for number, event in enumerate(happened, start=1):
        event |= {"timestamp": execution.started, "id": number, "previousEventId": number - 1}
    return happened


def _event(kind, resource=None, **details):
    if resource:
        service = {_SLOT: "sqs", _JOB: "sagemaker"}[resource]
        details |= {"resource": resource, "resourceType": service}
    return {"type": kind, f"{kind[0].lower()}{kind[1:]}EventDetails": details}
