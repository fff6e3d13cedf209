"""JSON lines as a table at once: whatever it takes, it takes as one line after the other is."""

from __future__ import annotations

import json
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages import jsontable
from messages.jsonrows import parse, table
from messages.lines import Reject
from messages.values import column

KEYS = ("message_id", "sender", "text")


def one_by_one(lines: Sequence[bytes]) -> tuple[dict[str, pl.Series], list[int], list[Reject]]:
    rows, positions, rejects = parse(lines, "utf-8")
    keys, values = table(rows)
    return {key: column(key, values(key)) for key in keys}, positions, rejects


def same(lines: Sequence[bytes]) -> bool:
    """Say whether lines were taken at once; it is as one by one, if so."""
    found = jsontable.read(lines)
    if found is None:
        return False
    (columns, positions, rejects), (expected, *expected_others) = found, one_by_one(lines)
    assert list(columns) == list(expected)
    assert pl.DataFrame(columns).equals(pl.DataFrame(expected), null_equal=True)
    assert pl.DataFrame(columns).schema == pl.DataFrame(expected).schema
    assert [list(positions), rejects] == expected_others
    return True


@pytest.fixture
def any_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontable, "FEW", 1)
    monkeypatch.setattr(jsontable, "ODD", 1)


def line(*values: str, separators: tuple[str, str] = (",", ":")) -> bytes:
    row = dict(zip(KEYS, values, strict=True))
    return json.dumps(row, ensure_ascii=False, separators=separators).encode()


ALIKE = [line(f"m{i}", f"user {i % 9}", f"Grüße, {i} <b> 'x' {{}} 😀") for i in range(600)]


def test_lines_that_are_alike_are_taken_at_once() -> None:
    assert same(ALIKE)
    assert same([line("m", f"{i}", "", separators=(", ", ": ")) for i in range(600)])


@pytest.mark.parametrize(
    "odd",
    [
        line("m", "u", 'He said "no"\\ and\nleft \u2028'),
        b'{"message_id":"m","sender":null,"text":"a"}',
        b'{"message_id":"m", "sender":"u","text":"a"}',
        b'{"message_id":"m","sender":"u","text":"\\u0041"}',
        b'{"message_id":"m","sender":"u","text":"cut',
        b'{"message_id":"m","sender":"u","text":"a"}""',
        b'{"message_id":"m","sender":"u","text":"a"}}',
        b'"{"', b"[]", b"7", b"  ", b"", b"\xef\xbb\xbf{}", b'"' * 12, b",", b"null",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [1, 300, 599])
def test_a_line_that_is_not_is_read_by_itself(odd: bytes, place: int) -> None:
    ends_with_blank = not odd and place == len(ALIKE) - 1
    assert same([*ALIKE[:place], odd, *ALIKE[place + 1 :]]) is not ends_with_blank


@pytest.mark.parametrize(
    "odd",
    [
        b'{"message_id":"m","sender":"u","text":"a\tb"}',
        b'{"message_id":"m","sender":"u","text":"a"}\r',
        b'{"message_id":"m","sender":"u","text":"\xff"}',
        b'{"message_id":"m","sender":7,"text":"a"}',
        b'{"message_id":"m","sender":"u","text":"a","more":"b"}',
        b'{"sender":"u","message_id":"m","text":"a"}',
        b'{"message_id":"m","sender":"u"}',
        b"{}",
    ],
)
def test_a_line_that_a_table_at_once_cannot_say_leaves_all_to_the_parser(odd: bytes) -> None:
    assert jsontable.read([*ALIKE[:300], odd, *ALIKE[301:]]) is None


def test_few_lines_and_lines_of_other_than_strings_are_left_to_the_parser() -> None:
    assert jsontable.read(ALIKE[:100]) is None
    assert jsontable.read([b'{"text":"a","n":1}'] * 600) is None
    assert jsontable.read([b'{"text":"a","text":"b"}'] * 600) is None
    assert jsontable.read([b'{"text":{"a":"b"}}'] * 600) is None
    assert jsontable.read([b'{"text":"a"'] * 600) is None
    assert jsontable.read([b"{}"] * 600) is None
    assert jsontable.read([b"x" * 600 * 1024, *ALIKE]) is None


_TEXTS = st.text(alphabet=st.sampled_from("ab \"\\{}[]:,\t\r\x7f\x00é\u2028\ud83d\n'"), max_size=8)
_WRITTEN = st.builds(
    lambda values, separators, plain: json.dumps(
        dict(zip(KEYS, values, strict=True)), ensure_ascii=plain, separators=separators
    ).encode("utf-8", "surrogatepass"),
    st.tuples(_TEXTS, _TEXTS, _TEXTS | st.none()),
    st.sampled_from([(",", ":"), (",", ":"), (", ", ": ")]),
    st.booleans(),
)
_PIECES = st.lists(
    st.sampled_from(
        ['{"a":"', '","b":"', '"}', '"', "x", "\\", ",", ":", "{", "}", " ", "\t", "é"]
    ),
    max_size=8,
).map(lambda pieces: "".join(pieces).encode())
_SPLICED = st.builds(
    lambda one, other: b'{"a":"%b","b":"%b"}' % (one, other), _PIECES, _PIECES | st.just(b"y")
)


@pytest.mark.usefixtures("any_number")
@settings(max_examples=1000)
@given(st.lists(_WRITTEN, min_size=1, max_size=8))
def test_lines_that_programs_wrote_are_the_same_at_once_and_one_by_one(lines: list[bytes]) -> None:
    same([part for one in lines for part in one.split(b"\n")])


@pytest.mark.usefixtures("any_number")
@settings(max_examples=1000)
@given(st.lists(st.one_of(_SPLICED, _PIECES), max_size=6))
def test_lines_made_to_mislead_are_the_same_at_once_and_one_by_one(lines: list[bytes]) -> None:
    same([b'{"a":"x","b":"y"}', *lines, b'{"a":"","b":"y"}'])
