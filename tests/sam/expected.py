"""What each payload of events/ must do, whoever runs the function.

Counts are written down, not computed; which runs and keys they are follows from the payload.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landrun.errors import InvalidEvent, InvalidKey, OtherEvent
from landrun.models.events import parse_object_created
from landrun.models.landing import Landing, LandingFilter, check_key
from landrun.models.run import landing_run_name, tick_run_name

from .tools import ROOT

EVENTS = ROOT / "events"
FUNCTIONS = {
    "object": "ObjectCreatedFunction",
    "schedule": "ScheduleFunction",
    "execution": "ExecutionStatusFunction",
    "slot": "ExecutionStatusFunction",
    "reconcile": "ReconcileFunction",
}
LANDING_PREFIX = "incoming/"


@dataclass(frozen=True)
class Landed:
    """Of an `object-*` payload: how many runs there must be, and new dead letters."""

    runs: int = 0
    dead: int = 0


@dataclass(frozen=True)
class Recorded:
    """Of an `execution-*` payload: what the run's row must say, and how often it is told."""

    status: str
    redrives: int = 0
    told: int = 0
    name: str = "landrun-50f0421ea8585c9eb9688415b36b93f2"


LANDED = {
    "object-created": Landed(runs=1),
    "object-created-all-poison": Landed(dead=10),
    "object-created-batch": Landed(runs=10),
    "object-created-copy": Landed(runs=1),
    "object-created-fewest-fields": Landed(runs=1),
    "object-created-folder-marker": Landed(),
    "object-created-malformed": Landed(dead=1),
    "object-created-mixed-batch": Landed(runs=2, dead=2),
    "object-created-multipart": Landed(runs=1),
    "object-created-newest-first": Landed(runs=2),
    "object-created-nulls": Landed(runs=1),
    "object-created-odd-keys": Landed(runs=10),
    "object-created-one-poison": Landed(runs=9, dead=1),
    "object-created-own-output": Landed(),
    "object-created-post": Landed(runs=1),
    "object-created-refused-keys": Landed(dead=5),
    "object-created-sequencer-lengths": Landed(runs=2),
    "object-created-test-event": Landed(dead=1),
    "object-created-twice": Landed(runs=1),
    "object-created-unversioned": Landed(runs=1),
    "object-created-version-null": Landed(runs=1),
    "object-created-versions": Landed(runs=2),
    "object-created-without-sequencer": Landed(runs=1),
    "object-created-wrong-prefix": Landed(),
    "object-created-wrong-suffix": Landed(runs=1),  # the stack's LandingSuffix is empty
    "object-created-zero-bytes": Landed(),
    "object-deleted": Landed(),
}
RECORDED = {
    "execution-aborted": Recorded("ABORTED", told=1),
    "execution-failed": Recorded("FAILED", told=1),
    "execution-failed-no-job": Recorded("FAILED", told=1),
    "execution-failed-redriven": Recorded("FAILED", redrives=1, told=1),
    "execution-malformed": None,
    "execution-out-of-order": Recorded("SUCCEEDED"),
    "execution-running": Recorded("RUNNING"),
    "execution-running-documented-fields": Recorded("RUNNING"),
    "execution-running-redriven": Recorded("RUNNING", redrives=1),
    "execution-succeeded": Recorded("SUCCEEDED"),
    "execution-succeeded-input-left-out": Recorded("SUCCEEDED"),
    "execution-succeeded-notebook": Recorded(
        "SUCCEEDED", name="bsm-batch-preprocessing-daily-6fa459eaee8a4ca4894edb77"
    ),
    "execution-succeeded-output-left-out": Recorded("SUCCEEDED"),
    "execution-succeeded-redriven": Recorded("SUCCEEDED", redrives=1),
    "execution-succeeded-scheduled": Recorded(
        "SUCCEEDED", name="landrun-80489a2f3fec51449ad3f09dbcabb82f"
    ),
    "execution-timed-out": Recorded("TIMED_OUT", told=1),
}
"""None: no row, and a dead letter."""

ASKED = ("slot-requested", "slot-requested-again", "slot-requested-twice")
"""Of a `slot-requested*` payload: nobody waits for its tokens, so the line is empty after it."""

TICKS = {
    "schedule-classic": None,
    "schedule-default-input": None,
    "schedule-tick": None,
    "schedule-unfilled": "InvalidEvent",
}
"""Of a `schedule-*` payload: the error that it must end in, or None."""

SWEEPS = ("reconcile-by-hand", "reconcile-tick", "reconcile-at-once")
"""The last mends what a test breaks before it; the others leave what is young alone."""


def load(name: str) -> Any:
    return json.loads(path(name).read_text(encoding="utf-8"))


def path(name: str) -> Path:
    return EVENTS / f"{name}.json"


def function(name: str) -> str:
    return FUNCTIONS[name.partition("-")[0]]


def landings(name: str) -> list[Landing]:
    """The landings of a payload that start runs."""
    found = []
    for record in load(name)["Records"]:
        try:
            landing = parse_object_created(record["body"])
            check_key(landing.key)
        except (InvalidEvent, InvalidKey, OtherEvent):
            continue
        if not _ignored(landing):
            found.append(landing)
    return found


def runs(name: str, prefix: str) -> set[str]:
    """The names of the runs of a payload's landings."""
    return {
        landing_run_name(prefix, landing.bucket, landing.key, landing.version)
        for landing in landings(name)
    }


def tick_run(name: str, prefix: str) -> str:
    """The name of a tick's run."""
    event = load(name)
    arn = event.get("ScheduleArn") or event["resources"][0]
    return tick_run_name(prefix, arn, event.get("ScheduledTime") or event["time"])


def _ignored(landing: Landing) -> str | None:
    wanted = LandingFilter(prefix=LANDING_PREFIX, suffix="", own=())
    return wanted.why_ignored(landing.bucket, landing.key, landing.size)
