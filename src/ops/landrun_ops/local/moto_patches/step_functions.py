"""Patches of moto's Step Functions: executions, their API, and the events of their status.

The thread that changes an execution's status puts a 'Step Functions Execution Status Change' event,
which moto does not send, on the default bus, before the first state and after the last: no final
status is lost, and an execution's events keep their order. Task states are in `tasks`.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.events.models import events_backends
from moto.stepfunctions import models
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.flow.start_at import StartAt
from moto.stepfunctions.parser.asl.eval.environment import Environment
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
from moto.stepfunctions.parser.models import (
    StepFunctionsParserBackend,
    stepfunctions_parser_backends,
)
from moto.stepfunctions.responses import StepFunctionResponse

from landrun_ops.local.patches import Patches
from landrun_ops.local.settings import ACCOUNT, REGION

_PAGE: Final = 100
_PATIENCE_SECONDS: Final = 5.0
_OUTCOMES: Final = {
    ProgramEnded: ExecutionStatus.SUCCEEDED,
    ProgramError: ExecutionStatus.FAILED,
    ProgramStopped: ExecutionStatus.ABORTED,
    ProgramTimedOut: ExecutionStatus.TIMED_OUT,
}
_log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()


def patch(patches: Patches, is_open: Callable[[], bool]) -> None:
    """Let executions run as in Step Functions, and publish their status while ``is_open``.

    An execution whose end was published has a true ``published``.
    """
    publish = partial(_publish, is_open)

    def start(begin: Any, self: Any) -> None:
        publish(self._execution_communication.execution)
        begin(self)

    def reflect(_: Any, self: Any) -> None:
        _settle(self.execution, self.execution.exec_worker.env.program_state())

    def terminated(_: Any, self: Any) -> None:
        self._reflect_execution_status()
        publish(self.execution)

    def execute(from_the_start: Any, self: Any) -> None:
        try:
            run = _go_on if self.env else from_the_start
            run(self)
        except Exception as error:
            execution = self._execution_communication.execution
            _log.exception("%s: execution broke", execution.exec_arn)
            cause = f"{type(error).__name__}: {error}"
            _settle(execution, ProgramError({"error": "States.Runtime", "cause": cause}))
            publish(execution)

    # CloudFormation puts machines into the backend that does not run them.
    patches.set(models, "stepfunctions_backends", stepfunctions_parser_backends)
    patches.wrap(StepFunctionsParserBackend, "start_execution", _start_execution)
    # moto's own fails in the instant before the first status is set.
    status = property(lambda self: str(self.exec_status.value if self.exec_status else "RUNNING"))
    patches.set(Execution, "status", status)
    for name, value in (("published", False), ("redrive_count", 0), ("redrive_date", None)):
        patches.set(Execution, name, value)
    patches.wrap(Environment, "set_error", _set_error)
    patches.wrap(ExecutionWorker, "_get_evaluation_environment", _evaluation_environment)
    patches.wrap(ExecutionWorker, "start", start)
    patches.wrap(ExecutionWorker, "_execution_logic", execute)
    patches.wrap(BaseExecutionWorkerCommunication, "_reflect_execution_status", reflect)
    patches.wrap(BaseExecutionWorkerCommunication, "terminated", terminated)
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
    machines = list(stepfunctions_parser_backends[ACCOUNT][REGION].state_machines)
    executions = [execution for machine in machines for execution in list(machine.executions)]
    return [execution for execution in executions if execution.stop_date is None]


def redrive_facts(execution: Any, status: str) -> dict[str, Any]:
    """Return what AWS says of the redrives of an execution that has ``status``."""
    able = status in ("FAILED", "TIMED_OUT", "ABORTED")
    return {
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redrive_date,
        "redriveStatus": "REDRIVABLE" if able else "NOT_REDRIVABLE",
        "redriveStatusReason": None if able else f"Execution is {status} and cannot be redriven",
    }


def detail(execution: Any) -> dict[str, Any]:
    """Build an event's ``detail`` from the engine's execution, as EventBridge's reference has it.

    Dates are epoch milliseconds. Input and output are always included; Step Functions leaves out
    what is over 248 KB.
    """
    status, output = execution.status, execution.output
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": execution.name,
        "status": status,
        "startDate": _millis(execution.start_date),
        "stopDate": _millis(execution.stop_date),
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "output": output,
        "outputDetails": None if output is None else {"included": True},
        "error": execution.error,
        "cause": execution.cause,
        **redrive_facts(execution, status),
        "redriveDate": _millis(execution.redrive_date),
    }


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


def _millis(moment: datetime | None) -> int | None:
    return int(moment.timestamp() * 1000) if moment else None


def _start_execution(
    start: Any, self: Any, arn: str, name: str | None, execution_input: str | None, *trace: Any
) -> Any:
    """Name an execution that has no name (moto: None), and start one of several with one name."""
    name = name or str(uuid.uuid4())
    self._validate_name(name)
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
    return ActionResult({**answer, **_known(facts), "inputDetails": {"included": True}})


def _list_executions(self: Any) -> ActionResult:
    """List executions by their last change, newest first, as of the page before.

    moto sorts by start date, loses the next page when the execution that it begins with has changed
    its status meanwhile, and knows no redrives.
    """
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    status, after = self._get_param("statusFilter"), self._get_param("nextToken")
    size = self._get_int_param("maxResults") or _PAGE
    found = {_position(one): one for one in machine.executions if status in (None, one.status)}
    positions = sorted((at for at in found if not after or at < after), reverse=True)
    token = {"nextToken": positions[size - 1]} if len(positions) > size else {}
    return ActionResult({"executions": [_summary(found[at]) for at in positions[:size]], **token})


def _position(execution: Any) -> str:
    moment = execution.stop_date or execution.redrive_date or execution.start_date
    return f"{moment.isoformat(timespec='microseconds')} {execution.execution_arn}"


def _summary(execution: Any) -> dict[str, Any]:
    summary = {
        "executionArn": execution.execution_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redrive_date,
    }
    return _known(summary)


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


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
        # The event of its end reads the fields that are about to change.
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not execution.published and execution.stop_date and time.monotonic() < deadline:
            time.sleep(0.01)
        if reason := redrive_facts(execution, execution.status)["redriveStatusReason"]:
            raise AWSError(reason, "ExecutionNotRedrivable")
        execution.redrive_count += 1
        execution.redrive_date = datetime.now(tz=UTC)
        execution.output = execution.error = execution.cause = execution.stop_date = None
        execution.published, execution.exec_status = False, ExecutionStatus.RUNNING
        execution.exec_worker = _continued(execution)
        execution.exec_worker.start()
        return ActionResult({"redriveDate": execution.redrive_date})


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
    """Enter a redriven execution's last state with what had gone into it."""
    env = worker.env
    program, state = worker._get_evaluation_entrypoint(), env.states.get_context().get("State")
    if state:
        program.start_at = StartAt(state["Name"])
        events = reversed(env.event_manager.get_event_history())
        entered = (event.get("stateEnteredEventDetails") for event in events)
        given = next(one["input"] for one in entered if one and one["name"] == state["Name"])
        env.states.reset(json.loads(given))
    program.eval(env)
    worker._execution_communication.terminated()
