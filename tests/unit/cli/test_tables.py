"""What `landrun runs` and `watch` show of runs and of a stack, whatever others wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from landrun.errors import ServiceError
from landrun.models.run_record import RunRecord
from landrun_ops.cli import console
from landrun_ops.cli.runs import rerun_runs, statuses
from landrun_ops.cli.tables import counts_text, failure_lines, object_text, runs_table, trigger_text
from landrun_ops.cli.watch import facts_of, screen
from landrun_ops.stack.activity import Activity, PendingLandings, Tick
from landrun_ops.stack.waiting_executions import SlotUsage, WaitingExecution
from records import record

NAME = "landrun-0123456789abcdef0123456789abcdef"
KEY = "incoming/2026/11/22/messages-of-today.jsonl"
NOW = datetime(2026, 11, 22, 11, 37, 5, tzinfo=UTC)
HOSTILE = "a\x1b[2J\x1b]0;owned\x07\r\n\x9b31m\x7f\u202egnp.exe\u2028é"


def run(**attributes: Any) -> RunRecord:
    row = {
        "name": NAME,
        "status": "SUCCEEDED",
        "trigger": {"Kind": "object-created", "Key": KEY},
        "started_at": "2026-11-22T10:33:00.123Z",
        "duration_seconds": 12.345,
        "summary": {"rows_in": 5574, "rows_out": 5160, "duplicates": 1},
    }
    return record(row | attributes)


def drawn(shown: Any, width: int = 100) -> str:
    out = StringIO()
    console.console(file=out, width=width).print(shown)
    return " ".join(out.getvalue().split())


def test_a_run_is_a_row_and_what_is_not_known_is_a_dash() -> None:
    assert f"01234567 11-22 10:33 SUCCEEDED 12.3 s 5574 5160 {KEY}" in drawn(runs_table([run()]))
    bare = run(status="ABORTED", duration_seconds=None, summary=None, trigger=None)
    assert drawn(runs_table([bare])).endswith("ABORTED - - - -")
    assert counts_text(run()) == "5,574 in, 5,160 out, 1 duplicate"


def test_a_run_that_waits_for_a_slot_is_waiting_and_one_that_ended_is_not() -> None:
    running = run(status="RUNNING", duration_seconds=None)
    assert "WAITING 1 h 04 min" in drawn(runs_table([running], NOW, waiting={NAME}))
    assert "RUNNING" in drawn(runs_table([running], NOW, waiting={"other"}))
    assert "SUCCEEDED" in drawn(runs_table([run()], NOW, waiting={NAME}))


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        ({"Kind": "schedule", "ScheduledTime": "2026-11-22T03:00:00Z"}, "tick 2026-11-22 03:00"),
        ({"Kind": "outside"}, "by hand, outside landrun"),
        (
            {"Kind": "manual", "StartedBy": "arn:aws:sts::123456789012:assumed-role/Admin/ana"},
            "by hand, Admin/ana",
        ),
        ({"Kind": "manual", "StartedBy": "ana", "RerunOf": NAME}, "rerun of 01234567"),
        ({"Kind": "object-created", "Key": "in/[bold]x[/bold].csv"}, "in/[bold]x[/bold].csv"),
        ({"Kind": ["odd"]}, "-"),
    ],
)
def test_every_kind_of_trigger_is_said_in_words(trigger: dict[str, str], words: str) -> None:
    assert trigger_text(run(trigger=trigger)) == words


class Table:
    """The runs table by names; ``batch`` fails where it may not be called."""

    def __init__(self, *rows: RunRecord, refused: bool = False) -> None:
        self.rows, self.refused = {row.name: row for row in rows}, refused

    def batch(self, names: list[str]) -> tuple[list[RunRecord], set[str]]:
        if self.refused:
            raise ServiceError("dynamodb:BatchGetItem", "AccessDeniedException", "no")
        return [self.rows[name] for name in names if name in self.rows], set()


def test_a_rerun_shows_the_object_that_the_first_run_read() -> None:
    again = run(name="again", trigger={"Kind": "manual", "RerunOf": NAME}, rerun_of=NAME)
    twice = run(name="twice", trigger={"Kind": "manual", "RerunOf": "again"}, rerun_of="again")
    of_itself = run(name="odd", rerun_of="odd")
    table, refusing = Table(run()), Table(refused=True)
    known = rerun_runs(table, [twice, again, of_itself])  # type: ignore[arg-type]
    assert known.keys() == {NAME, "again", "twice", "odd"}
    assert object_text(twice, known) == f"{KEY} (rerun of again)"
    assert object_text(of_itself, known) == KEY
    known = rerun_runs(refusing, [twice])  # type: ignore[arg-type]
    assert object_text(twice, known) == "rerun of again"


def test_why_runs_failed_is_said_once_for_each_reason() -> None:
    failed = {"status": "FAILED", "exit_message": "no text\ncolumn" + "x" * 999}
    runs = [run(**failed, name=name) for name in "abcdef"]
    first, second = failure_lines([*runs, run(), run(status="ABORTED")])
    assert first.startswith(r"✗ a, b, c, d, e …: no text\ncolumn")
    assert len(first) <= 330
    assert second == "✗ 01234567: the run gave no reason"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["failed"], {"FAILED", "TIMED_OUT", "ABORTED"}),
        (["running", "timed-out"], {"RUNNING", "PENDING_REDRIVE", "TIMED_OUT"}),
        ([], set()),
    ],
)
def test_a_status_of_the_option_stands_for(words: list[str], names: set[str]) -> None:
    assert statuses(words) == names


# ---- watch


def activity(**parts: Any) -> Activity:
    return Activity(stack="landrun-prod", region="eu-central-1", at=NOW, **parts)


def test_each_part_that_the_stack_has_is_a_fact() -> None:
    now = activity(
        queues={"landings": 0, "statuses": 0},
        pending_landings=PendingLandings(count=8000, oldest=NOW, more=True),
        slots=SlotUsage(2, 2, (WaitingExecution("r", NOW - timedelta(hours=1)),)),
        next_tick=Tick(expression="cron(0 3 * * ? *)", at=NOW),
        dead_letters={"landings": 1, "schedule": 0, "statuses": 3},
    )
    assert facts_of(now) == {
        "in the queue": "0 landings",
        "pending": "at least 8,000 landings, the oldest since 2026-11-22 11:37 UTC",
        "slots": "2 of 2 in use, 1 run waiting, the oldest since 2026-11-22 10:37 UTC",
        "next tick": "Sun 11:37 UTC",
        "dead letters": "landings: 1, statuses: 3; landrun redrive --dry-run says why",
        "newest runs": "0: 0 running, 0 failed",
    }
    assert facts_of(activity(dead_letters={"schedule": 0}))["dead letters"] == "none"
    assert facts_of(activity()).keys() == {"newest runs"}


def test_runs_are_shown_with_those_that_wait_why_some_failed_and_what_could_not_be_read() -> None:
    runs = [run(name="a", status="RUNNING"), run(status="FAILED", exit_message="no column")]
    slots = SlotUsage(1, 1, (WaitingExecution("a", NOW),))
    shown = drawn(screen(activity(runs=runs, slots=slots, notes=["queues: Throttling"])))
    for words in ("landrun-prod in eu-central-1", "WAITING", "01234567: no column", "! queues: Th"):
        assert words in shown
    assert "newest runs 2: 1 running, 1 failed" in shown


# ---- Hostile texts


def harmless(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n")) and "é" in text


@pytest.mark.parametrize("width", [80, 300])
def test_no_text_of_a_run_reaches_the_terminal_as_it_is(width: int) -> None:
    trigger = {"Kind": "object-created", "Key": HOSTILE}
    row = {"name": HOSTILE, "status": "FAILED", "trigger": trigger, "cause": HOSTILE * 1000}
    odd = record(row | {"summary": {"rows_in": HOSTILE}})
    assert harmless(drawn(runs_table([odd]), width))
    assert harmless(drawn(screen(activity(runs=[odd], notes=[HOSTILE])), width))
    assert odd.reason.isprintable()
    assert len(odd.reason) <= 1000


@pytest.mark.parametrize(
    "attributes",
    [
        {"trigger": {"Kind": ["x"]}, "summary": {"rows_in": {"a": 1}, "empty": "many"}},
        {"summary": {"rows_in": 10**60, "duplicates": 0.5, "rejected": None}},
    ],
)
def test_a_row_of_any_shape_is_shown_and_keeps_no_other_from_it(attributes: Any) -> None:
    assert "SUCCEEDED" in drawn(runs_table([record({"name": "odd"} | attributes), run()]))


def test_what_is_written_is_harmless_and_json_is_exact(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_json({"Cause": HOSTILE})
    shown = capsys.readouterr().out
    assert json.loads(shown) == {"Cause": HOSTILE}
    console.console().print(HOSTILE)
    console.say(HOSTILE)
    console.complain(f"first\n  {HOSTILE}")
    out, err = capsys.readouterr()
    assert err.startswith("landrun: first a")
    assert len(err.splitlines()) == 1
    assert all(map(harmless, (shown, out, err)))
