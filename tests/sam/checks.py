"""Send every payload to its function, and see that what must happen has happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import expected
from .expected import ASKED, LANDED, RECORDED, SWEEPS, TICKS
from .invoke import Invoke
from .laptop import PREFIX, Laptop, eventually
from .steps import Failure, Steps

KINDS = {"Statuses", "Executions", "Claims", "Manifests", "Notifications"}
KINDS |= {"SlotsNotCounted", "ExecutionsNotResumed", "SlotsNotReleased"}
NIGHTLY = "nightly/orders.jsonl"
"""Lies under the ScheduledInput of the stack whose runs start on arrival."""


class Checks:
    """What must become of payloads on one stack, invoked in one way."""

    def __init__(self, laptop: Laptop, invoke: Invoke, steps: Steps, *, collects: bool) -> None:
        self._laptop, self._invoke, self._steps = laptop, invoke, steps
        self._collects = collects

    def every_payload(self) -> None:
        """Two at a time: those about objects beside all others. Then what needs quiet."""
        beside = [*RECORDED, *ASKED, *([] if self._collects else TICKS), *SWEEPS[:2]]
        with ThreadPoolExecutor(2) as lanes:
            done = [lanes.submit(self.all, lane) for lane in (list(LANDED), beside)]
        for lane in done:
            lane.result()
        self._what_all_landings_came_to()
        self.all([*(TICKS if self._collects else []), SWEEPS[2]])

    def all(self, names: Iterable[str]) -> None:
        for name in names:
            began = time.monotonic()
            try:
                saw = self._one(name)
            except Failure as error:
                self._steps.fail(f"{name}: {error}")
            else:
                self._steps.say(f"   {name}: {saw}, {time.monotonic() - began:.2f} s")

    def _one(self, name: str) -> str:
        check: dict[str, Callable[[str], str]] = {
            "object": self._landed,
            "execution": self._recorded,
            "slot": self._asked,
            "schedule": self._ticks,
            "reconcile": self._swept,
        }
        return check[name.partition("-")[0]](name)

    def _asked(self, name: str) -> str:
        assert self._call(name) == {"batchItemFailures": []}
        return "heard"

    def _call(self, name: str, error: str | None = None) -> Any:
        answer = self._invoke(expected.function(name), name)
        found = answer.get("errorType") if isinstance(answer, dict) else None
        if found != error:
            raise Failure(f"expected {error or 'no error'}, got {answer}")
        return answer

    def _landed(self, name: str) -> str:
        due, runs = LANDED[name], expected.runs(name, PREFIX)
        there, dead = self._laptop.executions(), self._laptop.dead_letters("LANDING")
        same(self._call(name), {"batchItemFailures": []}, "the answer")
        same(self._laptop.dead_letters("LANDING") - dead, due.dead, "new dead letters")
        same(len(runs), due.runs, "runs in the payload")
        letters = f"{due.dead} dead letters"
        if self._collects:
            keys = {(one.bucket, one.key) for one in expected.landings(name)}
            same(keys - self._laptop.waiting(), set(), "landings that do not wait")
            return f"{len(keys)} keys wait, {letters}"
        same(runs - self._laptop.executions(), set(), "runs not started")
        return f"{len(runs - there)} of {len(runs)} runs new, {letters}"

    def _what_all_landings_came_to(self) -> None:
        """Nothing but what was to be; and the runs of the one object that is there succeed."""
        try:
            if self._collects:
                landed = (one for name in LANDED for one in expected.landings(name))
                keys = {(one.bucket, one.key) for one in landed}
                same(self._laptop.waiting(), keys, "what waits")
                return
            runs = set.union(*(expected.runs(name, PREFIX) for name in LANDED))
            ticks = {expected.tick_run(name, PREFIX) for name, error in TICKS.items() if not error}
            same(self._laptop.executions(), runs | ticks, "executions")
            self._steps.say(f"   {len(runs | ticks)} executions in all, none that should not be")
            [run] = expected.runs("object-created", PREFIX)
            self._steps.say(f"   {run}: {self._succeeded(run)}")
        except Failure as error:
            self._steps.fail(str(error))

    def _succeeded(self, run: str) -> str:
        """Wait until the run has ended; say what its job counted."""
        row = self._ended(run)
        why = {field: row[field] for field in ("error", "cause") if field in row}
        same((row["status"], why), ("SUCCEEDED", {}), f"the end of {run}")
        counts = {name: int(row["summary"][name]) for name in ("rows_in", "rows_out", "rejected")}
        same(counts["rows_in"] > 0, True, "rows read")
        return f"SUCCEEDED, {counts}"

    def _ended(self, run: str) -> dict[str, Any]:
        def row() -> dict[str, Any]:
            return self._laptop.row(run)

        eventually(lambda: row().get("status") not in {None, "RUNNING"}, f"the end of {run}")
        return row()

    def _recorded(self, name: str) -> str:
        due = RECORDED[name]
        if due is None:
            dead = self._laptop.dead_letters("STATUS")
            same(self._call(name), {"batchItemFailures": []}, "the answer")
            same(self._laptop.dead_letters("STATUS") - dead, 1, "new dead letters")
            return "1 dead letter"
        self._laptop.forget(due.name)
        self._laptop.told(due.name)
        same(self._call(name), {"batchItemFailures": []}, "the answer")
        row = self._laptop.row(due.name)
        found = (row.get("status"), int(row.get("redrive_count", -1)))
        same(found, (due.status, due.redrives), "status and redrives in the row")
        same(self._laptop.told(due.name), due.told, "notifications")
        self._laptop.forget(due.name)
        return f"row {due.status}, redrives {due.redrives}, told {due.told}"

    def _ticks(self, name: str) -> str:
        if TICKS[name]:
            return f"{self._call(name, TICKS[name])['errorType']}, as it must be"
        waited = len(self._laptop.waiting()) if self._collects else 1
        answer = self._call(name)
        same(answer["Objects"], waited, "objects of the run")
        if not waited:
            return "nothing waited, no run"
        run = answer["PreprocessingJobName"]
        same(run, expected.tick_run(name, PREFIX), "the run's name")
        same({run} - self._laptop.executions(), set(), "runs not started")
        return f"run over {waited} objects"

    def _swept(self, name: str) -> str:
        lost = None if name != SWEEPS[2] else self._lose_a_row()
        mended = self._call(name)
        same(set(mended), KINDS, "kinds of losses")
        if lost is None:
            same({kind: count for kind, count in mended.items() if count}, {}, "mended")
            return "nothing to mend"
        same(bool(self._laptop.row(lost)), True, "the lost row is back")
        same(mended["Executions"] > 0, True, "an execution without a row is counted")
        return f"mended { ({kind: count for kind, count in mended.items() if count}) }"

    def _lose_a_row(self) -> str:
        run = expected.tick_run("schedule-classic", PREFIX)
        self._ended(run)  # what still runs has events to come, which would bring the row back
        self._laptop.forget(run)
        return run


def same(found: object, due: object, what: str) -> None:
    """Raise Failure unless what was found is as due."""
    if found != due:
        raise Failure(f"{what}: {found!r}, not {due!r}")
