"""What `landrun runs` and `watch` show of runs and of a stack, whatever others wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO

from landrun_ops.cli import console
from landrun_ops.cli.tables import runs_table
from landrun_ops.cli.watch import screen
from landrun_ops.stack.activity import Activity
from records import record

NOW = datetime(2026, 11, 22, 11, 37, 5, tzinfo=UTC)
HOSTILE = "a\x1b[2J\x1b]0;owned\x07\r\n\x9b31m\x7f\u202egnp.exe\u2028é"


def drawn(shown):
    out = StringIO()
    console.console(file=out, width=100).print(shown)
    return out.getvalue()


def harmless(text):
    return all(line.isprintable() for line in text.split("\n")) and "é" in text


def test_hostile_rows_are_shown_beside_the_others_and_reach_the_terminal_harmless():
    counts = {"rows_in": HOSTILE, "rows_out": 10**60, "duplicates": {"a": 1}}
    trigger = {"Kind": "object-created", "Key": HOSTILE}
    row = {"name": HOSTILE, "status": "FAILED", "trigger": trigger, "summary": counts}
    rows = [
        record(row | {"cause": HOSTILE * 1000}),
        record({"status": "SUCCEEDED", "trigger": {"Kind": ["x"]}}),
    ]
    watched = Activity(stack="s", region="eu", at=NOW, runs=rows, notes=[HOSTILE])
    for shown in (runs_table(rows), screen(watched)):
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
