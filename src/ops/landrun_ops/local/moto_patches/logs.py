"""Patch of moto's CloudWatch Logs: FilterLogEvents that reads no more than the page it answers.

moto ignores ``logStreamNamePrefix`` and reads and sorts all events of the group for each page: one
job that prints 100 MB keeps everybody else waiting.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterator
from operator import attrgetter
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.logs.responses import LogsResponse

from landrun_ops.local.patches import Patches

_PAGE: Final = 10_000
"""Most events of a page, as on AWS."""

_timestamp = attrgetter("timestamp")


def patch(patches: Patches) -> None:
    """Let FilterLogEvents without a pattern go on where the page before it ended."""
    others = LogsResponse.filter_log_events

    def filter_log_events(self: Any) -> Any:
        group = self.logs_backend.groups.get(self._get_param("logGroupName"))
        if group is None or self._get_param("filterPattern"):
            return others(self)
        names = self._get_param("logStreamNames") or list(group.streams)
        prefix = self._get_param("logStreamNamePrefix") or ""
        streams = [
            group.streams[name]
            for name in names
            if name in group.streams and name.startswith(prefix)
        ]
        start, end = self._get_param("startTime") or 0, self._get_param("endTime") or float("inf")
        token = self._get_param("nextToken")
        positions = [int(number) for number in token.split("-")] if token else []
        new = streams[len(positions) :]
        positions += [bisect_left(stream.events, start, key=_timestamp) for stream in new]
        events = _page(streams, positions, end, min(self._get_param("limit") or _PAGE, _PAGE))
        more = any(p < len(s.events) for p, s in zip(positions, streams, strict=True))
        following = {"nextToken": "-".join(map(str, positions))} if events and more else {}
        return ActionResult({"events": events, "searchedLogStreams": [], **following})

    patches.set(LogsResponse, "filter_log_events", filter_log_events)


def _page(streams: list[Any], positions: list[int], end: float, limit: int) -> list[dict[str, Any]]:
    """Merge the streams' next events by time, and advance ``positions`` past those."""

    def rest(index: int) -> Iterator[tuple[int, int, int]]:
        # By index: a list's iterator would see what is added meanwhile, too.
        for position in range(positions[index], len(streams[index].events)):
            yield streams[index].events[position].timestamp, index, position

    events: list[dict[str, Any]] = []
    for timestamp, index, position in heapq.merge(*map(rest, range(len(streams)))):
        if len(events) == limit or timestamp > end:
            break
        stream, positions[index] = streams[index], position + 1
        event = stream.events[position].to_filter_dict()
        events.append({**event, "logStreamName": stream.log_stream_name})
    return events
