"""Counts that do not wobble, against the table in counts.toml.

A count that rises is a larger bill: avoid it, or write the table anew and say why in the commit.
Write down one that falls as well, so that it stays.
"""

from __future__ import annotations

import pytest

from .counting import ARRIVAL, SCHEDULE, calls, table

TABLE = table()


@pytest.mark.parametrize("case", [*ARRIVAL, *SCHEDULE])
def test_what_happens_asks_aws_for_what_the_table_says(case):
    assert calls(case) == TABLE["calls"][case]


def test_the_table_has_no_rows_that_nothing_measures():
    assert set(TABLE["calls"]) == {*ARRIVAL, *SCHEDULE}


def test_a_run_starts_with_two_calls():
    due = {"s3:put_object": 1, "stepfunctions:start_execution": 1}
    assert TABLE["calls"]["a landing starts its run"] == due
