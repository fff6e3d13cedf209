"""A run of several hosts says how they shared the work."""

from __future__ import annotations

from typing import Any

import pytest

from landrun_ops.cli.fact_sheet import Sheet
from landrun_ops.cli.host_sheet import show_hosts
from records import record

FIRST = {"files": 3, "bytes": 1_200_000, "rows_in": 2000, "rows_out": 1700, "seconds": 4.2}
NOTHING = {"files": 0, "bytes": 0, "rows_in": 0, "rows_out": 0, "seconds": 0.0}


def shown(summary: Any, width: int = 80) -> list[str]:
    page = Sheet(width)
    show_hosts(page, record({"summary": summary}))
    return [line.plain.rstrip() for line in page.lines]


def test_each_host_has_a_line_with_its_share():
    summary = {
        "shards": {"algo-10": NOTHING, "algo-2": FIRST},
        "duplicates_within": "shard",
        "problem": "2 of 3 hosts left a summary, not algo-1",
    }
    assert shown(summary) == [
        "hosts     algo-2: 3 files, 1.2 MB, 2,000 in, 1,700 out, 4.2 s",
        "          algo-10: got no file",
        "          duplicates are those within a host's own files",
        "          2 of 3 hosts left a summary, not algo-1",
    ]


def test_of_very_many_hosts_the_first_are_shown_and_the_others_counted():
    lines = shown({"shards": {f"algo-{number}": FIRST for number in range(1, 101)}})
    assert len(lines) == 11
    assert lines[-1].strip() == "and 90 more"


@pytest.mark.parametrize("summary", [None, "", {}, {"rows_in": 3}, [1]])
def test_a_run_of_one_host_has_nothing_to_say_of_hosts(summary):
    assert shown(summary) == []


@pytest.mark.parametrize(
    "shards",
    [
        {"algo-1": None},
        {"algo-1": {"files": "many", "bytes": -1, "rows_in": True, "seconds": float("nan")}},
    ],
)
def test_a_host_that_gave_no_numbers_said_nothing(shards):
    assert shown({"shards": shards}) == ["hosts     algo-1: said nothing"]


def test_what_a_job_wrote_steers_no_terminal():
    [first, second] = shown({"shards": {"a\x1b[2J\n": FIRST}, "problem": "b\x1b[2J\u202e\nc"})
    assert "\x1b" not in first + second
    assert "\u202e" not in second
