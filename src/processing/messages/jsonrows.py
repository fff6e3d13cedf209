"""Parses JSON lines; orjson decides which lines are JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from contextlib import suppress
from typing import Any

import orjson
import polars as pl

from messages.lines import (
    MAX_LINE,
    MAX_VALUES,
    TOO_LONG,
    TOO_MANY,
    UNDECODABLE,
    Reject,
    crowded,
    reject,
)
from messages.values import json_text

_LOSSY = float(2**63)
_LONGEST_NUMBER = 400
# With fewer brackets, a line is not nested deeper than orjson can write.
_DEEP = 250
JsonRows = tuple[list[dict[str, Any]], list[int], list[Reject]]


def parse(lines: Sequence[bytes]) -> JsonRows:
    """Parse lines into objects, their positions, and rejects; blank lines are neither."""
    rows: list[dict[str, Any]] = []
    positions: list[int] = []
    rejects: list[Reject] = []
    for position, line in enumerate(lines):
        if not line:  # files may have gigabytes of them
            continue
        try:
            row = orjson.loads(line) if len(line) <= MAX_VALUES else _long(line)
            if type(row) is not dict:
                raise ValueError("not a JSON object")
            if len(line) > _DEEP and line.count(b"[") + line.count(b"{") > _DEEP:
                _refuse_deep(row)
        except ValueError as error:
            row = None
            if line.strip() and (row := _with_nan(line)) is None:
                rejects.append(reject(position, _reason(error, line), line))
        if row is not None:
            rows.append(row)
            positions.append(position)
    return rows, positions, rejects


def _long(line: bytes) -> Any:
    """Parse a line that may have too many values."""
    if len(line) > MAX_LINE:
        raise ValueError(TOO_LONG)
    if crowded(line, b",", b"[", b"{"):
        raise ValueError(TOO_MANY)
    return orjson.loads(line)


def _refuse_deep(row: dict[str, Any]) -> None:
    """Raise ValueError if orjson, which reads 1,024 levels, cannot write the row."""
    try:
        json_text(row)
    except orjson.JSONEncodeError as error:
        raise ValueError("nested too deeply") from error


def _with_nan(line: bytes) -> dict[str, Any] | None:
    """Parse an object with NaN or Infinity, as Python writes them; they become missing values."""
    if len(line) > MAX_LINE or (b"NaN" not in line and b"Infinity" not in line):
        return None
    try:
        row = json.loads(line, parse_constant=lambda _: None)
        json_text(row)  # half surrogates, which no output can hold
    except (ValueError, TypeError, RecursionError):
        return None
    return row if type(row) is dict else None


def _reason(error: ValueError, line: bytes) -> str:
    if not isinstance(error, orjson.JSONDecodeError):
        return str(error)
    try:
        line.decode()
    except UnicodeDecodeError:
        return UNDECODABLE
    return f"not valid JSON: {error.msg} at character {error.pos + 1}"


def not_text(texts: Sequence[Any]) -> list[int]:
    """Find the values that are no text; numbers count as text, null as missing."""
    if set(map(type, texts)) <= {str, int, float, type(None)}:
        return []
    return [i for i, t in enumerate(texts) if type(t) in (bool, dict, list)]


def without(values: Sequence[Any], indexes: Sequence[int]) -> list[Any]:
    """Remove values at some positions."""
    gone = set(indexes)
    return [v for i, v in enumerate(values) if i not in gone]


def scalars(values: Sequence[Any], lines: Sequence[bytes]) -> pl.Series:
    """Write values as strings; ``lines`` are those that they came from."""
    if set(map(type, values)) <= {str, type(None)}:
        return pl.Series(values, dtype=pl.String)
    texts = [scalar(v, line) for v, line in zip(values, lines, strict=True)]
    return pl.Series(texts, dtype=pl.String)


def scalar(value: Any, line: bytes) -> str | None:
    """Write a value as a string; integers beyond 64 bits are read again, as orjson rounds them."""
    if value is None or type(value) is str:
        return value
    if type(value) is float and abs(value) >= _LOSSY:
        exact = [v for v in _integers(line) if float(v) == value]
        return str(exact[0]) if len(set(exact)) == 1 else json_text(value)
    return json_text(value)


def _integers(line: bytes) -> list[int]:
    found: list[int] = []

    def keep(digits: str) -> int:
        found.append(int(digits) if len(digits) < _LONGEST_NUMBER else 0)
        return 0

    with suppress(RecursionError, ValueError):  # nested deeper than orjson minds
        json.loads(line.decode("utf-8", "replace"), parse_int=keep)
    return found


def overflow(rows: Sequence[dict[str, Any]], kept: Set[str]) -> pl.Series:
    """Collect the values of all other columns as JSON text; see ``values.pack``."""
    packed = [{k: v for k, v in row.items() if k not in kept and v is not None} for row in rows]
    return pl.Series([json_text(p) if p else None for p in packed], dtype=pl.String)
