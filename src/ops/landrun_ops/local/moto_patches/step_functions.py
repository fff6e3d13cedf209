"""Patches of moto's Step Functions: its API of executions, and where CloudFormation's machines go.

Status change events are in `status_events`, task states in `tasks`.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from moto.core.config import default_user_config
from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions import models
from moto.stepfunctions.exceptions import ValidationException
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.flow.start_at import StartAt
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import (
    StepFunctionsParserBackend,
    stepfunctions_parser_backends,
)
from moto.stepfunctions.responses import StepFunctionResponse

from landrun_ops.local.patches import Patches

REDRIVABLE: Final = ("FAILED", "TIMED_OUT", "ABORTED")
_LARGEST_INPUT: Final = 262_144
_PAGE: Final = 100
_PATIENCE_SECONDS: Final = 5.0
_one_at_a_time = threading.Lock()


def patch(patches: Patches) -> None:
    """Let moto run executions, and start, stop, describe and list them as Step Functions does."""
    patches.item(default_user_config, "stepfunctions", {"execute_state_machine": True})
    # CloudFormation puts machines into the backend that does not run them.
    patches.set(models, "stepfunctions_backends", stepfunctions_parser_backends)
    patches.wrap(StepFunctionsParserBackend, "start_execution", _start_execution)
    # moto's own fails in the instant before the first status is set.
    status = property(lambda self: str(self.exec_status.value if self.exec_status else "RUNNING"))
    patches.set(Execution, "status", status)
    patches.wrap(Environment, "set_error", _set_error)
    patches.wrap(ExecutionWorker, "_get_evaluation_environment", _evaluation_environment)
    patches.wrap(ExecutionWorker, "_execution_logic", _execution_logic)
    patches.set(Execution, "redrive_count", 0)
    patches.set(Execution, "redrive_date", None)
    patches.set(StepFunctionResponse, "redrive_execution", _redrive_execution)
    patches.set(StepFunctionResponse, "stop_execution", _stop_execution)
    patches.set(StepFunctionResponse, "list_executions", _list_executions)
    patches.wrap(StepFunctionResponse, "describe_execution", _describe_execution)
    patches.wrap(StepFunctionResponse, "get_execution_history", _get_execution_history)


def request_stop(execution: Any, *, error: str | None = None, cause: str | None = None) -> None:
    """Stop an execution; one that has ended stays as it is.

    Waits, up to five seconds, for one that is just beginning, and for the end of its states.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    asked = False
    while execution.stop_date is None and time.monotonic() < deadline:
        env = execution.exec_worker.env if execution.exec_worker else None
        if not asked and env is not None and env.is_running():
            env.set_stop(stop_date=datetime.now(tz=UTC), error=error, cause=cause)
            asked = True
        time.sleep(0.02)


def running_executions() -> list[Any]:
    """Return the executions of all machines that have not ended."""
    backends = [b for regions in stepfunctions_parser_backends.values() for b in regions.values()]
    machines = [machine for backend in backends for machine in list(backend.state_machines)]
    executions = [execution for machine in machines for execution in list(machine.executions)]
    return [execution for execution in executions if execution.stop_date is None]


def redrive_facts(execution: Any, status: str) -> dict[str, Any]:
    """Return what AWS says of the redrives of an execution that has ``status``."""
    able = status in REDRIVABLE
    return {
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redrive_date,
        "redriveStatus": "REDRIVABLE" if able else "NOT_REDRIVABLE",
        "redriveStatusReason": None if able else f"Execution is {status} and cannot be redriven",
    }


def _start_execution(
    start: Any, self: Any, arn: str, name: str | None, execution_input: str | None, *trace: Any
) -> Any:
    """Name an execution that has no name (moto: None), and start one of several with one name."""
    name = name or str(uuid.uuid4())
    self._validate_name(name)
    if len((execution_input or "").encode()) > _LARGEST_INPUT:
        raise ValidationException(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_LARGEST_INPUT}"
        )
    with _one_at_a_time:
        return start(self, arn, name, execution_input, *trace)


def _set_error(set_error: Any, self: Any, error: Any) -> None:
    """Keep ABORTED and TIMED_OUT, which a task's late failure turns into FAILED in moto."""
    with self._state_mutex:
        if not isinstance(self._program_state, ProgramStopped | ProgramTimedOut):
            set_error(self, error)


def _evaluation_environment(make: Any, self: Any) -> Any:
    """Write ``$$.Execution.StartTime`` as Step Functions does: moto has a form of its own."""
    env, execution = make(self), self._execution_communication.execution
    utc = execution.start_date.astimezone(UTC).replace(tzinfo=None)
    written = f"{utc.isoformat(timespec='milliseconds')}Z"
    env.states.context_object.context_object_data["Execution"]["StartTime"] = written
    return env


def _stop_execution(self: Any) -> ActionResult:
    """Stop and answer with the date; moto drops error and cause and answers before the end."""
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    request_stop(execution, error=self._get_param("error"), cause=self._get_param("cause"))
    return ActionResult({"stopDate": execution.stop_date or datetime.now(tz=UTC)})


def _describe_execution(describe: Any, self: Any) -> ActionResult:
    """Add what moto does not know: redrives, and the stop date of a time-out."""
    answer: Any = describe(self).result
    execution = self.stepfunction_backend.describe_execution(answer["executionArn"])
    facts = redrive_facts(execution, answer["status"])
    if answer["status"] != "RUNNING":
        facts["stopDate"] = execution.stop_date
    known = {name: value for name, value in facts.items() if value is not None}
    return ActionResult({**answer, **known, "inputDetails": {"included": True}})


def _list_executions(self: Any) -> ActionResult:
    """List executions by their last change, newest first, as of the page before.

    moto sorts by start date, loses the next page when the execution that it begins with has changed
    its status meanwhile, and knows no redrives.
    """
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    status, after = self._get_param("statusFilter"), self._get_param("nextToken")
    size = self._get_int_param("maxResults") or _PAGE
    found = sorted(
        ((_position(one), one) for one in list(machine.executions) if status in (None, one.status)),
        reverse=True,
    )
    rest = [(position, one) for position, one in found if not after or position < after]
    token = {"nextToken": rest[size - 1][0]} if len(rest) > size else {}
    return ActionResult({"executions": [_list_item(one) for _, one in rest[:size]], **token})


def _position(execution: Any) -> str:
    moment = execution.stop_date or execution.redrive_date or execution.start_date
    return f"{moment.isoformat(timespec='microseconds')} {execution.execution_arn}"


def _list_item(execution: Any) -> dict[str, Any]:
    dates = {"stopDate": execution.stop_date, "redriveDate": execution.redrive_date}
    return {
        "executionArn": execution.execution_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "redriveCount": execution.redrive_count,
        **{name: date for name, date in dates.items() if date},
    }


def _get_execution_history(whole: Any, self: Any) -> ActionResult:
    """Honour reverseOrder, maxResults and nextToken, which moto ignores."""
    answer: Any = whole(self).result
    events = answer["events"][:: -1 if self._get_param("reverseOrder") else 1]
    start = int(self._get_param("nextToken") or 0)
    end = start + (self._get_int_param("maxResults") or _PAGE)
    token = {"nextToken": str(end)} if end < len(events) else {}
    return ActionResult({"events": events[start:end], **token})


def _redrive_execution(self: Any) -> ActionResult:
    """Let an execution go on, with its name, input, definition and history, where it failed.

    Of a Map or Parallel state, Step Functions repeats what failed; here, all of it is repeated.
    """
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    with _one_at_a_time:
        return ActionResult({"redriveDate": _redrive(execution)})


def _redrive(execution: Any) -> datetime:
    """Let an execution that did not succeed go on; return the date.

    The event of its end reads the same fields: it has to be published before.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not execution.published and execution.stop_date and time.monotonic() < deadline:
        time.sleep(0.01)
    if execution.status not in REDRIVABLE:
        reason = redrive_facts(execution, execution.status)["redriveStatusReason"]
        raise AWSError(reason, "ExecutionNotRedrivable")
    date = datetime.now(tz=UTC)
    execution.redrive_count, execution.redrive_date = execution.redrive_count + 1, date
    execution.output = execution.error = execution.cause = execution.stop_date = None
    execution.published, execution.exec_status = False, ExecutionStatus.RUNNING
    execution.exec_worker = _continued(execution)
    execution.exec_worker.start()
    return date


def _continued(execution: Any) -> Any:
    """Make a worker whose history and variables are those of the one before."""
    before, worker = execution.exec_worker.env, execution._get_start_execution_worker()
    env = worker._get_evaluation_environment()
    env.event_manager = before.event_manager
    env.event_history_context = before.event_history_context
    env.variable_store = before.variable_store
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.ExecutionRedriven,
        event_details={"executionRedrivenEventDetails": {"redriveCount": execution.redrive_count}},
    )
    state = before.states.get_context().get("State")
    env.states.context_object.context_object_data["State"] = state
    worker.env = env
    return worker


def _execution_logic(from_the_start: Any, self: Any) -> None:
    """Run a new execution; enter a redriven one's last state with what had gone into it."""
    env = self.env
    if env is None:
        from_the_start(self)
        return
    program, state = self._get_evaluation_entrypoint(), env.states.get_context().get("State")
    if state:
        program.start_at = StartAt(state["Name"])
        events = reversed(env.event_manager.get_event_history())
        entered = (event.get("stateEnteredEventDetails") for event in events)
        given = next(one["input"] for one in entered if one and one["name"] == state["Name"])
        env.states.reset(json.loads(given))
    program.eval(env)
    self._execution_communication.terminated()
