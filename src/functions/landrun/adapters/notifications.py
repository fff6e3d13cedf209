"""The SNS client, and what a notification of a failure says."""

from collections.abc import Iterator
from shlex import quote
from typing import Any

from landrun.adapters.clients import translated
from landrun.models.run_record import RunRecord
from landrun.sanitize import defanged, one_line, printable

SUBJECT_LIMIT = 99
"""Characters of an SNS subject: fewer than 100, ASCII, no line breaks (SNS API, Publish)."""

_WHAT_HAPPENED = {
    "FAILED": "failed",
    "TIMED_OUT": "timed out",
    "ABORTED": "was stopped",
}
_ADVICE = {
    "quota": "Ask for a larger quota (Service Quotas, Amazon SageMaker), then redrive the run."
    " Or change InstanceType, then rerun it: a redrive keeps the old InstanceType.",
    "job": "Read the job's log, then fix the cause.",
    "FAILED": "Look at the execution's history, then fix the cause.",
    "TIMED_OUT": "Look in the execution's history for what took so long: waiting for a quota"
    " (ResourceLimitExceeded), or a job that needs more time (MaxRuntimeInSeconds).",
    "ABORTED": "Nothing, if somebody meant to stop it.",
}


class Notifications:
    """The topic that failures are published to, through boto3's client of SNS."""

    def __init__(self, client: Any, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, subject: str, message: str) -> None:
        """Publish one notification; raise `ServiceError` when SNS does not accept it."""
        with translated("sns:Publish"):
            self._client.publish(TopicArn=self._topic_arn, Subject=subject, Message=message)


def failure_subject(record: RunRecord) -> str:
    """Say in one line which run failed."""
    subject = f"landrun: {printable(record.name)} {_WHAT_HAPPENED[record.status]}"
    return subject.encode("ascii", "replace").decode()[:SUBJECT_LIMIT]


def failure_message(record: RunRecord) -> str:
    """Say what failed, why, where to look and what to do next.

    The text is plain and has no link: an object's key or a cause must not become one in a mail
    that AWS sends.
    """
    facts = {
        "Trigger": trigger_text(record.trigger),
        "Started": record.started_at,
        "Ended": record.stopped_at,
        "Error": record.error,
        "Exit message": record.exit_message,
        "Cause": None if record.exit_message else record.cause,
        "Processing job": record.job_name,
        "Input": record.input_message,
        "Input also matches": ", ".join(record.input_also_matches),
        "Output": record.output_processed_message,
        "Execution": record.execution_arn,
    }
    lines = [f"{label}: {defanged(one_line(fact))}" for label, fact in facts.items() if fact]
    head = f"Run {defanged(printable(record.name))} {_WHAT_HAPPENED[record.status]}."
    return "\n".join([head, "", *lines, "", *_what_to_do(record)])


def trigger_text(trigger: dict[str, Any]) -> str | None:
    """Say in a phrase what started a run; None if that is not known."""
    if not trigger:
        return None
    match trigger.get("Kind"):
        case "object-created":
            return f"s3://{trigger.get('Bucket')}/{trigger.get('Key')} landed"
        case "schedule":
            return f"schedule {trigger.get('ScheduleArn')} at {trigger.get('ScheduledTime')}"
        case "manual":
            return f"by hand, by {trigger.get('StartedBy')}"
        case "outside":
            return "by hand, outside landrun"
        case other:
            return str(other)


def _what_to_do(record: RunRecord) -> Iterator[str]:
    """Advise, with commands that are safe to paste whatever names the run and its job have."""
    kind = _kind(record)
    name, execution = (quote(printable(text)) for text in (record.name, record.execution_arn))
    yield f"What to do: {_ADVICE[kind]}"
    if kind == "job":
        stream = quote(printable(f"{record.job_name}/"))
        yield f"  aws logs tail /aws/sagemaker/ProcessingJobs --log-stream-name-prefix {stream}"
    yield "All details:"
    yield f"  landrun show {name}"
    yield "Rerun it, as a new run with the current definition:"
    yield f"  landrun rerun {name}"
    if record.can_be_redriven:
        yield "Or redrive it within 14 days, with the definition that it was started with:"
        yield f"  aws stepfunctions redrive-execution --execution-arn {execution}"
    else:
        yield "It cannot be redriven: SageMaker would refuse the name of its job, which is taken."


def _kind(record: RunRecord) -> str:
    if "ResourceLimitExceeded" in (record.error or ""):
        return "quota"
    return "job" if record.status == "FAILED" and record.job_name else record.status
