"""The batch functions: lines in, cleaned rows and rejects out; and how rows come into buckets."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages.batch import POSITION, clean_rows, json_rows
from messages.columns import Columns
from messages.csvrows import TabRecords
from messages.staging import IDENTITY, ORDER, Staging, firsts, segments

COLUMNS = Columns(text="text", sender="from", message_id="id", sent_at="at")


def cleaned(*rows, columns=COLUMNS):
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    return clean_rows(json_rows(lines, columns), columns)


WRONG = {
    b'{"text": "cut': "not valid JSON",
    b'{"text": "a"} {"text": "b"}': "not valid JSON",
    b'{"text": "\\ud800"}': "not valid JSON",
    b'{"text": "\xff"}': "not valid in the file's encoding",
    b'["text"]': "not a JSON object",
    b'{"text": "\\ud800", "n": NaN}': "not valid JSON",
    b'{"text": {"de": "x"}}': "'text' is not a string",
}


def test_an_unreadable_line_is_rejected_with_a_reason_and_no_other_is():
    batch = cleaned(b"", {"text": "a"}, b" \r", *WRONG, b'{"text": "a", "text": "b"}\r')

    assert batch.frame.select(POSITION, "text").rows() == [(1, "a"), (3 + len(WRONG), "b")]
    assert [reject.position for reject in batch.rejects] == [*range(3, 3 + len(WRONG))]
    for reject, reason in zip(batch.rejects, WRONG.values(), strict=True):
        assert reject.reason.startswith(reason)


def test_ids_keep_all_their_digits_others_become_floats_and_nan_is_missing():
    big, bigger = "18446744073709551615", "12345678901234567890123"
    line = f'{{"text": 42, "id": {bigger}, "from": {big}, "at": 5.7E+17, "n": {2**70}}}'
    batch = cleaned(line.encode(), b'{"text": NaN, "n": -Infinity}', b'{"text": "a", "n": NaN}')

    first, second = batch.frame.drop(POSITION).rows()
    assert first == (bigger, big, "5.7e+17", "42", 2.0**70)
    assert (second, batch.empty) == ((None, None, None, "a", None), 1)


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

    [reject] = cleaned({number: {}}, columns=Columns(text=number)).rejects
    assert number not in reject.reason


def test_a_line_or_a_text_that_is_too_long_is_rejected(monkeypatch):
    for name in ("jsonrows.MAX_LINE", "jsonrows.MAX_VALUES", "csvrows.MAX_LINE"):
        monkeypatch.setattr(f"messages.{name}", 20)
    monkeypatch.setattr("messages.batch.MAX_TEXT", 5)
    long = '{"text": "' + "x" * 30 + '"}'
    batch = cleaned(long.encode(), b'{"text":"abcdef"}', b'{"text":"abcde"}')

    assert [r.reason for r in batch.rejects] == ["longer than 16 MiB", "a text longer than 4 MiB"]
    assert batch.frame.select(POSITION, "text").rows() == [(2, "abcde")]
    assert next(iter(TabRecords([long])))[1].reason == "longer than 16 MiB"


MESSAGE = st.tuples(
    st.sampled_from(["ada", "bob", "", None]),
    st.sampled_from(["9:00", None]),
    st.sampled_from(["a", "b", "\0", ""]),
)


@settings(max_examples=50)
@given(st.dictionaries(st.integers(0, 99), MESSAGE, min_size=1, max_size=12), st.integers(1, 3))
def test_buckets_have_every_first_row_and_none_has_another_that_is_alike(rows, buckets):
    columns = dict.fromkeys((ORDER, *IDENTITY), pl.String) | {ORDER: pl.Int64}
    frame = pl.DataFrame([(at, *row) for at, row in rows.items()], columns, orient="row")
    with TemporaryDirectory() as name:
        staging = Staging(Path(name), buckets, seed=1)
        for part in frame.iter_slices(5):
            staging.add(part)
        staging.flush()
        found = [firsts(list(segments([path]))) for path in Path(name).iterdir()]

    first_of_each = {row: at for at, row in sorted(rows.items(), reverse=True)}
    assert sorted(at for one in found for at in one[ORDER]) == sorted(first_of_each.values())
