"""Read from CloudWatch Logs what the Processing jobs of a run wrote, page by page."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from landrun.adapters import job_logs
from landrun.adapters.clients import translated
from landrun.errors import ServiceError
from landrun.models.processing_job import LOG_GROUP

OVERLAP = 15_000
"""Milliseconds read again when following: lines of an instance may arrive that late."""

NO_GROUP = "ResourceNotFoundException"
"""CloudWatch Logs' answer before the first job of an account has written anything."""

_STREAM = re.compile(r"(?P<job>[^/]+)/(?P<instance>[^/]+?)(?:-\d+)?")
"""``<job>/algo-1-1700000000`` (SageMaker developer guide, "Log streams")."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a log: its text, its time in UTC, and the job's instance, such as ``algo-1``."""

    time: datetime
    job: str
    instance: str
    message: str


class JobLogs:
    """The logs of Processing jobs, through boto3's client of CloudWatch Logs.

    Its methods raise ServiceError when a call fails.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def lines(self, prefix: str) -> Iterator[Line]:
        """Yield the lines of the streams whose names begin with a prefix, oldest first."""
        return self.follow(prefix, [None])

    def follow(self, prefix: str, pauses: Iterable[object]) -> Iterator[Line]:
        """Yield the lines that exist, then new ones: reads again after each pause."""
        seen: OrderedDict[str, int] = OrderedDict()
        newest = 0
        for _ in pauses:
            for event in self._events(prefix, max(0, newest - OVERLAP)):
                newest = max(newest, event["timestamp"])
                if event["eventId"] not in seen:
                    seen[event["eventId"]] = event["timestamp"]
                    yield _line(event)
                if seen[next(iter(seen))] < newest - OVERLAP:
                    seen.popitem(last=False)

    def tail(self, job: str, most: int) -> list[str]:
        """Return the last lines of a job: of several instances, the one that wrote last."""
        tails = job_logs.JobLogs(self._client).tails(job)
        return tails[0][-most:] if tails else []

    def _events(self, prefix: str, begin: int) -> Iterator[dict[str, Any]]:
        """Read by FilterLogEvents, which orders the events of all streams by time."""
        pages = self._client.get_paginator("filter_log_events")
        asked = {"startTime": begin} if begin else {}
        try:
            with translated("logs:FilterLogEvents"):
                for page in pages.paginate(
                    logGroupName=LOG_GROUP, logStreamNamePrefix=prefix, **asked
                ):
                    yield from page["events"]
        except ServiceError as error:
            if error.code != NO_GROUP:
                raise


def _line(event: dict[str, Any]) -> Line:
    stream = event["logStreamName"]
    found = _STREAM.fullmatch(stream)
    job, instance = (found["job"], found["instance"]) if found else (stream, "")
    time = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return Line(time, job, instance, event["message"])
