"""What `landrun watch` says of a stack: on a screen, in a line, and as JSON."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landrun_ops.cli.console import console
from landrun_ops.cli.watch import document, facts_of, line, screen
from landrun_ops.stack.activity import Activity, PendingLandings, Tick
from landrun_ops.stack.waiting_executions import SlotUsage, WaitingExecution
from records import record

NOW = datetime(2026, 11, 22, 19, 54, 32, tzinfo=UTC)
EVIL = "a\x1b[2Jb\u202ec\nd"


def activity(**parts: Any) -> Activity:
    return Activity(stack="landrun-prod", region="eu-central-1", at=NOW, **parts)


def drawn(now: Activity, width: int = 80) -> str:
    file = io.StringIO()
    console(file=file, width=width).print(screen(now))
    return file.getvalue()


def test_each_part_that_the_stack_has_is_a_fact_and_a_line_stays_the_same() -> None:
    now = activity(
        queues={"landings": 0, "statuses": 0},
        pending_landings=PendingLandings(count=8000, oldest=NOW, more=True),
        slots=SlotUsage(2, 2, (WaitingExecution("r", NOW - timedelta(hours=1)),)),
        next_tick=Tick(expression="cron(0 3 * * ? *)", at=NOW),
        dead_letters={"landings": 1, "ticks": 0, "statuses": 3},
    )

    assert facts_of(now) == {
        "in the queue": "0 landings",
        "pending": "at least 8,000 landings, the oldest since 2026-11-22 19:54 UTC",
        "slots": "2 of 2 in use, 1 run waiting, the oldest since 2026-11-22 18:54 UTC",
        "next tick": "Sun 19:54 UTC",
        "dead letters": "landings: 1, statuses: 3; landrun redrive --dry-run says why",
        "newest runs": "0: 0 running, 0 failed",
    }
    assert facts_of(activity(dead_letters={"ticks": 0}))["dead letters"] == "none"
    assert facts_of(activity()).keys() == {"newest runs"}
    assert "landrun-prod in eu-central-1, 19:54:32 UTC" in drawn(now)
    assert line(now) == line(now.model_copy(update={"at": NOW + timedelta(seconds=2)}))


def test_runs_are_shown_with_those_that_wait_why_some_failed_and_what_could_not_be_read() -> None:
    runs = [
        record({"name": f"landrun-{n:032x}", "status": status, "exit_message": why})
        for n, (status, why) in enumerate([("RUNNING", None), ("FAILED", "no column")])
    ]
    slots = SlotUsage(1, 1, (WaitingExecution(runs[0].name, NOW),))
    now = activity(runs=runs, slots=slots, notes=["queues: ThrottlingException"])

    shown, listed = drawn(now, 120), document(now)
    for said in ("WAITING", "00000000: no column", "! queues: ThrottlingException"):
        assert said in shown
    assert "newest runs 2: 1 running, 1 failed; queues: ThrottlingException" in line(now)
    assert listed["runs"][1] == runs[1].attributes()
    assert listed["slots"]["waiting"][0]["name"] == runs[0].name
    assert (listed["at"], listed["queues"]) == ("2026-11-22T19:54:32Z", None)


@pytest.mark.parametrize("width", [80, 200])
def test_no_text_of_a_run_reaches_the_terminal_as_it_is(width: int) -> None:
    landed = {"Kind": "object-created", "Key": EVIL}
    runs = [record({"status": "FAILED", "exit_message": EVIL, "trigger": landed})]
    now = activity(runs=runs, notes=[f"runs: {EVIL}"])

    for text in (drawn(now, width), line(now)):
        assert not {"\x1b", "\u202e"} & set(text)
    assert drawn(now, width).count(r"a\x1b[2Jb\u202ec\nd") == 3
