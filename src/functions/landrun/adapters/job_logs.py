"""The CloudWatch Logs client: how the logs of a Processing job end."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import ServiceError
from landrun.models.processing_job import LOG_GROUP

STREAMS = 3
"""Instances of a job whose logs are read: those that wrote last."""

EVENTS = 100
"""Log events that are read of each; CloudWatch Logs returns at most 1 MB of them."""


BATCH_SECONDS = 20.0
"""How long the logs of a batch's failures may take to read: a function has 60 seconds in all, and
records the other failures without their logs."""


class JobLogs:
    """The logs of Processing jobs, through boto3's client of CloudWatch Logs.

    Raises `ServiceError` when CloudWatch Logs refuses a call, cannot be reached, or is slow.
    """

    def __init__(self, client: Any, clock: Callable[[], float] = monotonic) -> None:
        self._client, self._clock = client, clock
        self._until = clock() + BATCH_SECONDS

    def start_batch(self) -> None:
        """Allow `BATCH_SECONDS` from now."""
        self._until = self._clock() + BATCH_SECONDS

    def tails(self, job_name: str) -> list[list[str]]:
        """Return the last lines of a job's logs, one list for each instance, newest log first.

        A log becomes readable some time after it was written, so lines may be missing.
        """
        if self._clock() > self._until:
            raise ServiceError("logs:DescribeLogStreams", "NotCalled", "earlier calls were slow")
        with translated("logs:DescribeLogStreams"):
            answer = self._client.describe_log_streams(
                logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job_name}/"
            )
            newest_first = sorted(answer.get("logStreams", []), key=last_written, reverse=True)
            names = [stream["logStreamName"] for stream in newest_first[:STREAMS]]
        return [self._tail(name) for name in names]

    def _tail(self, stream: str) -> list[str]:
        with translated("logs:GetLogEvents"):
            answer = self._client.get_log_events(
                logGroupName=LOG_GROUP, logStreamName=stream, limit=EVENTS, startFromHead=False
            )
            messages = [event["message"] for event in answer.get("events", [])]
            return [line for message in messages for line in message.splitlines()]


def last_written(stream: dict[str, Any]) -> int:
    """Return when a stream was written to, as far as CloudWatch Logs knows yet; milliseconds."""
    time: int = stream.get("lastEventTimestamp") or stream.get("creationTime") or 0
    return time
