"""Whatever a row holds, DynamoDB takes it; what does not fit is named."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landrun.adapters.dynamodb_items import NESTING_LIMIT, ROW_LIMIT, fitting, item, row

NUMBERS = [
    10**37,
    10**39,
    1.5,
    -0.0,
    1e-320,
    1e308,
    float("nan"),
    float("inf"),
    123456789.123456789,
]


def nested(levels: int) -> dict:
    value: dict = {"end": 1}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


def test_a_row_of_usual_size_is_whole_and_reads_back():
    usual = {"name": "run-1", "summary": {"rows_in": 3, "share": 0.25}, "trigger": {"Key": "é"}}
    assert row(item(usual)) == usual | {"summary": {"rows_in": 3, "share": Decimal("0.25")}}


def test_what_is_nested_as_deep_as_dynamodb_takes_stays_and_deeper_is_left_out():
    assert "left_out" not in fitting({"name": "n", "trigger": nested(NESTING_LIMIT)})
    deeper = fitting({"name": "n", "status": "FAILED", "trigger": nested(NESTING_LIMIT + 1)})
    assert deeper == {"name": "n", "status": "FAILED", "left_out": ["trigger"]}
    assert fitting({"name": "n", "summary": nested(900)})["left_out"] == ["summary"]


@pytest.mark.parametrize(
    "trigger", [{"a": [1] * 90_000}, {"a": [{}] * 74_000}, {"": "é" * 170_000}]
)
def test_size_is_counted_as_dynamodb_counts_it_not_as_json(trigger):
    assert len(json.dumps(trigger, ensure_ascii=False)) < ROW_LIMIT - 50_000
    kept = fitting({"name": "n", "trigger": trigger, "output": "x" * 60_000})
    assert kept["left_out"] in (["output"], ["output", "trigger"])


def test_texts_go_in_an_order_that_leaves_the_reason_to_the_last():
    long = "x" * 120_000
    kept = fitting(
        {"name": "n", "cause": long, "error": long, "output": long, "exit_message": long}
    )
    assert kept["left_out"] == ["output", "cause"]
    assert {"error", "exit_message"} <= kept.keys()


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_dynamodb_cannot_hold_stays_as_text(number):
    kept = row(item({"name": "n", "summary": {"number": number}}))["summary"]["number"]
    assert str(kept) in (str(number), json.dumps(number)) or float(kept) == number


def test_a_name_of_no_characters_gets_one():
    assert row(item({"name": "n", "trigger": {"": {"": 1}}}))["trigger"] == {
        "(empty)": {"(empty)": 1}
    }


def test_a_name_longer_than_dynamodb_takes_is_cut():
    [name] = row(item({"name": "n", "trigger": {"é" * 70_000: 1}}))["trigger"]
    assert name == "é" * 1024


def test_half_of_a_surrogate_pair_becomes_a_question_mark():
    assert row(item({"name": "n", "cause": "a\ud800b"}))["cause"] == "a?b"


@given(
    st.dictionaries(
        st.sampled_from(["output", "cause", "error", "exit_message", "summary", "trigger"]),
        st.sampled_from(["x", "é", "😀", "\ud800"]).flatmap(
            lambda sign: st.integers(0, 32_768).map(lambda times: sign * times)
        ),
    )
)
def test_no_row_is_larger_than_its_limit(texts):
    kept = fitting({"name": "run-1"} | texts)
    assert (
        sum(len(str(name) + str(value).encode().decode("latin-1")) for name, value in kept.items())
        <= ROW_LIMIT + 200
    )
    assert kept.keys() - {"left_out"} == {"name", *texts} - set(kept.get("left_out", ()))
