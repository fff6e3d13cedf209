"""JSON lines as a table at once, where one program wrote them all alike.

Lines that differ in nothing but their strings need no parser: what stands between the strings is
known from one of them, and a string without quotes, backslashes and controls means itself. So such
lines are cut at their quotes, which Polars' CSV reader does in half the time of a JSON parser; what
it finds is put together again and has to be the line. Other lines are parsed one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson
import polars as pl

from messages.columns import MAX_NAME
from messages.jsonrows import parse, without
from messages.lines import MAX_LINE, MAX_VALUES, Reject
from messages.values import MAX_COLUMNS

# Fewer lines are not worth it, nor are lines of which more than one in eight is not like the rest.
FEW, ODD, SAMPLE = 500, 8, 64
MAX_LENGTH = min(MAX_LINE, MAX_VALUES)
# A record has four fields for each string: what is before its name, its name, a colon, its value.
_VALUE, _STEP = 3, 4
_CONTROLS = bytes(byte for byte in range(0x20) if byte != ord("\n"))
Plain = tuple[dict[str, pl.Series], Sequence[int], list[Reject]]


class _Form(NamedTuple):
    """What lines have in common: names, and what stands before, between and behind the values."""

    keys: tuple[str, ...]
    around: list[str]


def read(lines: Sequence[bytes]) -> Plain | None:
    """Take lines of UTF-8 apart.

    Returns
    -------
    dict, sequence, list
        Columns by key, positions, and rejects: what ``jsonrows.parse`` and ``values.column`` make
        of the lines. None where the lines are not alike enough.
    """
    form = _form(lines)
    found = form and _fields(lines, form)
    if not form or not found:
        return None
    fields, odd = found
    rows, places, rejects = parse([lines[i] for i in odd], "utf-8")
    if any(tuple(row) != form.keys or not _texts(row) for row in rows):
        return None
    rejects = [replace(r, position=odd[r.position]) for r in rejects]
    parsed = [odd[place] for place in places]
    gone = {*odd} - {*parsed}
    left = without(range(len(lines)), [*gone]) if gone else []
    columns = {}
    for key, field in zip(form.keys, fields, strict=True):
        whole = field.scatter(parsed, pl.Series([row[key] for row in rows], dtype=pl.String))
        columns[key] = (whole.gather(left) if gone else whole).alias(key)
    return columns, left if gone else range(len(lines)), rejects


def _texts(row: dict[str, Any]) -> bool:
    return set(map(type, row.values())) <= {str, type(None)}


def _form(lines: Sequence[bytes]) -> _Form | None:
    """Learn from one line what lines have in common; None if that is not likely to be all."""
    if len(lines) < FEW:
        return None
    sample = lines[:: max(1, len(lines) // SAMPLE)]
    pattern = next((line for line in sample if b"\\" not in line and line[:1] == b"{"), b"")
    quotes = pattern.count(b'"')
    if sum(line.count(b'"') != quotes for line in sample) > len(sample) // ODD:
        return None
    try:
        row = orjson.loads(pattern)
    except ValueError:
        return None
    pieces = pattern.decode().split('"')
    if not _is_plain(row, pieces):
        return None
    between = ['"'.join(pieces[i - _VALUE : i]) for i in range(_VALUE, len(pieces), _STEP)]
    around = [f'{between[0]}"', *(f'"{part}"' for part in between[1:]), f'"{pieces[-1]}']
    return _Form(tuple(row), around)


def _is_plain(row: Any, pieces: Sequence[str]) -> bool:
    """Tell whether a line is an object of strings, each name once, and none that is cut off."""
    return (
        type(row) is dict
        and 0 < len(row) <= MAX_COLUMNS
        and list(row) == pieces[1::_STEP]
        and list(row.values()) == pieces[_VALUE::_STEP]
        and max(map(len, row)) <= MAX_NAME
    )


def _fields(lines: Sequence[bytes], form: _Form) -> tuple[list[pl.Series], list[int]] | None:
    """Cut lines into values by key; the places of those lines that have to be parsed."""
    text = b"\n".join(lines)
    if not text.startswith(b"{") or len(text.translate(None, _CONTROLS)) < len(text):
        return None
    try:
        whole = pl.Series(lines, dtype=pl.Binary).cast(pl.String)
        table = _cut(text, len(form.keys))
    except pl.exceptions.PolarsError:
        return None
    if table.height != len(lines) or (whole.str.len_bytes() > MAX_LENGTH).any():
        return None
    parts = [part for pair in zip(form.around, [*table.columns, ""], strict=True) for part in pair]
    put = [pl.col(p) if i % 2 else pl.lit(p) for i, p in enumerate(parts[:-1])]
    again = table.select(pl.concat_str(put)).to_series()
    alike = (again == whole) & ~whole.str.contains("\\", literal=True)
    odd = (~alike.fill_null(value=False)).arg_true().to_list()
    return None if len(odd) > len(lines) // ODD else (table.get_columns(), odd)


def _cut(text: bytes, values: int) -> pl.DataFrame:
    """Cut lines at quotes: a column for each value, as a line has them that is like the others."""
    width = _STEP * values + 1
    return pl.read_csv(
        text,
        has_header=False,
        separator='"',
        quote_char=None,
        schema={f"{place}": pl.String for place in range(width)},
        columns=list(range(_VALUE, width, _STEP)),
        empty_string_is_null=False,
        extra_columns="ignore",
        missing_columns="insert",
    )
