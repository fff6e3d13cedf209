"""StartExecution, and where CloudFormation puts state machines.

Three things that moto's engine does otherwise than Step Functions: an execution without a name
is called ``None`` there, and gets a uuid here; two requests of one name at the same moment start
two executions there, and one here; a state machine made by CloudFormation is in the backend that
runs nothing there, and in the engine's here.
"""

from __future__ import annotations

import threading
import uuid
from typing import Any

from moto.stepfunctions import models
from moto.stepfunctions.exceptions import ValidationException
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.models import (
    StepFunctionsParserBackend,
    stepfunctions_parser_backends,
)

from landrun_ops.local.patches import Patches

_LARGEST_INPUT = 262_144


def adapt(patches: Patches) -> None:
    """Let StartExecution name, check and serialise; let CloudFormation find the engine."""
    start = StepFunctionsParserBackend.start_execution
    one_at_a_time = threading.Lock()

    def start_execution(
        self: Any,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: str | None = None,
    ) -> Any:
        if name:
            self._validate_name(name)
        if len((execution_input or "").encode()) > _LARGEST_INPUT:
            raise ValidationException(
                "1 validation error detected: Value at 'input' failed to satisfy constraint: "
                f"Member must have length less than or equal to {_LARGEST_INPUT}"
            )
        with one_at_a_time:
            return start(
                self, state_machine_arn, name or str(uuid.uuid4()), execution_input, trace_header
            )

    def status(self: Any) -> str:
        # moto's own fails in the instant before the first status is set.
        return str(self.exec_status.value if self.exec_status else "RUNNING")

    patches.set(StepFunctionsParserBackend, "start_execution", start_execution)
    patches.set(Execution, "status", property(status))
    patches.set(models, "stepfunctions_backends", stepfunctions_parser_backends)
