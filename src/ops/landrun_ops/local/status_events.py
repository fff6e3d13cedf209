"""'Step Functions Execution Status Change' events, which moto does not send.

One goes on the default event bus whenever an execution starts, succeeds, fails, runs out of time
or is aborted, in the shape of AWS's EventBridge reference ("Step Functions events detail
reference"). It is put by the thread that changes the status, before an execution's first state
and after its last: no terminal status is lost and an execution's events keep their order.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.events.models import events_backends
from moto.stepfunctions.parser.api import ExecutionStatus, StateMachineType
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

from landrun_ops.local.patches import Patches

DETAIL_TYPE = "Step Functions Execution Status Change"

# "If the combined escaped input and escaped output exceeds 248 KB, the input is excluded."
_LIMIT = 248 * 1024
_OUTCOMES = {
    ProgramEnded: ExecutionStatus.SUCCEEDED,
    ProgramError: ExecutionStatus.FAILED,
    ProgramStopped: ExecutionStatus.ABORTED,
    ProgramTimedOut: ExecutionStatus.TIMED_OUT,
}
REDRIVABLE = ("FAILED", "TIMED_OUT", "ABORTED")
"""Statuses from which an execution can be redriven."""

_log = logging.getLogger(__name__)


def redriven(execution: Any, status: str) -> dict[str, Any]:
    """Say what AWS says of the redrives of an execution that has ``status``; its date is aware."""
    able = status in REDRIVABLE
    reason = None if able else f"Execution is {status} and cannot be redriven"
    return {
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redrive_date,
        "redriveStatus": "REDRIVABLE" if able else "NOT_REDRIVABLE",
        "redriveStatusReason": reason,
    }


def detail(execution: Any, status: str) -> dict[str, Any]:
    """Build the event's ``detail``.

    Parameters
    ----------
    execution
        The engine's: its ``execution_input`` and ``output`` are JSON strings, its dates aware.
    status
        The status to report.

    Returns
    -------
    dict
        Dates in epoch milliseconds; ``output`` over 248 KB, escaped, left out (``included``
        false), then ``input`` when the two together are over it.
    """
    given, made = execution.execution_input, execution.output if status == "SUCCEEDED" else None
    keep_output = _escaped(made) <= _LIMIT
    keep_input = _escaped(given) + (_escaped(made) if keep_output else 0) <= _LIMIT
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": execution.name,
        "status": status,
        "startDate": _millis(execution.start_date),
        "stopDate": None if status == "RUNNING" else _millis(execution.stop_date),
        "input": given if keep_input else None,
        "inputDetails": {"included": keep_input},
        "output": made if keep_output else None,
        "outputDetails": None if made is None else {"included": keep_output},
        "error": execution.error,
        "cause": execution.cause,
        **redriven(execution, status),
        "redriveDate": _millis(execution.redrive_date),
    }


def settle(execution: Any, state: Any) -> None:
    """Give an execution the outcome of its program; the status last, for those who look."""
    outcome = _OUTCOMES[type(state)]
    execution.stop_date = datetime.now(tz=UTC)
    if isinstance(state, ProgramEnded):
        result = execution.exec_worker.env.states.get_input()
        execution.output = to_json_str(result, separators=(",", ":"))
    elif isinstance(state, ProgramError):
        details = state.error or {}
        execution.error, execution.cause = details.get("error"), details.get("cause")
    elif isinstance(state, ProgramStopped):
        execution.error, execution.cause = state.error or None, state.cause or None
    execution.exec_status = outcome


def put(execution: Any, status: str) -> None:
    """Put the event on the default bus of the execution's account and region."""
    backend = events_backends[execution.account_id][execution.region_name]
    backend.put_events(
        [
            {
                "Source": "aws.states",
                "DetailType": DETAIL_TYPE,
                "Detail": json.dumps(detail(execution, status)),
                "Resources": [execution.exec_arn],
            }
        ]
    )


class Publisher:
    """Puts events until it is closed; an event that cannot be delivered is logged."""

    def __init__(self, send: Callable[[Any, str], None] = put) -> None:
        self._send = send
        self._open = True

    def __call__(self, execution: Any, status: str) -> None:
        """Report ``status`` of a standard workflow's execution; express ones send no events."""
        if not self._open or execution.sm_type == StateMachineType.EXPRESS:
            return
        try:
            self._send(execution, status)
        except Exception:
            # A broken target must not end the execution that it hears of.
            _log.exception("status event not delivered", extra={"execution": execution.exec_arn})

    def close(self) -> None:
        """Send nothing more."""
        self._open = False


def adapt(patches: Patches, publish: Callable[[Any, str], None]) -> None:
    """Let the engine call ``publish`` where an execution starts and where it ends.

    An execution whose end was told has a true ``told``.
    """
    start, execute = ExecutionWorker.start, ExecutionWorker._execution_logic

    def started(self: Any) -> None:
        publish(self._execution_communication.execution, "RUNNING")
        start(self)

    def reflect(self: Any) -> None:
        settle(self.execution, self.execution.exec_worker.env.program_state())

    def tell_the_end(execution: Any) -> None:
        publish(execution, execution.status)
        execution.told = True

    def terminated(self: Any) -> None:
        self._reflect_execution_status()
        tell_the_end(self.execution)

    def executed(self: Any) -> None:
        try:
            execute(self)
        except Exception as error:
            execution = self._execution_communication.execution
            _log.exception("execution broke", extra={"execution": execution.exec_arn})
            cause = f"{type(error).__name__}: {error}"
            settle(execution, ProgramError({"error": "States.Runtime", "cause": cause}))
            tell_the_end(execution)

    patches.set(Execution, "told", False)
    patches.set(ExecutionWorker, "start", started)
    patches.set(BaseExecutionWorkerCommunication, "_reflect_execution_status", reflect)
    patches.set(BaseExecutionWorkerCommunication, "terminated", terminated)
    patches.set(ExecutionWorker, "_execution_logic", executed)


def _escaped(text: str | None) -> int:
    return 0 if text is None else len(json.dumps(text, ensure_ascii=False).encode())


def _millis(moment: datetime | None) -> int | None:
    return int(moment.timestamp() * 1000) if moment else None
