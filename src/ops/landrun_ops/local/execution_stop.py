"""StopExecution, and what is told of an execution that has ended.

moto's engine drops the error and cause given to StopExecution, answers before the execution has
ended and without a stop date, fails when it has not quite begun, lets a task's late failure turn
ABORTED or TIMED_OUT into FAILED, and gives no stop date for TIMED_OUT.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut
from moto.stepfunctions.responses import StepFunctionResponse

from landrun_ops.local.patches import Patches
from landrun_ops.local.status_events import redriven

_PATIENCE = 5.0
_TICK = 0.02


def request_stop(execution: Any, *, error: str | None = None, cause: str | None = None) -> None:
    """Stop an execution; one that has ended stays as it is.

    Waits, up to five seconds, for one that is just beginning, and for the end of its states.
    """
    deadline = time.monotonic() + _PATIENCE
    asked = False
    while execution.stop_date is None and time.monotonic() < deadline:
        env = execution.exec_worker.env if execution.exec_worker else None
        if not asked and env is not None and env.is_running():
            env.set_stop(stop_date=datetime.now(tz=UTC), error=error, cause=cause)
            asked = True
        time.sleep(_TICK)


def adapt(patches: Patches) -> None:
    """Let Stop and Describe tell what Step Functions tells."""
    describe, set_error = StepFunctionResponse.describe_execution, Environment.set_error

    def stop_execution(self: Any) -> ActionResult:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        request_stop(execution, error=self._get_param("error"), cause=self._get_param("cause"))
        return ActionResult({"stopDate": execution.stop_date or datetime.now(tz=UTC)})

    def describe_execution(self: Any) -> ActionResult:
        answer: Any = describe(self).result
        return ActionResult({**answer, **_told(self, answer), "inputDetails": {"included": True}})

    def keep_stop(self: Any, error: Any) -> None:
        with self._state_mutex:
            if not isinstance(self._program_state, ProgramStopped | ProgramTimedOut):
                set_error(self, error)

    patches.set(StepFunctionResponse, "stop_execution", stop_execution)
    patches.set(StepFunctionResponse, "describe_execution", describe_execution)
    patches.set(Environment, "set_error", keep_stop)


def _told(response: Any, answer: Any) -> dict[str, Any]:
    execution = response.stepfunction_backend.describe_execution(answer["executionArn"])
    told = {
        key: value
        for key, value in redriven(execution, answer["status"]).items()
        if value is not None
    }
    if answer["status"] != "RUNNING":
        told["stopDate"] = execution.stop_date
    return told
