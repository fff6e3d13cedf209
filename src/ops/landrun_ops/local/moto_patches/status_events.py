"""'Step Functions Execution Status Change' events, which moto does not send.

The thread that changes an execution's status puts the event on the default bus, before the first
state and after the last: no final status is lost, and an execution's events keep their order.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from moto.events.models import events_backends
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.program_state import (
    ProgramEnded,
    ProgramError,
    ProgramStopped,
    ProgramTimedOut,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import (
    BaseExecutionWorkerCommunication,
    Execution,
)
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from landrun_ops.local.moto_patches.step_functions import redrive_facts
from landrun_ops.local.patches import Patches

# "If the combined escaped input and escaped output exceeds 248 KB, the input is excluded."
_LIMIT: Final = 248 * 1024
_OUTCOMES: Final = {
    ProgramEnded: ExecutionStatus.SUCCEEDED,
    ProgramError: ExecutionStatus.FAILED,
    ProgramStopped: ExecutionStatus.ABORTED,
    ProgramTimedOut: ExecutionStatus.TIMED_OUT,
}
_log = logging.getLogger(__name__)


def patch(patches: Patches, is_open: Callable[[], bool]) -> None:
    """Publish the status where an execution starts and where it ends, while ``is_open``.

    An execution whose end was published has a true ``published``.
    """
    publish = partial(_publish, is_open)

    def started(start: Any, self: Any) -> None:
        publish(self._execution_communication.execution)
        start(self)

    def reflected(_: Any, self: Any) -> None:
        _settle(self.execution, self.execution.exec_worker.env.program_state())

    def terminated(_: Any, self: Any) -> None:
        self._reflect_execution_status()
        publish(self.execution)

    def executed(execute: Any, self: Any) -> None:
        try:
            execute(self)
        except Exception as error:
            execution = self._execution_communication.execution
            _log.exception("%s: execution broke", execution.exec_arn)
            cause = f"{type(error).__name__}: {error}"
            _settle(execution, ProgramError({"error": "States.Runtime", "cause": cause}))
            publish(execution)

    patches.set(Execution, "published", False)
    patches.wrap(ExecutionWorker, "start", started)
    patches.wrap(ExecutionWorker, "_execution_logic", executed)
    patches.wrap(BaseExecutionWorkerCommunication, "_reflect_execution_status", reflected)
    patches.wrap(BaseExecutionWorkerCommunication, "terminated", terminated)


def _publish(is_open: Callable[[], bool], execution: Any) -> None:
    try:
        if is_open():
            event = {
                "Source": "aws.states",
                "DetailType": "Step Functions Execution Status Change",
                "Detail": json.dumps(detail(execution)),
                "Resources": [execution.exec_arn],
            }
            events_backends[execution.account_id][execution.region_name].put_events([event])
    except Exception:  # a broken target must not end the execution that it hears of
        _log.exception("%s: status event not delivered", execution.exec_arn)
    execution.published = execution.status != "RUNNING"


def detail(execution: Any) -> dict[str, Any]:
    """Build an event's ``detail`` from the engine's execution, as EventBridge's reference has it.

    Dates are epoch milliseconds; an output over 248 KB, escaped, is left out (``included`` false),
    then an input when the two together are over it.
    """
    status, given, output = execution.status, execution.execution_input, execution.output
    keep_output = _escaped(output) <= _LIMIT
    keep_input = _escaped(given) + (_escaped(output) if keep_output else 0) <= _LIMIT
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": execution.name,
        "status": status,
        "startDate": _millis(execution.start_date),
        "stopDate": _millis(execution.stop_date),
        "input": given if keep_input else None,
        "inputDetails": {"included": keep_input},
        "output": output if keep_output else None,
        "outputDetails": None if output is None else {"included": keep_output},
        "error": execution.error,
        "cause": execution.cause,
        **redrive_facts(execution, status),
        "redriveDate": _millis(execution.redrive_date),
    }


def _settle(execution: Any, state: Any) -> None:
    """Give an execution the outcome of its program; the status last, for those who look."""
    execution.stop_date = datetime.now(tz=UTC)
    if isinstance(state, ProgramEnded):
        result = execution.exec_worker.env.states.get_input()
        execution.output = to_json_str(result, separators=(",", ":"))
    elif isinstance(state, ProgramError):
        details = state.error or {}
        execution.error, execution.cause = details.get("error"), details.get("cause")
    elif isinstance(state, ProgramStopped):
        execution.error, execution.cause = state.error or None, state.cause or None
    execution.exec_status = _OUTCOMES[type(state)]


def _escaped(text: str | None) -> int:
    return 0 if text is None else len(json.dumps(text, ensure_ascii=False).encode())


def _millis(moment: datetime | None) -> int | None:
    return int(moment.timestamp() * 1000) if moment else None
