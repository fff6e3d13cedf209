"""What others wrote is shown on a terminal, and never obeyed."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest

from landrun_ops.cli import console
from landrun_ops.cli.tables import failures, runs_table
from records import record

HOSTILE = "a\x1b[2J\x1b]0;owned\x07\r\n\x9b31m\x7f\u202egnp.exe\u2028é"
DEAD = ("\x1b", "\x07", "\r", "\x9b", "\x7f", "\u202e", "\u2028")


def _harmless(text: str) -> bool:
    return not any(sign in text for sign in DEAD) and "é" in text


def _drawn(table: Any, width: int = 300) -> str:
    out = StringIO()
    console.console(file=out, width=width).print(table)
    return out.getvalue()


def test_a_table_of_runs_obeys_no_attribute() -> None:
    trigger = {"Kind": "object-created", "Key": HOSTILE}
    row = {"name": HOSTILE, "status": "FAILED", "trigger": trigger, "cause": HOSTILE}
    run = record(row | {"summary": {"rows_in": HOSTILE}})
    assert _harmless(_drawn(runs_table([run])))
    assert _harmless(str(failures([run])))


@pytest.mark.parametrize(
    "attributes",
    [
        {"trigger": {"Kind": ["x"]}, "summary": {"rows_in": {"a": 1}, "empty": "many"}},
        {"summary": {"rows_in": 10**60, "duplicates": 0.5, "rejected": None}},
    ],
)
def test_a_row_of_any_shape_is_shown_and_keeps_no_other_from_it(attributes: Any) -> None:
    runs = [record({"name": "odd"} | attributes), record({"name": "good", "status": "SUCCEEDED"})]
    for width in (60, 120, 300):
        assert "SUCCEEDED" in _drawn(runs_table(runs), width)


def test_the_cause_of_a_failure_is_one_short_line() -> None:
    cause = record({"name": "n", "exit_message": HOSTILE * 1000}).reason
    assert cause.isprintable()
    assert len(cause) <= 1000


def test_lines_printed_complained_and_said_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    console.console().print(HOSTILE)
    console.say(HOSTILE)
    console.complain(HOSTILE)
    out, err = capsys.readouterr()
    assert _harmless(out)
    assert _harmless(err)
    assert len(err.splitlines()) == 1


def test_json_on_a_terminal_is_harmless_and_exact(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_json({"Cause": HOSTILE})
    out = capsys.readouterr().out
    assert _harmless(out)
    assert json.loads(out) == {"Cause": HOSTILE}
