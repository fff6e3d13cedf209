"""Read from CloudWatch Logs what the Processing jobs of a run wrote, page by page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.job_logs import last_written
from landrun.errors import ServiceError
from landrun.models.processing_job import LOG_GROUP

OVERLAP = 15_000
"""Milliseconds that are read again when following: an instance's lines may come that late."""

REMEMBERED = 20_000
"""Events that following remembers before it forgets those older than `OVERLAP`."""

NO_GROUP = "ResourceNotFoundException"
"""CloudWatch Logs' answer before the first job of an account has written anything."""

PAGES = 20
"""Pages to ask for the end of a stream: some may be empty."""

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
        The Processing job, and which of its instances, such as ``algo-1``.
    message : str
        What was written: any text.
    """

    time: datetime
    job: str
    instance: str
    message: str


class JobLogs:
    """The logs of Processing jobs; methods raise `ServiceError` when a call fails.

    Parameters
    ----------
    client : CloudWatch Logs client
        boto3's.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def lines(self, prefix: str) -> Iterator[Line]:
        """Yield what was written to the streams whose names begin so, oldest first."""
        yield from map(_line, self._events(prefix, 0))

    def follow(self, prefix: str, more: Callable[[], bool]) -> Iterator[Line]:
        """Yield what was written, then what is being written.

        Parameters
        ----------
        more : callable
            Waits, and returns whether to look again; called after each look.
        """
        seen: dict[str, int] = {}
        newest, most = 0, REMEMBERED
        while True:
            for event in self._events(prefix, max(0, newest - OVERLAP)):
                newest = max(newest, event["timestamp"])
                if event["eventId"] not in seen:
                    seen[event["eventId"]] = event["timestamp"]
                    yield _line(event)
                if len(seen) > most:
                    seen = _late(seen, newest)
                    most = max(REMEMBERED, 2 * len(seen))
            seen = _late(seen, newest)
            if not more():
                return

    def tail(self, job: str, most: int) -> list[str]:
        """Return the last lines of a job: of several instances, the one that wrote last."""
        try:
            streams = self._streams(f"{job}/")
            if not streams:
                return []
            events = self._end_of(max(streams, key=last_written)["logStreamName"], most)
        except ServiceError as error:
            if error.code != NO_GROUP:
                raise
            return []
        return [line for event in events for line in event["message"].splitlines()][-most:]

    def jobs(self, prefix: str) -> list[str]:
        """Return the names of jobs whose streams begin so, the oldest first."""
        found: dict[str, int] = {}
        try:
            for stream in self._streams(prefix):
                job = stream["logStreamName"].partition("/")[0]
                found[job] = min(stream["creationTime"], found.get(job, stream["creationTime"]))
        except ServiceError as error:
            if error.code != NO_GROUP:
                raise
        return sorted(found, key=lambda job: found[job])

    def _streams(self, prefix: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("describe_log_streams")
        with translated("logs:DescribeLogStreams"):
            found = pages.paginate(logGroupName=LOG_GROUP, logStreamNamePrefix=prefix)
            return [stream for page in found for stream in page["logStreams"]]

    def _end_of(self, stream: str, most: int) -> list[dict[str, Any]]:
        """Return a stream's last events; a page may be empty although there are more."""
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

    def _events(self, prefix: str, begin: int) -> Iterator[dict[str, Any]]:
        """Read by FilterLogEvents, which orders the events of all streams by time.

        ``interleaved`` asks for that order; AWS has always given it since 2019 and ignores the
        word, the laptop's moto needs it, but ignores the prefix.
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


def _late(seen: dict[str, int], newest: int) -> dict[str, int]:
    """Keep the events that the next look may find again."""
    return {name: at for name, at in seen.items() if at >= newest - OVERLAP}


def _line(event: dict[str, Any]) -> Line:
    stream = event["logStreamName"]
    found = _STREAM.fullmatch(stream)
    return Line(
        time=datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
        job=found["job"] if found else stream,
        instance=found["instance"] if found else "",
        message=event["message"],
    )
