"""The batch functions: lines or rows in, cleaned rows and rejects out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import messages.batch as batch_module
from messages.batch import (
    POSITION,
    clean_rows,
    json_rows,
    record_rows,
)
from messages.columns import Columns
from messages.csvrows import TabRecords
from messages.lines import Reject

COLUMNS = Columns(text="text", sender="from", message_id="id", sent_at="at")


def cleaned(*rows, columns=COLUMNS):
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    return clean_rows(json_rows(lines, columns), columns)


def clean_records(records, header, columns, spill=0):
    return clean_rows(record_rows(records, header, columns, spill), columns)


def adds_up(batch):
    return batch.rows_in == batch.frame.height + batch.empty + len(batch.rejects)


def test_output_columns_come_first_and_others_as_they_came():
    batch = cleaned({"n": 1, "text": " hi ", "id": 7, "from": "  ", "ok": True, "x": 1.5})

    expected = {"message_id": "7", "sender": None, "sent_at": None, "text": "hi"}
    expected |= {"n": 1, "ok": True, "x": 1.5}
    [row] = batch.frame.drop(POSITION).to_dicts()
    assert list(row.items()) == list(expected.items())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "cut', "not valid JSON"),
        (b'{"text": "a"} {"text": "b"}', "not valid JSON"),
        (b'{"text": "\\ud800"}', "not valid JSON"),
        (b'{"text": "\xff"}', "not valid UTF-8: byte 11"),
        (b'{"text": NaN, }', "not valid JSON"),
        (b'["text"]', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"text": {"de": "x"}}', "'text' is not a string"),
        (b'{"text": true}', "'text' is not a string"),
    ],
)
def test_one_unreadable_line_is_rejected_and_no_other(line, reason):
    batch = cleaned({"text": "a"}, line, {"text": "b"})

    assert batch.frame.select(POSITION, "text").rows() == [(0, "a"), (2, "b")]
    [reject] = batch.rejects
    assert reject.position == 1
    assert reject.reason.startswith(reason)


def test_blank_lines_are_no_rows_and_the_last_of_double_keys_counts():
    batch = cleaned(b"", b" \r", b'{"text": "a", "text": "b"}\r')

    assert (batch.rows_in, batch.frame["text"].to_list()) == (1, ["b"])


def test_numbers_are_text_and_ids_keep_all_their_digits():
    big, bigger = "18446744073709551615", "12345678901234567890123"
    line = f'{{"text": 42, "id": {bigger}, "from": {big}, "at": 5.7E+17}}'

    assert cleaned(line.encode()).frame.drop(POSITION).row(0) == (bigger, big, "5.7e+17", "42")


def test_values_of_several_kinds_become_their_json():
    values = (1, "one", None, [1, {"a": None}], True, 2**70)
    batch = cleaned(*({"text": "a", "v": value} for value in values))

    expected = ["1", "one", None, '[1,{"a":null}]', "true", "1.1805916207174113e+21"]
    assert batch.frame["v"].to_list() == expected


def test_a_column_named_like_an_output_column_is_kept_beside_it():
    given = {"body": "b", "text": "t", "input_text": "i", "\0order": 1}
    frame = cleaned(given, columns=Columns(text="body")).frame

    names = ("text", "input_text", "input_text_", "input_order")
    assert frame.select(names).row(0) == ("b", "i", "t", 1)


@pytest.mark.parametrize("number", ["13800138000", "4111 1111 1111 1111", "bob@example.com"])
def test_excerpts_and_reasons_of_rejects_are_masked_and_short(number):
    excerpt = cleaned(f'{{"text": "{number} {"x" * 9999}'.encode()).rejects[0].excerpt
    assert excerpt.startswith('{"text": "<')
    assert len(excerpt) <= 160
    # Nor does an excerpt end amid what is masked.
    for length in range(27, 34):
        line = "电" * 100 + "\u3000" * length + number + "\u3002"
        assert not set(cleaned(line.encode()).rejects[0].excerpt) & set("1b@")

    [reject] = batch_module._masked([Reject(0, "not a number: bob@example.com", "")])
    assert reject.reason == "not a number: <EMAIL>"


def test_a_line_or_a_text_that_is_too_long_is_rejected(monkeypatch):
    for name in ("jsonrows.MAX_LINE", "jsonrows.MAX_VALUES", "csvrows.MAX_LINE"):
        monkeypatch.setattr(f"messages.{name}", 20)
    monkeypatch.setattr("messages.batch.MAX_TEXT", 5)
    long = '{"text": "' + "x" * 30 + '"}'
    batch = cleaned(long.encode(), b'{"text":"abcdef"}', b'{"text":"abcde"}')

    assert [r.reason for r in batch.rejects] == ["longer than 16 MiB", "a text longer than 4 MiB"]
    assert batch.frame.select(POSITION, "text").rows() == [(2, "abcde")]
    assert next(iter(TabRecords([long])))[1].reason == "longer than 16 MiB"


def test_commas_behind_the_last_column_are_no_fields():
    batch = clean_records([(0, ["1", "a", "", ""]), (1, ["2", "b", "c"])], ["id", "text"], COLUMNS)

    assert batch.frame["text"].to_list() == ["a"]
    assert [r.reason for r in batch.rejects] == ["3 fields where the header has 2"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [(["a", "b c", "", ""], "a,b c"), (["a,", "", "", ""], "a,"), (["", "a", "b", ""], ",a,b")],
)
def test_a_text_that_its_commas_split_is_joined(fields, text):
    header = ["id", "text", "column_3", "column_4", "column_5"]
    batch = clean_records([(0, ["1", *fields])], header, Columns("text"), 3)

    assert batch.frame.drop(POSITION).to_dicts()[0] == {
        **dict.fromkeys(["message_id", "sender", "sent_at"]),
        "text": text,
        "id": "1",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ROWS = st.dictionaries(st.sampled_from(["text", "from", "id", "at", "x", "\0order"]), JSON)


@given(st.lists(st.one_of(st.binary(), ROWS, JSON), max_size=8))
def test_json_lines_never_raise_and_add_up(rows):
    batch = cleaned(*rows)

    assert adds_up(batch)
    assert batch.rows_in <= len(rows)
    places = [*batch.frame[POSITION], *(r.position for r in batch.rejects)]
    assert len(set(places)) == len(places)


_LINES = [
    *(b'{"text": "a"}', b'{"id": 1, "text": "b"}', b'{"text": "\xff"}', b'{"text": "cut', b"[1]"),
    *(b"null", b" \r", b'{"text": {}}', b"{}"),
]


@given(st.lists(st.sampled_from(_LINES), max_size=12))
def test_lines_parsed_all_at_once_give_what_lines_parsed_one_by_one_give(mixed):
    together, slowly = cleaned(*mixed), cleaned(*mixed, b"")
    alone = [cleaned(line) for line in mixed]

    assert together.rejects == slowly.rejects
    assert together.frame.equals(slowly.frame)
    assert together.rows_in == sum(batch.rows_in for batch in alone)
    assert [r.reason for r in together.rejects] == [r.reason for b in alone for r in b.rejects]
