"""What `landrun doctor` shows: findings by area, with their remedies, on 80 columns."""

from __future__ import annotations

from io import StringIO

import pytest

from landrun_ops.cli.console import console
from landrun_ops.cli.doctor_report import as_json, report
from landrun_ops.doctor.checks import CheckResult
from landrun_ops.doctor.findings import fail, ok, skip, warn

RESULTS = [
    CheckResult("this machine", "proxy", ok("no proxy")),
    CheckResult("events", "landing rule", fail("landrun-LandingRule is DISABLED", "aws events x")),
    CheckResult("events", "buckets", warn("evil \x1b[2J name", "rename it " * 20)),
    CheckResult("waiting", "dead letters", skip("not allowed: AccessDenied", "ask for sqs:X")),
    CheckResult("waiting", "landings", skip("the laptop has none")),
]


def drawn(*, quiet: bool = False) -> str:
    out = StringIO()
    console(file=out, width=80).print(report(None, RESULTS, quiet=quiet))
    return out.getvalue()


@pytest.mark.parametrize("quiet", [True, False])
def test_findings_are_shown_by_area_with_their_remedies(quiet: bool) -> None:
    text = drawn(quiet=quiet)
    assert "fail  landing rule  landrun-LandingRule is DISABLED" in text
    assert "→ aws events x" in text
    assert "ask for sqs:X" in text
    assert ("no proxy" in text, "the laptop has none" in text) == (not quiet, not quiet)
    assert text.rstrip().endswith("1 failure, 1 warning, 1 ok, 2 not checked")
    assert max(map(len, text.splitlines())) <= 80


def test_control_characters_from_aws_are_shown_not_obeyed() -> None:
    assert "\x1b" not in drawn()
    assert r"evil \x1b[2J name" in drawn()


def test_json_has_every_finding_and_the_counts() -> None:
    found = as_json(None, RESULTS)
    assert found["counts"] == {"ok": 1, "warn": 1, "fail": 1, "skip": 2}
    assert found["checks"][1] == {
        "area": "events",
        "check": "landing rule",
        "status": "fail",
        "says": "landrun-LandingRule is DISABLED",
        "remedy": "aws events x",
    }
