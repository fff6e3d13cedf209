"""What `landrun runs` and `watch` show of runs and of a stack, whatever others wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

from landrun_ops.cli import console
from landrun_ops.cli.tables import runs_table
from landrun_ops.cli.watch import facts_of, screen
from landrun_ops.stack.activity import Activity, PendingLandings, Tick
from landrun_ops.stack.waiting_executions import SlotUsage, WaitingExecution
from records import record

NAME = "landrun-0123456789abcdef0123456789abcdef"
KEY = "incoming/2026/11/22/messages-of-today.jsonl"
NOW = datetime(2026, 11, 22, 11, 37, 5, tzinfo=UTC)
HOSTILE = "a\x1b[2J\x1b]0;owned\x07\r\n\x9b31m\x7f\u202egnp.exe\u2028é"


def run(**attributes):
    row = {
        "name": NAME,
        "status": "SUCCEEDED",
        "trigger": {"Kind": "object-created", "Key": KEY},
        "started_at": "2026-11-22T10:33:00.123Z",
        "duration_seconds": 12.345,
        "summary": {"rows_in": 5574, "rows_out": 5160, "duplicates": 1},
    }
    return record(row | attributes)


def drawn(shown, width=100):
    out = StringIO()
    console.console(file=out, width=width).print(shown)
    return out.getvalue()


def activity(**parts):
    return Activity(stack="landrun-prod", region="eu-central-1", at=NOW, **parts)


def test_watch_states_a_fact_for_each_part_that_the_stack_has():
    now = activity(
        queues={"landings": 0, "statuses": 0},
        pending_landings=PendingLandings(count=8000, oldest=NOW, more=True),
        slots=SlotUsage(2, 2, (WaitingExecution("r", NOW - timedelta(hours=1)),)),
        next_tick=Tick(expression="cron(0 3 * * ? *)", at=NOW),
        dead_letters={"landings": 1, "schedule": 0, "statuses": 3},
    )
    facts = facts_of(now)
    assert facts["pending"] == "at least 8,000 landings, the oldest since 2026-11-22 11:37 UTC"
    assert facts["dead letters"].startswith("landings: 1, statuses: 3; landrun redrive")
    assert len(facts) == 6
    assert facts_of(activity(dead_letters={"schedule": 0}))["dead letters"] == "none"
    assert facts_of(activity()).keys() == {"newest runs"}


def harmless(text):
    return all(line.isprintable() for line in text.split("\n")) and "é" in text


def test_hostile_rows_are_shown_beside_the_others_and_reach_the_terminal_harmless():
    counts = {"rows_in": HOSTILE, "rows_out": 10**60, "duplicates": {"a": 1}}
    trigger = {"Kind": "object-created", "Key": HOSTILE}
    row = {"name": HOSTILE, "status": "FAILED", "trigger": trigger, "summary": counts}
    rows = [record(row | {"cause": HOSTILE * 1000}), run(trigger={"Kind": ["x"]})]
    for shown in (runs_table(rows), screen(activity(runs=rows, notes=[HOSTILE]))):
        assert harmless(drawn(shown))
        assert "SUCCEEDED" in drawn(shown)
    assert rows[0].reason.isprintable()
    assert len(rows[0].reason) <= 1000


def test_lines_are_harmless_and_json_is_exact(capsys):
    console.show_json({"Cause": HOSTILE})
    shown = capsys.readouterr().out
    assert json.loads(shown) == {"Cause": HOSTILE}
    console.console().print(HOSTILE)
    console.say(HOSTILE)
    console.complain(f"first\n  {HOSTILE}")
    out, err = capsys.readouterr()
    assert err.startswith("landrun: first a")
    assert all(map(harmless, (shown, out, err)))
