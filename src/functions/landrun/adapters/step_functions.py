"""Step Functions: start, describe and list executions, and resume those that wait."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from landrun.adapters.clients import except_for, translated
from landrun.errors import AlreadyStarted, ServiceError
from landrun.models.run import ExecutionInput

_FORGOTTEN = "ExecutionDoesNotExist"
"""Step Functions keeps a closed execution for 90 days; a message may have waited longer."""

_CALLBACK = "sendMessage.waitForTaskToken"
_NOT_WAITING = ("InvalidToken", "TaskDoesNotExist", "TaskTimedOut")
"""SendTaskSuccess's errors for a token that was used, or whose state has ended."""


@dataclass(frozen=True, slots=True)
class Started:
    """A running execution."""

    arn: str

    started_at: datetime
    """Earlier than this call if it repeated the name and input of another."""


class Executions:
    """The executions of one state machine, through boto3's client of Step Functions."""

    def __init__(self, client: Any, state_machine_arn: str) -> None:
        self._client = client
        self.state_machine_arn = state_machine_arn

    def arn(self, name: str) -> str:
        """Return the ARN of the state machine's execution of that name."""
        return f"{self.state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"

    def ours(self, arn: str) -> bool:
        """Return True for an execution of this state machine: the role may read no other."""
        return arn.startswith(self.arn(""))

    def start(self, run: ExecutionInput) -> Started:
        """Start a run under its own name.

        A second call with the same input finds the execution while it is running (StartExecution is
        idempotent). Once it has closed, Step Functions refuses the name for 90 days. Raises
        AlreadyStarted when an execution of that name has closed, or was started with another input.
        """
        try:
            with translated("states:StartExecution"):
                answer = self._client.start_execution(
                    stateMachineArn=self.state_machine_arn,
                    name=run.PreprocessingJobName,
                    input=run.to_json(),
                )
                return Started(answer["executionArn"], answer["startDate"])
        except ServiceError as error:
            if error.code == "ExecutionAlreadyExists":
                raise AlreadyStarted(run.PreprocessingJobName) from error
            raise

    def describe(self, arn: str) -> dict[str, Any]:
        """Return DescribeExecution's answer."""
        with translated("states:DescribeExecution"):
            answer: dict[str, Any] = self._client.describe_execution(executionArn=arn)
        return answer

    def find(self, arn: str) -> dict[str, Any] | None:
        """Return DescribeExecution's answer, or None for an unknown or forgotten execution."""
        with except_for(_FORGOTTEN):
            return self.describe(arn)
        return None

    def page(self, token: str = "", **only: str) -> tuple[list[dict[str, Any]], str]:
        """List a page of up to 1,000 executions, the latest first; the first page without a token.

        Returns ListExecutions' entries, and the token of the next page, which is valid for a day;
        an empty one after the last page. ``only`` are ListExecutions' filters, such as
        ``statusFilter="RUNNING"``.
        """
        begin = {"nextToken": token} if token else {}
        with translated("states:ListExecutions"):
            answer = self._client.list_executions(
                stateMachineArn=self.state_machine_arn, maxResults=1000, **begin, **only
            )
            return answer["executions"], answer.get("nextToken", "")

    def last_tasks(self, arn: str, limit: int = 25) -> list[dict[str, Any]]:
        """Return the last events of an execution's history, the latest first.

        Returns none for an unknown or forgotten execution.
        """
        with except_for(_FORGOTTEN), translated("states:GetExecutionHistory"):
            answer = self._client.get_execution_history(
                executionArn=arn, reverseOrder=True, maxResults=limit, includeExecutionData=True
            )
            events: list[dict[str, Any]] = answer["events"]
            return events
        return []

    def waits(self, arn: str) -> bool:
        """Return True if an execution waits for a concurrency slot: its last call asked for one."""
        calls = (event for event in self.last_tasks(arn) if _resource(event))
        last = next(calls, {"type": ""})
        return _resource(last) == _CALLBACK and last["type"] != "TaskSucceeded"

    def resume(self, token: str) -> bool:
        """Resume the execution that waits for a token; return False if none waits for it."""
        with except_for(*_NOT_WAITING), translated("states:SendTaskSuccess"):
            self._client.send_task_success(taskToken=token, output="{}")
            return True
        return False


def _resource(event: dict[str, Any]) -> str:
    """Return the API action of a task's event; an empty text for other events."""
    details = (value for value in event.values() if isinstance(value, dict))
    return next((one["resource"] for one in details if "resource" in one), "")
