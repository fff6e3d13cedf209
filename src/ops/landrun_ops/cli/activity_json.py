"""What goes on in a stack, as JSON and as a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from landrun_ops.cli.activity_screen import SPANS, View, dead_letters

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord

_AGE = re.compile(r" as of \d+ s ago:")

LATEST = 20
"""Runs that ended, in an object of JSON."""


def document(view: View) -> dict[str, Any]:
    """Give a view as JSON has it; what is not known is null."""
    queues, activity, tick = view.queues, view.activity, view.tick
    depths = queues.depths if queues else {}
    places = view.line.places if view.line else {}
    return {
        "at": _text(view.now),
        "stack": view.stack,
        "region": view.region,
        "start_on": view.start_on,
        "landings": asdict(depths["landings"]) if queues else None,
        "statuses": asdict(depths["statuses"]) if queues else None,
        "dead_letters": dict(queues.dead) if queues else None,
        "waiting": _waiting(view),
        "turns": _turns(view),
        "next_tick": {"expression": tick.expression, "at": _text(tick.at)} if tick else None,
        "running": [_running(one, view.now, places) for one in activity.running]
        if activity
        else None,
        "more_running": activity.more_running if activity else None,
        "last": {
            name.replace(" ", ""): asdict(activity.rate(view.now, span)) for name, span in SPANS
        }
        if activity
        else None,
        "ended": [_run(one, view.now) for one in activity.ended[:LATEST]] if activity else None,
        "troubles": list(view.troubles),
    }


def line(view: View) -> str:
    """Say in a line how things stand: the same line while nothing changes."""
    return "; ".join(_parts(view))


def _parts(view: View) -> Iterator[str]:
    if view.queues:
        depth = view.queues.depths["landings"]
        yield f"landed {depth.visible + depth.in_flight:,}"
    if view.backlog:
        yield f"waiting {'at least ' if view.backlog.more else ''}{view.backlog.count:,}"
    if view.line:
        least = "at least " if view.line.more else ""
        yield f"in line {least}{len(view.line.waiters):,}"
    if view.activity:
        hour = view.activity.rate(view.now, timedelta(hours=1))
        yield f"running {len(view.activity.running):,}{'+' if view.activity.more_running else ''}"
        yield f"last hour {hour.succeeded:,} succeeded, {hour.failed:,} failed"
    if view.queues:
        yield f"dead letters {dead_letters(view.queues) or 'none'}"
    for trouble in view.troubles:
        yield _AGE.sub(" not up to date:", trouble)


def _waiting(view: View) -> dict[str, Any] | None:
    backlog = view.backlog
    if backlog is None:
        return None
    return {
        "count": backlog.count,
        "at_least": backlog.more,
        "claimed": backlog.claimed,
        "oldest": _text(backlog.oldest),
        "seen": _text(view.backlog_seen),
    }


def _turns(view: View) -> dict[str, Any] | None:
    line = view.line
    if line is None:
        return None
    return {
        "bound": line.bound,
        "taken": line.holding,
        "waiting": len(line.waiters),
        "at_least": line.more,
        "oldest": _text(line.oldest),
    }


def _running(one: RunRecord, now: datetime, places: Mapping[str, int]) -> dict[str, Any]:
    in_line = {"place_in_line": places[one.name]} if one.name in places else {}
    return _run(one, now) | in_line


def _run(one: RunRecord, now: datetime) -> dict[str, Any]:
    return {
        "name": one.name,
        "status": one.status,
        "started_at": _text(one.started),
        "stopped_at": _text(one.stopped),
        "seconds": round(((one.stopped or now) - one.started).total_seconds(), 3),
        "trigger": one.trigger,
        "error": one.error,
        "exit_message": one.exit_message,
    }


def _text(time: datetime | None) -> str | None:
    return f"{time.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z" if time else None
