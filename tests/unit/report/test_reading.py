"""Reading the ledger: bounded, with progress, and the same facts as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, islice

import pytest

from landrun.models.run_record import RunRecord
from landrun_ops.cli.report import summed_up
from landrun_ops.web.ignored import Ignored
from landrun_ops.web.reading import Report, read
from records import record

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)


def endless() -> Iterator[RunRecord]:
    for number in count(1):
        status = "FAILED" if number % 4 == 0 else "SUCCEEDED"
        started = "2026-11-22T17:00:00.000Z"
        yield record({"name": f"landrun-{number}", "status": status, "started_at": started})


@pytest.mark.parametrize(("there", "more"), [(3, False), (4, True)])
def test_no_more_runs_are_read_than_wanted_and_progress_is_told(there: int, more: bool) -> None:
    told: list[int] = []

    runs, older = read(islice(endless(), there), 3, told.append)

    assert (len(runs), older) == (3, more)
    assert told == [1, 2, 3]


def test_the_json_has_the_facts_with_times_as_the_ledger_spells_them() -> None:
    runs, more = read(endless(), 4)
    report = Report("landrun", "eu-west-1", NOW, NOW, runs, more, Ignored(unknown="no logs"))

    found = report.as_json()

    assert found["runs"][3]["started"] == "2026-11-22T17:00:00.000Z"
    assert found["runs"][3]["stopped"] is None
    assert found["runs"][3]["alike"] == "no reason was given"
    assert (found["more"], found["ignored"]["unknown"]) == (True, "no logs")


def test_a_report_is_summed_up_in_a_line() -> None:
    runs, _ = read(endless(), 4)

    def said(count: int, *, more: bool = False) -> str:
        return summed_up(Report("s", "r", NOW, NOW, runs[:count], more, Ignored()))

    assert said(4) == "4 runs: 3 succeeded, 1 failed"
    assert said(0) == "no runs since 2026-11-22 18:00 UTC"
    assert said(1, more=True).endswith("; older ones were left out, --limit takes more")
