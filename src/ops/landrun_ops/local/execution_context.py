"""``$$.Execution`` as Step Functions fills it: moto's lacks redrives, and spells times its own way.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from landrun_ops.local.patches import Patches


def adapt(patches: Patches) -> None:
    """Give RedriveCount, RedriveTime after a redrive, and times to the millisecond with a Z."""
    make = ExecutionWorker._get_evaluation_environment

    def get_evaluation_environment(self: Any) -> Any:
        env, execution = make(self), self._execution_communication.execution
        told = env.states.context_object.context_object_data["Execution"]
        told["StartTime"] = _spelled(execution.start_date)
        told["RedriveCount"] = execution.redrive_count
        if execution.redrive_date:
            told["RedriveTime"] = _spelled(execution.redrive_date)
        return env

    patches.set(ExecutionWorker, "_get_evaluation_environment", get_evaluation_environment)


def _spelled(moment: datetime) -> str:
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"
