"""The batch functions: lines or rows in, cleaned rows and rejects out."""

from __future__ import annotations

import json
import pickle
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import messages.batch as batch_module
from messages.batch import (
    POSITION,
    Batch,
    clean_rows,
    field_rows,
    frame_rows,
    json_rows,
    record_rows,
)
from messages.columns import Columns
from messages.csvrows import TabRecords
from messages.jsonrows import table
from messages.lines import Reject

COLUMNS = Columns(text="text", sender="from", message_id="id", sent_at="at")


def lines(*rows: Any) -> list[bytes]:
    return [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]


def clean_json_lines(given: list[bytes], columns: Columns) -> Batch:
    return clean_rows(json_rows(given, columns), columns)


def clean_records(records: list[Any], header: list[str], columns: Columns, spill: int = 0) -> Batch:
    return clean_rows(record_rows(records, header, columns, spill), columns)


def adds_up(batch: Batch) -> bool:
    return batch.rows_in == batch.frame.height + batch.empty + len(batch.rejects)


def test_output_columns_come_first_and_others_as_they_came() -> None:
    batch = clean_json_lines(
        lines({"n": 1, "text": " hi ", "id": 7, "ok": True, "x": 1.5}), COLUMNS
    )

    assert batch.frame.drop(POSITION).to_dicts() == [
        {
            "message_id": "7",
            "sender": None,
            "sent_at": None,
            "text": "hi",
            "n": 1,
            "ok": True,
            "x": 1.5,
        }
    ]


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
def test_one_unreadable_line_is_rejected_and_no_other(line: bytes, reason: str) -> None:
    batch = clean_json_lines(lines({"text": "a"}, line, {"text": "b"}), COLUMNS)

    assert batch.frame["text"].to_list() == ["a", "b"]
    assert batch.frame[POSITION].to_list() == [0, 2]
    assert [r.position for r in batch.rejects] == [1]
    assert batch.rejects[0].reason.startswith(reason)


def test_blank_lines_are_no_rows_and_the_last_of_double_keys_counts() -> None:
    batch = clean_json_lines([b"", b" \r", b'{"text": "a", "text": "b"}\r'], COLUMNS)

    assert (batch.rows_in, batch.frame["text"].to_list()) == (1, ["b"])


def test_numbers_are_text_and_ids_keep_all_their_digits() -> None:
    row = (
        b'{"text": 42, "id": 12345678901234567890123, "from": 18446744073709551615, "at": 5.7E+17}'
    )

    assert clean_json_lines([row], COLUMNS).frame.drop(POSITION).row(0) == (
        "12345678901234567890123",
        "18446744073709551615",
        "5.7e+17",
        "42",
    )


def test_values_of_several_kinds_become_their_json() -> None:
    rows = [{"text": "a", "v": v} for v in (1, "one", None, [1, {"a": None}], True, 2**70)]
    batch = clean_json_lines(lines(*rows), COLUMNS)

    expected = ["1", "one", None, '[1,{"a":null}]', "true", "1.1805916207174113e+21"]
    assert batch.frame["v"].to_list() == expected


def test_a_column_named_like_an_output_column_is_kept_beside_it() -> None:
    columns = Columns(text="body")
    batch = clean_json_lines(
        lines({"body": "b", "text": "t", "input_text": "i", "\0order": 1}), columns
    )

    row = batch.frame.to_dicts()[0]
    assert (row["text"], row["input_text"], row["input_text_"], row["input_order"]) == (
        "b",
        "i",
        "t",
        1,
    )


def test_blank_senders_are_no_senders() -> None:
    batch = clean_json_lines(lines({"text": "a", "from": "  "}, {"text": "a", "from": ""}), COLUMNS)

    assert batch.frame["sender"].to_list() == [None, None]


def test_columns_beyond_the_limit_are_kept_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_module, "MAX_COLUMNS", 2)
    rows = [
        {"text": "a", "k1": 1, "k2": 2, "k3": 3},
        {"text": "b", "k4": "x", "other_columns": "own"},
    ]
    batch = clean_json_lines(lines(*rows), COLUMNS)

    assert set(batch.frame.columns[-3:]) == {"k1", "k2", "other_columns"}
    packed = [json.loads(v) for v in batch.frame["other_columns"]]
    assert packed == [{"k3": 3}, {"k4": "x", "other_columns": "own"}]


def test_excerpts_of_rejects_are_masked_and_short() -> None:
    line = b'{"text": "bob@example.com 4111 1111 1111 1111 ' + b"x" * 9999
    reject = clean_json_lines([line], COLUMNS).rejects[0]

    assert reject.excerpt.startswith('{"text": "<EMAIL> <CARD> xxx')
    assert len(reject.excerpt) <= 160


@pytest.mark.parametrize("number", ["13800138000", "4111 1111 1111 1111", "bob@example.com"])
@pytest.mark.parametrize("place", range(380, 400, 3))
def test_an_excerpt_does_not_end_amid_what_is_masked(number: str, place: int) -> None:
    before = "电" * 100 + "\u3000" * ((place - 300) // 3)
    reject = clean_json_lines([f"{before}{number}\u3002".encode()], COLUMNS).rejects[0]

    assert not set(reject.excerpt) & set("1b@")


def test_reasons_of_rejects_are_masked() -> None:
    rejects = batch_module._masked([Reject(0, "not a number: bob@example.com", "")])

    assert rejects[0].reason == "not a number: <EMAIL>"


def test_a_line_that_is_too_long_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messages.jsonrows.MAX_LINE", 20)
    monkeypatch.setattr("messages.jsonrows.MAX_VALUES", 20)
    monkeypatch.setattr("messages.csvrows.MAX_LINE", 20)
    long = b'{"text": "' + b"x" * 30 + b'"}'

    assert clean_json_lines([long], COLUMNS).rejects[0].reason == "longer than 16 MiB"
    assert next(iter(TabRecords([long.decode()])))[1].reason == "longer than 16 MiB"


def test_commas_behind_the_last_column_are_no_fields() -> None:
    batch = clean_records([(0, ["1", "a", "", ""]), (1, ["2", "b", "c"])], ["id", "text"], COLUMNS)

    assert batch.frame["text"].to_list() == ["a"]
    assert [r.reason for r in batch.rejects] == ["3 fields where the header has 2"]


@given(st.lists(st.lists(st.sampled_from(["", "a", "b c"]), min_size=5, max_size=5)))
def test_a_text_that_its_commas_split_is_joined_alike_from_fields_and_from_records(
    rows: list[list[str]],
) -> None:
    header, columns = ["id", "text", "column_3", "column_4", "column_5"], Columns("text")
    fields = [pl.Series([row[place] for row in rows], dtype=pl.String) for place in range(5)]
    batch = clean_rows(field_rows(fields, range(len(rows)), header, columns, 3), columns)

    assert batch.frame.equals(clean_records(list(enumerate(rows)), header, columns, 3).frame)
    assert batch.frame["text"].to_list() == [
        text for row in rows if (text := ",".join(row[1:]).rstrip(","))
    ]


def test_rows_of_a_table_keep_their_types() -> None:
    frame = pl.DataFrame({"text": ["a", None], "id": [1, 2], "tags": [["x"], []], "n": [1.5, None]})
    batch = clean_rows(frame_rows(frame, COLUMNS), COLUMNS)

    assert batch.frame.schema["tags"] == pl.List(pl.String)
    assert (batch.rows_in, batch.empty, batch.frame["message_id"].to_list()) == (2, 1, ["1"])


def test_columns_and_batches_travel_between_processes() -> None:
    batch = clean_json_lines(lines({"text": "a"}, b"{"), COLUMNS)

    again = pickle.loads(pickle.dumps((COLUMNS, batch)))
    assert again[0] == COLUMNS
    assert again[1].frame.equals(batch.frame)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ROWS = st.dictionaries(st.sampled_from(["text", "from", "id", "at", "x", "y", "\0order"]), JSON)


@given(st.lists(st.one_of(st.binary(), ROWS, JSON), max_size=20))
def test_json_lines_never_raise_and_add_up(rows: list[Any]) -> None:
    batch = clean_json_lines(lines(*rows), COLUMNS)

    assert adds_up(batch)
    assert batch.rows_in <= len(rows)
    places = [*batch.frame[POSITION], *(r.position for r in batch.rejects)]
    assert len(set(places)) == len(places)


@given(st.lists(st.lists(st.text(), max_size=4), max_size=20), st.integers(0, 2))
def test_records_never_raise_and_add_up(rows: list[list[str]], spill: int) -> None:
    header = ["id", "text", "column_3", "column_4"]
    batch = clean_records(list(enumerate(rows)), header, COLUMNS, spill)

    assert adds_up(batch)
    assert batch.rows_in == len(rows)


_LINES = [
    b'{"text": "a"}', b'{"id": 1, "text": "b"}', b'{"text": "\xff"}', b'{"text": "cut', b"[1]",
    b"null", b" \r", b'{"text": {}}', b"{}",
]  # fmt: skip


@given(st.lists(st.sampled_from(_LINES), max_size=12))
def test_lines_parsed_all_at_once_give_what_lines_parsed_one_by_one_give(
    mixed: list[bytes],
) -> None:
    together = clean_json_lines(mixed, COLUMNS)
    alone = [clean_json_lines([line], COLUMNS) for line in mixed]
    slowly = clean_json_lines([*mixed, b""], COLUMNS)

    assert together.rejects == slowly.rejects
    assert together.frame.equals(slowly.frame)
    assert together.rows_in == sum(batch.rows_in for batch in alone)
    assert [r.reason for r in together.rejects] == [r.reason for b in alone for r in b.rejects]


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers()), max_size=5))
def test_values_by_key_are_the_same_whether_rows_have_the_same_keys_or_not(
    rows: list[dict[str, int]],
) -> None:
    keys, values = table(rows)

    assert list(keys) == list(dict.fromkeys(key for row in rows for key in row))
    assert [values(key) for key in "abcd"] == [[row.get(k) for row in rows] for k in "abcd"]
