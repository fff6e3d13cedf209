"""The door to CloudWatch Logs: what the Processing jobs of a run wrote, in the order of time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import ServiceError
from landrun_ops.stack.console_links import LOG_GROUP

OVERLAP = 15_000
"""Milliseconds that are read again when following: so late may a line of an instance come."""

NO_GROUP = "ResourceNotFoundException"
"""How CloudWatch Logs answers before the first job of an account has written anything."""

PAGES = 20
"""Pages that are asked for the end of a stream: some may be empty."""

_STREAM = re.compile(r"(?P<job>[^/]+)/(?P<instance>[^/]+?)(?:-\d+)?")
"""``<job>/algo-1-1700000000`` (SageMaker developer guide, "Log streams")."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a log.

    Attributes
    ----------
    time : datetime
        When it was written, in UTC.
    job, instance : str
        The Processing job, and which of its instances: ``algo-1``.
    message : str
        What was written: anything.
    """

    time: datetime
    job: str
    instance: str
    message: str


class JobLogs:
    """The logs of Processing jobs.

    Parameters
    ----------
    client : CloudWatch Logs client
        boto3's.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def lines(self, prefix: str) -> Iterator[Line]:
        """Give what was written to the streams whose names begin so, oldest first, page by page.

        Raises
        ------
        ServiceError
            When CloudWatch Logs refuses a call or cannot be reached.
        """
        for event in self._events(prefix, 0):
            yield _line(event)

    def follow(self, prefix: str, more: Callable[[], bool]) -> Iterator[Line]:
        """Give what was written, then what is being written, as long as there is ``more``.

        Parameters
        ----------
        more : callable
            Waits, and says whether to look again; asked after each look.

        Raises
        ------
        ServiceError
            When CloudWatch Logs refuses a call or cannot be reached.
        """
        seen: dict[str, int] = {}
        newest = 0
        while True:
            for event in self._events(prefix, max(0, newest - OVERLAP)):
                newest = max(newest, event["timestamp"])
                if event["eventId"] not in seen:
                    seen[event["eventId"]] = event["timestamp"]
                    yield _line(event)
            seen = {name: at for name, at in seen.items() if at >= newest - OVERLAP}
            if not more():
                return

    def tail(self, job: str, most: int) -> list[str]:
        """Give the last lines that a job wrote: of one instance, the one that wrote last.

        Raises
        ------
        ServiceError
            When CloudWatch Logs refuses a call or cannot be reached.
        """
        try:
            with translated("logs:DescribeLogStreams"):
                streams = self._client.describe_log_streams(
                    logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job}/"
                )["logStreams"]
            if not streams:
                return []
            events = self._end_of(max(streams, key=_written_at)["logStreamName"], most)
        except ServiceError as error:
            if error.code != NO_GROUP:
                raise
            return []
        lines = [line for event in events for line in event["message"].splitlines()]
        return lines[-most:]

    def _end_of(self, stream: str, most: int) -> list[dict[str, Any]]:
        """Give a stream's last events; a page may be empty although there are more."""
        asked: dict[str, Any] = {"startFromHead": False, "limit": most}
        for _ in range(PAGES):
            with translated("logs:GetLogEvents"):
                found = self._client.get_log_events(
                    logGroupName=LOG_GROUP, logStreamName=stream, **asked
                )
            back = found.get("nextBackwardToken")
            if found["events"] or back in (None, asked.get("nextToken")):
                break
            asked["nextToken"] = back
        events: list[dict[str, Any]] = found["events"]
        return events

    def jobs(self, prefix: str) -> list[str]:
        """Name the jobs that have streams of that prefix, the oldest first.

        Raises
        ------
        ServiceError
            When CloudWatch Logs refuses a call or cannot be reached.
        """
        pages = self._client.get_paginator("describe_log_streams")
        found: dict[str, int] = {}
        try:
            with translated("logs:DescribeLogStreams"):
                for page in pages.paginate(logGroupName=LOG_GROUP, logStreamNamePrefix=prefix):
                    for stream in page["logStreams"]:
                        job = stream["logStreamName"].partition("/")[0]
                        begun = stream["creationTime"]
                        found[job] = min(begun, found.get(job, begun))
        except ServiceError as error:
            if error.code != NO_GROUP:
                raise
        return sorted(found, key=lambda job: found[job])

    def _events(self, prefix: str, begin: int) -> Iterator[dict[str, Any]]:
        """Read by FilterLogEvents, which orders the events of all streams by time.

        ``interleaved`` asks for that order; AWS has always given it since 2019 and ignores the
        word, the laptop's moto heeds it, but not the prefix.
        """
        pages = self._client.get_paginator("filter_log_events")
        asked = {"startTime": begin} if begin else {}
        try:
            with translated("logs:FilterLogEvents"):
                for page in pages.paginate(
                    logGroupName=LOG_GROUP, logStreamNamePrefix=prefix, interleaved=True, **asked
                ):
                    for event in page["events"]:
                        if event["logStreamName"].startswith(prefix):
                            yield event
        except ServiceError as error:
            if error.code != NO_GROUP:
                raise


def _line(event: dict[str, Any]) -> Line:
    stream = event["logStreamName"]
    found = _STREAM.fullmatch(stream)
    return Line(
        time=datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
        job=found["job"] if found else stream,
        instance=found["instance"] if found else "",
        message=event["message"],
    )


def _written_at(stream: dict[str, Any]) -> int:
    """Say when a stream was last written to, as far as CloudWatch Logs knows yet."""
    at: int = stream.get("lastEventTimestamp") or stream.get("creationTime") or 0
    return at
