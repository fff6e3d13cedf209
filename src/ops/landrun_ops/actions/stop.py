"""Stop executions, also those that wait for a concurrency slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.step_functions import Executions
from landrun.models.run_record import UNFINISHED, RunRecord


@dataclass(frozen=True, slots=True)
class Stopped:
    """What became of one execution that was to be stopped.

    Attributes
    ----------
    stopped : bool
        False if it had ended before.
    status : str
        The execution's status now.
    """

    name: str
    execution_arn: str
    stopped: bool
    status: str


def stop(client: Any, executions: Executions, run: RunRecord, cause: str) -> Stopped:
    """Stop the execution of a run; one that has ended stays as it is.

    Step Functions stops what the execution's ``.sync`` task had started: the Processing job.

    Parameters
    ----------
    client : Step Functions client
        boto3's.
    cause : str
        Why, for the run's record.

    Raises
    ------
    ServiceError
        When Step Functions refuses a call, cannot be reached, or has no such execution.
    """
    name, arn = run.name, run.execution_arn
    before = executions.describe(arn)["status"]
    if before not in UNFINISHED:
        return Stopped(name, arn, stopped=False, status=before)
    with translated("states:StopExecution"):
        client.stop_execution(executionArn=arn, cause=cause)
    after = executions.describe(arn)["status"]
    return Stopped(name, arn, stopped=after == "ABORTED", status=after)
