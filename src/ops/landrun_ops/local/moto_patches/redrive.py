"""RedriveExecution, which moto's engine lacks.

A redriven execution keeps its name, ARN, input, start date, definition and history, and goes on
from the state that did not succeed, with what had gone into it; retries count from zero again. Of a
Map or Parallel state Step Functions repeats what failed; here, all of it is repeated.
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

from landrun_ops.local.moto_patches.step_functions import REDRIVABLE, redrive_facts
from landrun_ops.local.patches import Patches

_PUBLISHING_SECONDS: Final = 5.0


class ExecutionNotRedrivable(AWSError):  # type: ignore[misc]
    """The execution runs, or has succeeded."""

    TYPE = "ExecutionNotRedrivable"


def patch(patches: Patches) -> None:
    """Add RedriveExecution, and workers that go on where another failed."""
    one_at_a_time, from_the_start = threading.Lock(), ExecutionWorker._execution_logic

    def redrive_execution(self: Any) -> ActionResult:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        with one_at_a_time:
            return ActionResult({"redriveDate": _redrive(execution)})

    def execution_logic(self: Any) -> None:
        if self.env is None:
            from_the_start(self)
        else:
            _go_on(self)

    patches.set(Execution, "redrive_count", 0)
    patches.set(Execution, "redrive_date", None)
    patches.set(StepFunctionResponse, "redrive_execution", redrive_execution)
    patches.set(ExecutionWorker, "_execution_logic", execution_logic)


def _redrive(execution: Any) -> datetime:
    """Let an execution that did not succeed go on; return the date.

    The event of its end reads the same fields: it has to be published before.
    """
    deadline = time.monotonic() + _PUBLISHING_SECONDS
    while not execution.published and execution.stop_date and time.monotonic() < deadline:
        time.sleep(0.01)
    if execution.status not in REDRIVABLE:
        reason = redrive_facts(execution, execution.status)["redriveStatusReason"]
        raise ExecutionNotRedrivable(reason)
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


def _go_on(worker: Any) -> None:
    """Enter the state that did not succeed with what the history says had gone into it."""
    env, program = worker.env, worker._get_evaluation_entrypoint()
    state = env.states.get_context().get("State")
    if state:
        program.start_at = StartAt(state["Name"])
        events = reversed(env.event_manager.get_event_history())
        entered = (event.get("stateEnteredEventDetails") for event in events)
        given = next(one["input"] for one in entered if one and one["name"] == state["Name"])
        env.states.reset(json.loads(given))
    program.eval(env)
    worker._execution_communication.terminated()
