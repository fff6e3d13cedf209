"""What an engineer on call is told when a run fails, and the door to SNS."""

from __future__ import annotations

from shlex import quote
from typing import Any

from landrun.adapters.clients import translated
from landrun.sanitize import defanged, one_line, printable

SUBJECT_LIMIT = 99
"""Characters of an SNS subject: fewer than 100, ASCII, no line breaks (SNS API, Publish)."""

_WHAT = {
    "FAILED": "failed",
    "TIMED_OUT": "ran into its time limit and was stopped",
    "ABORTED": "was stopped by hand",
}
_REMEDY = {
    "quota": "ask for a larger quota (Service Quotas, Amazon SageMaker) or change InstanceType",
    "job": "read the job's log and mend the cause:\n  {log}",
    "FAILED": "look at the execution's history and mend the cause",
    "TIMED_OUT": "look in the execution's history for what it waited for, a quota"
    " (ResourceLimitExceeded) or a job that needs more time (MaxRuntimeInSeconds)",
    "ABORTED": "nothing, if it was meant",
}


class Notifications:
    """The topic that failures are published to.

    Parameters
    ----------
    client : SNS client
        boto3's.
    topic_arn : str
        The topic.
    """

    def __init__(self, client: Any, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, subject: str, message: str) -> None:
        """Publish one notification.

        Raises
        ------
        ServiceError
            When SNS refuses the call or cannot be reached.
        """
        with translated("sns:Publish"):
            self._client.publish(TopicArn=self._topic_arn, Subject=subject, Message=message)


def failure_subject(row: dict[str, Any]) -> str:
    """Say in one line which run failed."""
    subject = f"landrun: {row['name']} {_WHAT[row['status']]}"
    return subject.encode("ascii", "replace").decode()[:SUBJECT_LIMIT]


def failure_message(row: dict[str, Any]) -> str:
    """Say what failed, why, where to look and what to do next.

    Plain text, and no link: what a key or a cause says must not become one in a mail from AWS.

    Parameters
    ----------
    row : dict
        The ledger's row of a run that has ended without success.
    """
    facts = {
        "Trigger": _trigger(row.get("trigger")),
        "Started": row["started_at"],
        "Ended": row.get("stopped_at"),
        "Error": row.get("error"),
        "Exit message": row.get("exit_message"),
        "Cause": None if row.get("exit_message") else row.get("cause"),
        "Processing job": row.get("job_name"),
        "Reads": row.get("input_message"),
        "Writes": row.get("output_processed_message"),
        "Execution": row["execution_arn"],
    }
    lines = [f"{label}: {defanged(one_line(str(fact)))}" for label, fact in facts.items() if fact]
    head = f"The run {defanged(printable(row['name']))} {_WHAT[row['status']]}."
    return "\n".join([head, "", *lines, "", *_what_to_do(row)])


def _what_to_do(row: dict[str, Any]) -> list[str]:
    """Say the remedy, with commands safe to paste; a redriven run keeps its name and its row."""
    stream = quote(printable(f"{row.get('job_name')}/"))
    log = f"aws logs tail /aws/sagemaker/ProcessingJobs --log-stream-name-prefix {stream}"
    execution, name = (quote(printable(row[field])) for field in ("execution_arn", "name"))
    return [
        f"What to do: {_REMEDY[_kind(row)].format(log=log)}",
        f"All of it: landrun show {name}",
        "Then run it again under the same name, within 14 days:",
        f"  aws stepfunctions redrive-execution --execution-arn {execution}",
    ]


def _kind(row: dict[str, Any]) -> str:
    if "ResourceLimitExceeded" in (row.get("error") or ""):
        return "quota"
    return "job" if row["status"] == "FAILED" and row.get("job_name") else str(row["status"])


def _trigger(trigger: object) -> str | None:
    """Say in a phrase what started a run; the trigger may be anything, it comes from outside."""
    if not isinstance(trigger, dict):
        return None
    match trigger.get("Kind"):
        case "object-created":
            return f"s3://{trigger.get('Bucket')}/{trigger.get('Key')} landed"
        case "schedule":
            return f"tick of {trigger.get('ScheduleArn')} at {trigger.get('ScheduledTime')}"
        case "manual":
            return f"started by hand by {trigger.get('StartedBy')}"
        case other:
            return str(other)
