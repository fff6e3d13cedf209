"""Types of columns, and how they are united when files disagree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import polars as pl

MAX_COLUMNS = 500
OVERFLOW = "other_columns"
CELL = 16
_INT64 = range(-(2**63), 2**63)
_EXACT_IN_FLOAT = range(-(2**53), 2**53 + 1)


def column(name: str, values: Sequence[Any]) -> pl.Series:
    """Make a column of parsed JSON values: typed if all agree, otherwise as JSON text.

    Objects and arrays always become JSON text: their fields differ from row to row.
    """
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {str}:
        return pl.Series(name, values, dtype=pl.String)
    if kinds == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if kinds == {int} and all(v in _INT64 for v in values if v is not None):
        return pl.Series(name, values, dtype=pl.Int64)
    if kinds <= {int, float} and float in kinds and _fit_floats(values):
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    if not kinds:
        return pl.Series(name, values, dtype=pl.Null)
    return pl.Series(name, texts(values), dtype=pl.String)


def _fit_floats(values: Iterable[Any]) -> bool:
    return all(v in _EXACT_IN_FLOAT for v in values if type(v) is int)


def texts(values: Iterable[Any]) -> list[str | None]:
    """Write each value as text: strings as they are, anything else as JSON; null stays null."""
    return [v if v is None or type(v) is str else json_text(v) for v in values]


def json_text(value: Any) -> str:
    """Write one value as compact JSON."""
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def as_text(series: pl.Series) -> pl.Series:
    """Convert any column to strings."""
    dtype = series.dtype
    if dtype == pl.Binary:
        decoded = [None if v is None else v.decode("utf-8", "replace") for v in series]
        return pl.Series(series.name, decoded, dtype=pl.String)
    if isinstance(dtype, pl.Datetime):
        return series.dt.to_string("iso:strict")
    if dtype.is_nested() or dtype in (pl.Object, pl.Duration):
        return pl.Series(series.name, texts(_values(series)), dtype=pl.String)
    return series.cast(pl.String)


def known_times(series: pl.Series) -> pl.Series:
    """Replace times outside the years 1 to 9999 by null: Polars panics over them."""
    dtype = series.dtype
    if dtype == pl.Date:
        return _within(series, -719_162, 2_932_896)
    if isinstance(dtype, pl.Datetime) and dtype.time_unit != "ns":
        second = 1000 if dtype.time_unit == "ms" else 1_000_000
        return _within(series, -62_135_596_800 * second, 253_402_300_800 * second - 1)
    if isinstance(dtype, pl.Duration) and dtype.time_unit == "ms":
        return _within(series, -(10**9) * 86_400_000, 10**9 * 86_400_000 - 1)
    return series


def _within(series: pl.Series, first: int, last: int) -> pl.Series:
    known = series.to_physical().is_between(first, last)
    return series if known.all() else series.set(~known, None)


def _values(series: pl.Series) -> list[Any]:
    """Return a column's values; nested times that Python cannot represent become numbers."""
    try:
        return series.to_list()
    except (pl.exceptions.PanicException, OverflowError, ValueError):
        return series.to_physical().to_list()


def unshared_bytes(series: pl.Series) -> int:
    """Return the memory of a column once no row shares its values."""
    dtype = series.dtype
    if dtype == pl.String:
        return int(series.str.len_bytes().sum()) + CELL * len(series)
    if dtype == pl.Binary:
        return int(series.bin.size().sum()) + CELL * len(series)
    if isinstance(dtype, pl.List | pl.Array):
        return unshared_bytes(series.explode()) + CELL * len(series)
    if isinstance(dtype, pl.Struct):
        return sum(map(unshared_bytes, series.struct.unnest()))
    if dtype in (pl.Categorical, pl.Enum):
        return int(series.cat.len_bytes().sum())
    return CELL * len(series)


def widest(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    """Return the type that holds both: the wider number, or string."""
    if one == other or other == pl.Null():
        return one
    if one == pl.Null():
        return other
    wide = {one, other}
    if all(t.is_integer() and t not in (pl.UInt64(), pl.Int128(), pl.UInt128()) for t in wide):
        return pl.Int64()
    small = (pl.Int8(), pl.Int16(), pl.Int32(), pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.Int64())
    if all(t in (pl.Float32(), pl.Float64(), *small) for t in wide):
        return pl.Float64()
    return pl.String()


def conform(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Return a frame with exactly the columns of ``schema``; others go to ``OVERFLOW``."""
    beyond = [name for name in frame.columns if name not in schema]
    frame = pack(frame, beyond)
    return pl.DataFrame([_cast(frame, name, dtype) for name, dtype in schema.items()])


def _cast(frame: pl.DataFrame, name: str, dtype: pl.DataType) -> pl.Series:
    if name not in frame.columns:
        return pl.Series(name, [None], dtype=dtype).new_from_index(0, frame.height)
    series = frame[name]
    if series.dtype == dtype:
        return series
    if dtype == pl.String():
        return as_text(series)
    return series.cast(dtype)


def pack(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Pack columns into one column of JSON text, ``OVERFLOW``, without nulls.

    Hostile or map-like input can have a new column per row: a table that wide would not fit.
    """
    if not names:
        return frame
    values = {name: _values(frame[name]) for name in names}
    rows = [{n: v[i] for n, v in values.items() if v[i] is not None} for i in range(frame.height)]
    if OVERFLOW in frame.columns:
        earlier = [_unpacked(v) for v in as_text(frame[OVERFLOW])]
        rows = [{**before, **row} for before, row in zip(earlier, rows, strict=True)]
    packed = pl.Series(OVERFLOW, [json_text(r) if r else None for r in rows], dtype=pl.String)
    return frame.drop(names).with_columns(packed)


def _unpacked(packed: str | None) -> dict[str, Any]:
    """Read a value of ``OVERFLOW``; one that is the input's own column of that name is kept so."""
    if packed is None:
        return {}
    try:
        before = orjson.loads(packed)
    except orjson.JSONDecodeError:
        before = packed
    return before if isinstance(before, dict) else {OVERFLOW: before}
