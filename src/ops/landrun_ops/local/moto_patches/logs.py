"""Patch of moto's CloudWatch Logs: FilterLogEvents that reads no more than the page it answers.

moto ignores ``logStreamNamePrefix`` and reads and sorts all events of the group for each page: one
job that prints 100 MB keeps everybody else waiting.
"""

from bisect import bisect_left
from operator import attrgetter
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.logs.responses import LogsResponse

from landrun_ops.local.patches import Patches

_PAGE: Final = 10_000
"""Most events of a page, as on AWS."""

_MOTOS_OWN: Final = ("filterPattern", "endTime", "logStreamNames")
"""Parameters that landrun does not use: moto answers a call with one of them."""

_time = attrgetter("timestamp")


def patch(patches: Patches) -> None:
    """Let FilterLogEvents go on where the page before it ended."""
    patches.wrap(LogsResponse, "filter_log_events", _filter_log_events)


def _filter_log_events(others: Any, self: Any) -> Any:
    group = self.logs_backend.groups.get(self._get_param("logGroupName"))
    if group is None or any(map(self._get_param, _MOTOS_OWN)):
        return others(self)
    prefix, start = self._get_param("logStreamNamePrefix") or "", self._get_param("startTime") or 0
    names = [name for name in list(group.streams) if name.startswith(prefix)]
    streams = [group.streams[name].events for name in names]
    token, limit = self._get_param("nextToken"), self._get_param("limit") or _PAGE
    # The token is the position in each stream; new ones may have come since.
    positions = [int(number) for number in token.split("-")] if token else []
    new = streams[len(positions) :]
    positions += [bisect_left(events, start, key=_time) for events in new]
    ends = [len(events) for events in streams]
    candidates = [
        (events[at].timestamp, index, at)
        for index, events in enumerate(streams)
        for at in range(positions[index], min(positions[index] + limit, ends[index]))
    ]
    page = []
    for _, index, at in sorted(candidates)[:limit]:
        positions[index] = at + 1
        event = streams[index][at].to_filter_dict()
        page.append({**event, "logStreamName": names[index]})
    more = {"nextToken": "-".join(map(str, positions))} if positions != ends else {}
    return ActionResult({"events": page, "searchedLogStreams": [], **more})
