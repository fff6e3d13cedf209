"""Counts that do not wobble, against the table in counts.toml.

What rises makes a cold start longer, or a bill: do without, or write the table anew and say why in
the commit. What falls is written down as well, so that it stays.
"""

from __future__ import annotations

import pytest

from .counting import ARRIVAL, HANDLERS, SCHEDULE, calls, imports, table

TABLE = table()
HEAVY = {"boto3", "pydantic", "pandas", "numpy", "sagemaker", "stepfunctions", "s3transfer"}
"""What no function that starts runs may import: each takes longer than all that it does."""


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_imports_the_packages_of_the_table_and_no_more_modules(handler: str) -> None:
    found, due = imports(handler), TABLE["imports"][handler]
    assert found["packages"] == due["packages"]
    assert found["modules"] <= due["modules"]


@pytest.mark.parametrize("handler", ["object_created", "schedule"])
def test_a_function_that_starts_runs_imports_nothing_heavy(handler: str) -> None:
    assert HEAVY.isdisjoint(imports(handler)["packages"])


@pytest.mark.parametrize("case", [*ARRIVAL, *SCHEDULE])
def test_what_happens_asks_aws_for_what_the_table_says(case: str) -> None:
    assert calls(case) == TABLE["calls"][case]


def test_the_table_has_no_rows_that_nothing_measures() -> None:
    assert set(TABLE["calls"]) == {*ARRIVAL, *SCHEDULE}
    assert set(TABLE["imports"]) == set(HANDLERS)


def test_a_run_starts_with_two_calls() -> None:
    due = {"s3:put_object": 1, "stepfunctions:start_execution": 1}
    assert TABLE["calls"]["a landing starts its run"] == due
