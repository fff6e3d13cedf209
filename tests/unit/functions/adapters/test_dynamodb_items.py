"""Run records as items: DynamoDB takes whatever a user's own state machine has put into one.

tests/fuzz/events holds that each item is one that DynamoDB accepts.
"""

from functools import reduce

import pytest

from landrun.adapters.dynamodb_items import NESTING_LIMIT, from_item, to_item
from records import record


def stored(**more):
    """Such a record as it comes back from an item of DynamoDB's."""
    return from_item(to_item(record(more)))


def nested(levels):
    return reduce(lambda inner, _: {"in": inner}, range(levels - 1), {"end": 1})


def test_what_is_nested_deeper_than_dynamodb_takes_is_left_out():
    assert stored(trigger=nested(NESTING_LIMIT)).trigger == nested(NESTING_LIMIT)
    for levels in (NESTING_LIMIT + 1, 900):
        deeper = stored(trigger=nested(levels))
        assert (deeper.trigger, deeper.left_out) == ({}, ("trigger",))


def test_the_reason_of_a_failure_is_the_last_to_be_left_out():
    long = "x" * 120_000
    texts = {"output": long, "summary": {"a": long}, "trigger": {"a": "x" * 320_000}}
    found = stored(error="E", exit_message="M", **texts)
    assert (found.left_out, found.error, found.exit_message) == (("output", "summary"), "E", "M")


@pytest.mark.parametrize("number", [10**39, 1.5, 1e-320, 1e308, 123456789.123456789, float("nan")])
def test_a_number_that_dynamodb_cannot_hold_is_kept_as_text(number):
    kept = stored(summary={"number": number}).summary["number"]
    assert float(kept) == pytest.approx(number, nan_ok=True)


def test_an_empty_name_which_dynamodb_refuses_is_replaced():
    assert stored(trigger={"": {"": 1}}).trigger == {"(empty)": {"(empty)": 1}}
