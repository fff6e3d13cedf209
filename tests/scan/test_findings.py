"""What is accepted of what scanners find, and what a run of them says."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import __main__ as command
from .findings import Acceptance, Finding, Report, ScanError, judge, read_accepted

TABLE = Finding("checkov", "CKV_AWS_119", "defaults/RunsTable", "no key")
QUEUE = Finding("checkov", "CKV_AWS_27", "defaults/LandingQueue", "no key")
TOKEN = Finding("bandit", "B107", "src/a.py:7", "a password", 'def page(token: str = ""):')
REASON = "That is as it should be."


def accepted(finding: Finding, *where: str, says: str = "") -> Acceptance:
    return Acceptance(finding.scanner, finding.check, where or (finding.where,), REASON, says)


def report(*findings: Finding) -> Report:
    return Report(findings[0].scanner, "9 files", findings)


def test_what_nobody_accepts_is_refused() -> None:
    verdict = judge(report(TABLE, QUEUE), [accepted(TABLE)])
    assert verdict.refused == (QUEUE,)
    assert verdict.accepted == 1
    assert not verdict.good


def test_what_is_accepted_of_one_stack_is_refused_of_another() -> None:
    assert judge(report(TABLE), [accepted(TABLE, "own-key/*")]).refused == (TABLE,)


def test_what_is_accepted_of_one_scanner_is_refused_of_another() -> None:
    other = Finding("parliament", TABLE.check, TABLE.where, TABLE.message)
    assert judge(report(other), [accepted(TABLE)]).refused == (other,)


def test_what_is_accepted_and_found_no_more_is_told() -> None:
    verdict = judge(report(TABLE), [accepted(TABLE, "defaults/*", "collecting/*")])
    assert [one.where for one in verdict.unused] == [("collecting/*",)]
    assert not verdict.good


@pytest.mark.parametrize(("says", "good"), [("a password", True), ("token:", True), ("pw", False)])
def test_what_is_accepted_can_be_held_to_the_message_or_to_the_line(says: str, good: bool) -> None:
    assert judge(report(TOKEN), [accepted(TOKEN, says=says)]).good is good


def test_a_scanner_that_looked_at_nothing_shows_nothing() -> None:
    with pytest.raises(ScanError, match="bandit looked at 0 lines"):
        Report("bandit", "0 lines", [])


def test_every_acceptance_of_ours_says_why() -> None:
    assert all(one.reason.endswith(".") for one in read_accepted())


@pytest.mark.parametrize(
    "entry",
    [
        'scanner = "checkov"\ncheck = "CKV_1"\nwhere = "a/*"',
        'scanner = "checkov"\ncheck = "CKV_1"\nwhere = "a/*"\nreason = "noise"',
        'scanner = "checkov"\ncheck = "CKV_1"\nreason = "It is as it should be."',
    ],
    ids=["no reason", "a word", "everywhere"],
)
def test_an_acceptance_without_a_place_or_a_reason_is_refused(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "accepted.toml"
    path.write_text(f"[[accepted]]\n{entry}\n", encoding="utf-8")
    with pytest.raises(ScanError, match=r"accepted\.toml"):
        read_accepted(path)


def test_the_same_finding_in_several_stacks_is_one_line() -> None:
    again = Finding(TABLE.scanner, TABLE.check, "collecting/RunsTable", TABLE.message)
    assert command.gathered([TABLE, again, TOKEN]) == [
        "B107 src/a.py:7: a password",
        "CKV_AWS_119 RunsTable in collecting, defaults: no key",
    ]


def test_a_scanner_that_is_not_there_is_said_with_what_there_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["chekov"]) == 2
    assert "no scanner chekov; there are cfn-lint, checkov" in capsys.readouterr().err
