"""What the preflight shows: by area, remedies below, nothing from outside obeyed."""

from __future__ import annotations

from io import StringIO

from landrun_ops.cli.console import console
from landrun_ops.cli.doctor_report import as_json, shown
from landrun_ops.doctor.examining import Line
from landrun_ops.doctor.findings import fail, ok, skip, warn

LINES = [
    Line("this machine", "Python", ok("3.13.1")),
    Line(
        "events", "landing rule", fail("landrun-LandingRule is DISABLED", "aws events enable-rule")
    ),
    Line("events", "bucket", warn("evil \x1b[2J name", "rename it")),
    Line("queues", "dead", skip("could not see: AccessDenied for sqs:X", "ask for sqs:X")),
    Line("queues", "old", skip("the laptop has none")),
]


def drawn(*, quiet: bool = False, width: int = 80) -> str:
    out = StringIO()
    screen = console(file=out, width=width)
    screen.print(shown(None, LINES, quiet=quiet))
    return out.getvalue()


def test_findings_are_shown_by_area_with_their_remedies() -> None:
    text = drawn()
    assert "  ok    Python        3.13.1" in text
    assert "  fail  landing rule  landrun-LandingRule is DISABLED\n        → aws events" in text
    assert text.rstrip().endswith("1 failure, 1 warning, 1 ok, 2 not checked")


def test_quiet_shows_only_what_there_is_something_to_do_about() -> None:
    text = drawn(quiet=True)
    assert "Python" not in text
    assert "the laptop has none" not in text
    assert "ask for sqs:X" in text


def test_what_comes_from_outside_moves_no_cursor() -> None:
    assert "\x1b" not in drawn()
    assert r"evil \x1b[2J name" in drawn()


def test_it_fits_80_columns() -> None:
    assert max(map(len, drawn(width=80).splitlines())) <= 80


def test_json_has_every_finding_and_the_counts() -> None:
    found = as_json(None, LINES)
    assert found["counts"] == {"ok": 1, "warn": 1, "fail": 1, "skip": 2}
    assert found["checks"][1] == {
        "area": "events",
        "check": "landing rule",
        "status": "fail",
        "says": "landrun-LandingRule is DISABLED",
        "remedy": "aws events enable-rule",
    }
