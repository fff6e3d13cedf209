"""The door to Step Functions: start, describe, look back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import AlreadyStarted, ServiceError
from landrun.models.run import ExecutionInput

_FORGOTTEN = "ExecutionDoesNotExist"
"""Step Functions keeps a closed execution for 90 days; a message may have waited longer."""

_CALLBACK = "sendMessage.waitForTaskToken"
_NOBODY_WAITS = frozenset({"InvalidToken", "TaskDoesNotExist", "TaskTimedOut"})
"""How SendTaskSuccess answers for a token that was used, or whose state has ended."""


@dataclass(frozen=True, slots=True)
class Started:
    """An execution that runs.

    Attributes
    ----------
    arn : str
        The execution's ARN.
    started_at : datetime
        When it started: long ago for a second call with the same name and input.
    """

    arn: str
    started_at: datetime


class Executions:
    """The executions of one state machine.

    Parameters
    ----------
    client : Step Functions client
        boto3's.
    state_machine_arn : str
        The machine that was created beforehand.
    """

    def __init__(self, client: Any, state_machine_arn: str) -> None:
        self._client = client
        self._state_machine_arn = state_machine_arn

    def start(self, run: ExecutionInput) -> Started:
        """Start a run under its own name.

        While the run is running, a second call with the same input finds it (StartExecution is
        idempotent then); once it has closed, Step Functions refuses the name for 90 days.

        Raises
        ------
        AlreadyStarted
            When an execution of that name has closed, or was started with another input.
        ServiceError
            When Step Functions refuses for another reason, as a quota, or cannot be reached.
        """
        try:
            with translated("states:StartExecution"):
                answer = self._client.start_execution(
                    stateMachineArn=self._state_machine_arn,
                    name=run.PreprocessingJobName,
                    input=run.to_json(),
                )
        except ServiceError as error:
            if error.code == "ExecutionAlreadyExists":
                raise AlreadyStarted(run.PreprocessingJobName) from error
            raise
        return Started(answer["executionArn"], answer["startDate"])

    @property
    def state_machine_arn(self) -> str:
        """The machine whose executions these are."""
        return self._state_machine_arn

    def arn(self, name: str) -> str:
        """Spell the ARN of the machine's execution of that name."""
        return f"{self._state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"

    def ours(self, arn: str) -> bool:
        """Whether an execution is of the machine: a role may look at no other."""
        return arn.startswith(self.arn(""))

    def describe(self, arn: str) -> dict[str, Any]:
        """Fetch one execution whole: DescribeExecution's answer.

        Raises
        ------
        ServiceError
            When Step Functions refuses the call or cannot be reached.
        """
        with translated("states:DescribeExecution"):
            answer: dict[str, Any] = self._client.describe_execution(executionArn=arn)
        return answer

    def find(self, arn: str) -> dict[str, Any] | None:
        """Fetch one execution whole; None when Step Functions does not know it, or no longer.

        Raises
        ------
        ServiceError
            When Step Functions refuses the call or cannot be reached.
        """
        try:
            return self.describe(arn)
        except ServiceError as error:
            if error.code == _FORGOTTEN:
                return None
            raise

    def page(self, token: str = "", **only: str) -> tuple[list[dict[str, Any]], str]:
        """List a page of up to 1,000 executions, those that started last first.

        Parameters
        ----------
        token : str
            Where to go on; Step Functions knows it for a day.
        only : str
            ListExecutions' filters, as ``statusFilter="RUNNING"``.

        Returns
        -------
        list of dict, str
            ListExecutions' entries, and the token of the next page; empty after the last.

        Raises
        ------
        ServiceError
            When Step Functions refuses the call or cannot be reached.
        """
        begin = {"nextToken": token} if token else {}
        with translated("states:ListExecutions"):
            answer = self._client.list_executions(
                stateMachineArn=self._state_machine_arn, maxResults=1000, **begin, **only
            )
        return answer["executions"], answer.get("nextToken", "")

    def last_tasks(self, arn: str, limit: int = 25) -> list[dict[str, Any]]:
        """Fetch the newest events of an execution's history, newest first.

        Parameters
        ----------
        limit : int
            How many events at most.

        Returns
        -------
        list of dict
            Empty when Step Functions does not know the execution, or no longer.

        Raises
        ------
        ServiceError
            When Step Functions refuses the call for another reason, or cannot be reached.
        """
        try:
            with translated("states:GetExecutionHistory"):
                answer = self._client.get_execution_history(
                    executionArn=arn, reverseOrder=True, maxResults=limit, includeExecutionData=True
                )
        except ServiceError as error:
            if error.code == _FORGOTTEN:
                return []
            raise
        events: list[dict[str, Any]] = answer["events"]
        return events

    def waits(self, arn: str) -> bool:
        """Whether an execution stands where it asks for its turn: its newest call is that.

        Raises
        ------
        ServiceError
            When Step Functions refuses the call or cannot be reached.
        """
        newest = (one for one in self.last_tasks(arn) if _resource(one))
        one = next(newest, {"type": ""})
        return _resource(one) == _CALLBACK and one["type"] != "TaskSucceeded"

    def let_go_on(self, token: str) -> bool:
        """Let an execution go on that waits for a token; False when nothing waits for it any more.

        Raises
        ------
        ServiceError
            When Step Functions refuses for another reason, or cannot be reached.
        """
        try:
            with translated("states:SendTaskSuccess"):
                self._client.send_task_success(taskToken=token, output="{}")
        except ServiceError as error:
            if error.code in _NOBODY_WAITS:
                return False
            raise
        return True


def _resource(event: dict[str, Any]) -> str:
    """Name the service's call that an event of a history is about, if it is about one."""
    details = (value for value in event.values() if isinstance(value, dict))
    return next((one["resource"] for one in details if "resource" in one), "")
