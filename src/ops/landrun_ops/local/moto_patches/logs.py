"""Patch of moto's CloudWatch Logs: FilterLogEvents that reads no more than the page it answers.

moto ignores ``logStreamNamePrefix`` and reads and sorts all events of the group for each page: one
job that prints 100 MB keeps everybody else waiting.
"""

from bisect import bisect_left, bisect_right
from operator import attrgetter
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.logs.responses import LogsResponse

from landrun_ops.local.patches import Patches

_PAGE: Final = 10_000
"""Most events of a page, as on AWS."""

_time = attrgetter("timestamp")


def patch(patches: Patches) -> None:
    """Let FilterLogEvents without a pattern go on where the page before it ended."""
    patches.wrap(LogsResponse, "filter_log_events", _filter_log_events)


def _filter_log_events(others: Any, self: Any) -> Any:
    group = self.logs_backend.groups.get(self._get_param("logGroupName"))
    if group is None or self._get_param("filterPattern"):
        return others(self)
    prefix, names = self._get_param("logStreamNamePrefix") or "", list(group.streams)
    wanted = self._get_param("logStreamNames") or [n for n in names if n.startswith(prefix)]
    streams = [group.streams[name].events for name in wanted if name in group.streams]
    start, end = self._get_param("startTime") or 0, self._get_param("endTime") or float("inf")
    token, limit = self._get_param("nextToken"), self._get_param("limit") or _PAGE
    # The token is the position in each stream; new ones may have come since.
    positions = [int(number) for number in token.split("-")] if token else []
    new = streams[len(positions) :]
    positions += [bisect_left(events, start, key=_time) for events in new]
    ends = [bisect_right(events, end, key=_time) for events in streams]
    candidates = [
        (events[at].timestamp, index, at)
        for index, events in enumerate(streams)
        for at in range(positions[index], min(positions[index] + limit, ends[index]))
    ]
    page = []
    for _, index, at in sorted(candidates)[:limit]:
        positions[index] = at + 1
        event = streams[index][at].to_filter_dict()
        page.append({**event, "logStreamName": wanted[index]})
    more = {"nextToken": "-".join(map(str, positions))} if positions != ends else {}
    return ActionResult({"events": page, "searchedLogStreams": [], **more})
