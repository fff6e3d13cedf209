"""One batch of messages: lines or rows in, cleaned rows and rejects out.

Pure functions: no files, no clock, and no configuration but the arguments. They run in worker
processes here, and inside Spark's ``mapInArrow``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import polars as pl

from messages.cleaning import cleaner
from messages.columns import MAX_NAME, OUTPUT, TEXT, Columns
from messages.jsonrows import not_text, overflow, parse, scalars, without
from messages.lines import (
    EXCERPT_READ,
    MAX_TEXT,
    TEXT_TOO_LONG,
    UNDECODABLE,
    Reject,
    encodable,
    reject,
)
from messages.masking import mask
from messages.printing import printable
from messages.values import MAX_COLUMNS, OVERFLOW, as_text, column, known_times, pack

POSITION = "\0position"
EXCERPT = 160
_CUT, _CUT_REACH = re.compile("[0-9 .()/+-]*[!-~]*$"), 80


@dataclass(frozen=True)
class Batch:
    """The result of a batch; ``rows_in == frame.height + empty + len(rejects)``.

    ``frame`` has ``POSITION`` (Int64, from 0), ``message_id``, ``sender``, ``sent_at``, ``text``
    (strings) and then the input's other columns.
    """

    frame: pl.DataFrame
    rejects: list[Reject]
    rows_in: int
    empty: int


@dataclass
class Rows:
    """Parsed rows before cleaning: values by column, and the position of each row."""

    columns: dict[str, pl.Series]
    positions: Sequence[int]
    rejects: list[Reject] = field(default_factory=list)


def json_rows(lines: Sequence[bytes], columns: Columns) -> Rows:
    """Parse lines that hold one JSON object each; blank lines are not rows."""
    rows, positions, rejects = parse(lines)
    if wrong := not_text([row.get(columns.text) for row in rows]):
        reason = f"{columns.text!r} is not a string"
        rejects += [reject(positions[i], reason, lines[positions[i]]) for i in wrong]
        rows, positions = without(rows, wrong), without(positions, wrong)
    data = _columns(rows, [lines[position] for position in positions], columns)
    return Rows(data, positions, rejects)


def _columns(
    rows: Sequence[dict[str, Any]], lines: Sequence[bytes], columns: Columns
) -> dict[str, pl.Series]:
    named = [name for name in columns.named().values() if name is not None]
    data = {name: scalars([row.get(name) for row in rows], lines) for name in named}
    others = [key for key in dict.fromkeys(chain.from_iterable(rows)) if key not in data]
    if _beyond(others):
        others = [key for key in others if key != OVERFLOW and len(key) <= MAX_NAME][:MAX_COLUMNS]
        data[OVERFLOW] = overflow(rows, {*others, *named})
    for key in others:
        data[key] = column(key, [row.get(key) for row in rows])
    return data


def _beyond(names: Sequence[str]) -> list[str]:
    """Find the columns that are packed into the overflow column, by their number or length."""
    kept = set([name for name in names if len(name) <= MAX_NAME][:MAX_COLUMNS])
    return [name for name in names if name not in kept]


def record_rows(
    records: Sequence[tuple[int, list[str] | Reject]],
    header: Sequence[str],
    columns: Columns,
    spill: int = 0,
) -> Rows:
    """Build rows from records: the position and fields of each, or its rejection.

    ``spill`` fields right after the text are the rest of the text (``columns.spilled``).
    """
    width = len(header)
    behind = list(header).index(columns.text) + 1 if spill else width
    kept = [*header[:behind], *header[behind + spill :]]
    good: list[tuple[int, list[str]]] = []
    rejects: list[Reject] = []
    for position, fields in records:
        if isinstance(fields, Reject):
            rejects.append(reject(position, fields.reason, _joined([fields.excerpt])))
        elif not encodable("".join(fields)):
            rejects.append(reject(position, UNDECODABLE, _joined(fields)))
        elif len(fields) < width or any(fields[width:]):  # trailing commas
            reason = f"{len(fields)} fields where the header has {width}"
            rejects.append(reject(position, reason, _joined(fields)))
        else:
            good.append((position, _rejoined(fields[:width], behind, spill)))
    cells = list(chain.from_iterable(fields for _, fields in good))
    data: dict[str, pl.Series] = {}
    for place, name in enumerate(kept):
        field = pl.Series(cells[place :: len(kept)], dtype=pl.String)
        data[name] = field.set(field == "", None)
    return Rows(_packed(data, columns), [position for position, _ in good], rejects)


def _rejoined(fields: list[str], behind: int, spill: int) -> list[str]:
    """Join a text that was split at its commas."""
    if not spill:
        return fields
    text, rest = fields[behind - 1], fields[behind : behind + spill]
    whole = ",".join([text, *rest]).rstrip(",") if any(rest) else text
    return [*fields[: behind - 1], whole, *fields[behind + spill :]]


def frame_rows(frame: pl.DataFrame, columns: Columns) -> Rows:
    """Build rows from columns, as read from Parquet."""
    data = {s.name: known_times(_plain(s)) for s in frame}
    for name in columns.named().values():
        if name in data:
            data[name] = as_text(data[name])
    return Rows(_packed(data, columns), range(frame.height))


def _packed(data: dict[str, pl.Series], columns: Columns) -> dict[str, pl.Series]:
    beyond = _beyond([name for name in data if name not in columns.named().values()])
    return {s.name: s for s in pack(pl.DataFrame(data), beyond)} if beyond else data


def _joined(fields: Sequence[str]) -> bytes:
    return ",".join(fields)[:EXCERPT_READ].encode("utf-8", "surrogateescape")


def _plain(series: pl.Series) -> pl.Series:
    return as_text(series) if series.dtype in (pl.Categorical, pl.Enum, pl.Object) else series


def _masked(rejects: list[Reject]) -> list[Reject]:
    """Mask excerpts and reasons, which may hold personal data of the messages."""
    if not rejects:
        return []
    reasons = mask(pl.Series([r.reason for r in rejects], dtype=pl.String))
    excerpts = mask(pl.Series([_uncut(r.excerpt) for r in rejects], dtype=pl.String))
    masked = [
        Reject(r.position, printable(reason), printable(excerpt, EXCERPT))
        for r, reason, excerpt in zip(rejects, reasons, excerpts, strict=True)
    ]
    return sorted(masked, key=lambda r: r.position)


def _uncut(excerpt: str) -> str:
    """Remove the word or number that an excerpt's end cuts, because a part of it is not masked."""
    if len(excerpt.encode("utf-8", "replace")) < EXCERPT_READ - 3:
        return excerpt
    return excerpt[:-_CUT_REACH] + _CUT.sub("", excerpt[-_CUT_REACH:])


def clean_rows(rows: Rows, columns: Columns) -> Batch:
    """Clean the text, name the columns, and leave empty messages out."""
    rows = _without_long(rows, columns.text)
    named = columns.named()
    height = len(rows.positions)
    cleaned = cleaner(columns.rules)
    frame = pl.DataFrame(
        [
            pl.Series(POSITION, rows.positions, dtype=pl.Int64),
            *(_own(role, named[role], rows.columns, height, cleaned) for role in OUTPUT),
            *_others(rows.columns, named),
        ]
    )
    kept = frame.filter(pl.col(TEXT).str.len_bytes() > 0)
    rejects = _masked(rows.rejects)
    return Batch(kept, rejects, height + len(rejects), height - kept.height)


def _without_long(rows: Rows, text: str) -> Rows:
    texts = rows.columns.get(text, pl.Series([], dtype=pl.String))
    long = (texts.str.len_bytes() > MAX_TEXT).arg_true().to_list()
    if not long:
        return rows
    begun = texts.gather(long).str.slice(0, EXCERPT_READ)
    rejects = [
        reject(rows.positions[i], TEXT_TOO_LONG, excerpt.encode())
        for i, excerpt in zip(long, begun, strict=True)
    ]
    kept = without(list(range(len(texts))), long)
    columns = {name: series.gather(kept) for name, series in rows.columns.items()}
    return Rows(columns, without(rows.positions, long), [*rows.rejects, *rejects])


def _own(
    role: str,
    name: str | None,
    data: Mapping[str, pl.Series],
    height: int,
    cleaned: Callable[[pl.Series], pl.Series],
) -> pl.Series:
    if name is None or name not in data:
        return pl.Series(role, [None], dtype=pl.String).new_from_index(0, height)
    if role == TEXT:
        return cleaned(data[name]).alias(role)
    stripped = data[name].str.strip_chars()
    return stripped.set(stripped == "", None).alias(role)


def _others(data: Mapping[str, pl.Series], named: Mapping[str, str | None]) -> list[pl.Series]:
    """Return the other columns; one that would hide an output column is renamed."""
    own = set(named.values())
    used = {*OUTPUT, *(name for name in data if name not in own)}
    return [
        series.alias(_beside(name, used) if name in OUTPUT or name.startswith("\0") else name)
        for name, series in data.items()
        if name not in own
    ]


def _beside(name: str, used: Set[str]) -> str:
    name = f"input_{name.lstrip(chr(0))}"
    while name in used:
        name += "_"
    return name
