"""Step Functions as far as landrun talks to it: AWS's rules, in memory.

- StartExecution: same name and input while running finds the execution; closed, or with another
  input, is ``ExecutionAlreadyExists`` (API reference, StartExecution);
- ``limit`` open executions, then ``ExecutionLimitExceeded``;
- ListExecutions newest first, in pages of ``largest_page`` at most.

Nothing runs: `Machine.finish` says how an execution ends, `Machine.redrive` that it goes on.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

from botocore.exceptions import ClientError

from .stack import message

_SAMPLE_RUN = "landrun-50f0421ea8585c9eb9688415b36b93f2"
_SLOT = "sendMessage.waitForTaskToken"
_JOB = "createProcessingJob.sync"


@dataclass(eq=False)
class Execution:
    """One execution; dates are aware. ``states`` are its statuses so far, with redrive counts."""

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
    states: list[tuple[int, str]] = field(default_factory=list)
    token: str | None = None
    slot_requests: int = 0
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

    def _start(self, name, given):
        running = sum(one.status == "RUNNING" for one in self.executions.values())
        if self.limit is not None and running >= self.limit:
            raise _refused("ExecutionLimitExceeded")
        arn = f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"
        execution = Execution(name, arn, self.arn, given, self._clock())
        self.executions[name] = execution
        self._tell(execution)
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
        execution.slot_requests += 1
        execution.token = f"{name}/{execution.slot_requests}"
        requested = message("slot-requested")
        requested["SlotRequest"] |= {
            "TaskToken": execution.token,
            "ExecutionArn": execution.arn,
            "Name": name,
            "StartedAt": execution.started.isoformat(timespec="milliseconds"),
        }
        self._slot_requested(requested)

    def finish(self, name, status="SUCCEEDED", job=None):
        """End an execution as in events/, with this run's name.

        ``job`` is the name of the Processing job that its history then has.
        """
        execution = self.executions[name]
        assert execution.status == "RUNNING", f"{name} has ended already"
        assert execution.resumed or status != "SUCCEEDED", f"{name} waits for its slot"
        sample = status_event(status)["detail"]
        for attribute in ("output", "error", "cause"):
            said = sample[attribute]
            setattr(execution, attribute, said and said.replace(_SAMPLE_RUN, name))
        execution.status, execution.stopped, execution.job = status, self._clock(), job
        execution.token = None
        self._tell(execution)
        return execution

    def redrive(self, name):
        execution = self.executions[name]
        assert execution.status in ("FAILED", "TIMED_OUT", "ABORTED"), execution.status
        execution.status, execution.redriven = "RUNNING", self._clock()
        execution.redrive_count += 1
        execution.stopped = execution.output = execution.error = execution.cause = None
        self._tell(execution)
        if not execution.resumed:
            self.request_slot(name)
        return execution

    def _tell(self, execution):
        execution.states.append((execution.redrive_count, execution.status))
        self._changed(execution)

    def forget(self, name):
        """Forget a closed execution, as after 90 days; its name is free again."""
        assert self.executions.pop(name).status != "RUNNING"
        self.forgotten.add(name)

    def event(self, execution):
        event = status_event(execution.status)
        event["time"] = f"{self._clock():%Y-%m-%dT%H:%M:%SZ}"
        event["resources"] = [execution.arn]
        event["detail"] |= {
            name: int(value.timestamp() * 1000) if isinstance(value, datetime) else value
            for name, value in execution.details.items()
        }
        return event

    # ---- what boto3 gets ---------------------------------------------------------------------

    def start_execution(self, asked):
        assert asked["stateMachineArn"] == self.arn
        name, given = asked["name"], asked["input"]
        execution = self.executions.get(name)
        if execution is None:
            execution = self._start(name, given)
        elif execution.status != "RUNNING" or execution.input != given:
            raise _refused("ExecutionAlreadyExists")
        return {"executionArn": execution.arn, "startDate": execution.started}

    def describe_execution(self, asked):
        return _without_nones(self._found(asked["executionArn"]).details)

    def send_task_success(self, asked):
        token = asked["taskToken"]
        execution = self.executions.get(token.partition("/")[0])
        if execution is None or execution.token != token:
            raise _refused("TaskTimedOut")
        execution.token, execution.resumed = None, True
        execution.resumed_at_redrive = execution.redrive_count
        self._on_resumed(execution)
        return {}

    def list_executions(self, asked):
        assert asked["stateMachineArn"] == self.arn
        wanted, after = asked.get("statusFilter"), asked.get("nextToken")
        every = (one for one in self.executions.values() if wanted in (None, one.status))
        fitting = (one for one in every if not after or one.place < after)
        listed = sorted(fitting, key=attrgetter("place"), reverse=True)
        page = listed[: self.largest_page]
        token = page[-1].place if len(page) < len(listed) else None
        summaries = [_without_nones(one.summary) for one in page]
        return _without_nones({"executions": summaries, "nextToken": token})

    def get_execution_history(self, asked):
        """Give the calls of an execution, the last first.

        They are its requests for slots, and for the job if its name is known.
        """
        execution = self._found(asked["executionArn"])
        calls = [("TaskScheduled", _SLOT, {})] * execution.slot_requests
        if calls and execution.resumed:
            calls.append(("TaskSucceeded", _SLOT, {}))
        if execution.job:
            job = {"parameters": json.dumps({"ProcessingJobName": execution.job})}
            calls += [("TaskScheduled", _JOB, job), ("TaskSubmitted", _JOB, {})]
        history = [
            {"type": kind, f"t{kind[1:]}EventDetails": {"resource": resource, **more}}
            for kind, resource, more in calls
        ]
        return {"events": history[::-1]}

    def _found(self, arn):
        execution = self.executions.get(arn.rpartition(":")[2])
        if execution is None:
            raise _refused("ExecutionDoesNotExist")
        return execution


def status_event(status):
    return message(f"execution-{status.lower().replace('_', '-')}")


def _refused(code):
    return ClientError({"Error": {"Code": code, "Message": "refused by Step Functions"}}, "Any")


def _without_nones(said):
    return {name: value for name, value in said.items() if value is not None}
