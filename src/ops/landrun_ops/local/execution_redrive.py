"""RedriveExecution, which moto's engine lacks.

A redriven execution keeps its name, ARN, input, start date, definition and history, and goes on
from the state that did not succeed, with what had gone into it; retries count from zero again.
Where Step Functions only schedules that state's task again, here the state is entered again; of a
Map or Parallel state it repeats what failed, here all of it.
"""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from typing import Any, Final

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.flow.start_at import StartAt
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.responses import StepFunctionResponse

from landrun_ops.local.patches import Patches
from landrun_ops.local.status_events import REDRIVABLE, redriven

_PATIENCE = 5.0
_TICK = 0.01
_TOKENS: Final = 10
"""How many client tokens are remembered: "idempotent responses for the last 10"."""


class ExecutionNotRedrivable(AWSError):  # type: ignore[misc]
    """The execution runs, or has succeeded."""

    TYPE = "ExecutionNotRedrivable"


def redrive(execution: Any, token: str) -> datetime:
    """Let an execution that did not succeed go on; return the date of the redrive.

    Parameters
    ----------
    execution
        The engine's.
    token
        The request's ``clientToken``: a second request with it finds the first one's redrive.

    Raises
    ------
    ExecutionNotRedrivable
        With the reason.
    """
    if token in execution.redrive_tokens:
        found: datetime = execution.redrive_tokens[token]
        return found
    _await_told(execution)
    if execution.status not in REDRIVABLE:
        raise ExecutionNotRedrivable(redriven(execution, execution.status)["redriveStatusReason"])
    date = datetime.now(tz=UTC)
    execution.redrive_tokens = dict([*execution.redrive_tokens.items(), (token, date)][-_TOKENS:])
    execution.redrive_count, execution.redrive_date = execution.redrive_count + 1, date
    execution.output = execution.error = execution.cause = execution.stop_date = None
    execution.told, execution.exec_status = False, ExecutionStatus.RUNNING
    execution.exec_worker = _continued(execution)
    execution.exec_worker.start()
    return date


def adapt(patches: Patches) -> None:
    """Let the API have RedriveExecution, and the engine's workers go on where another failed."""
    one_at_a_time = threading.Lock()
    from_the_start = ExecutionWorker._execution_logic

    def redrive_execution(self: Any) -> ActionResult:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        with one_at_a_time:
            return ActionResult({"redriveDate": redrive(execution, self._get_param("clientToken"))})

    def execution_logic(self: Any) -> None:
        if self.env is None:
            from_the_start(self)
        else:
            _go_on(self)

    patches.set(Execution, "redrive_count", 0)
    patches.set(Execution, "redrive_date", None)
    patches.set(Execution, "redrive_tokens", {})
    patches.set(StepFunctionResponse, "redrive_execution", redrive_execution)
    patches.set(ExecutionWorker, "_execution_logic", execution_logic)


def _await_told(execution: Any) -> None:
    """Wait until the end of an execution has been told: that event reads its fields."""
    deadline = time.monotonic() + _PATIENCE
    while execution.status in REDRIVABLE and not execution.told and time.monotonic() < deadline:
        time.sleep(_TICK)


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
    env.states.context_object.context_object_data["State"] = before.states.get_context().get(
        "State"
    )
    worker.env = env
    return worker


def _go_on(worker: Any) -> None:
    env, program = worker.env, worker._get_evaluation_entrypoint()
    state = env.states.get_context().get("State")
    if state:
        program.start_at = StartAt(state["Name"])
        env.states.reset(_given_to(state["Name"], env))
    program.eval(env)
    worker._execution_communication.terminated()


def _given_to(state: str, env: Any) -> Any:
    """Find in the history what went into ``state`` when it was last entered."""
    entered = (event.get("stateEnteredEventDetails") for event in _newest_first(env))
    return next(json.loads(one["input"]) for one in entered if one and one["name"] == state)


def _newest_first(env: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = env.event_manager.get_event_history()
    return events[::-1]
