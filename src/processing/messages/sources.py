"""Inspects input files: format, compression, encoding, dialect and columns."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from messages import foreign
from messages.columns import (
    MAX_FIELDS,
    ColumnNotFoundError,
    Columns,
    find_columns,
    name_header,
    spilled,
)
from messages.csvrows import CsvRecords, Dialect, TabRecords, misfits, unescaped
from messages.encodings import UnclearError, encoding_of, is_one_byte, telling
from messages.options import Reading, Rules
from messages.streams import Blocks, compression_of, in_utf8

SAMPLE, JSON_SAMPLE_LINES = 1024 * 1024, 2000
ENCODING_REACH = 256 * 1024 * 1024
SUFFIXES = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "tsv",
    ".tab": "tsv", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
PACKED_SUFFIXES = {".gz", ".gzip", ".zst", ".zstd", ".bz2"}
MANIFEST = re.compile(r'\[\s*\{\s*"prefix"\s*:\s*"s3://')
DELIMITERS = ",;\t|"
# Excel's declaration of the delimiter.
SEPARATOR = re.compile(r'"?sep=(.)"?\r?', re.IGNORECASE)


class UnusableError(ValueError):
    """A file cannot be used; the message says why, and the remedy."""


@dataclass(frozen=True)
class Source:
    """One input file, as known before reading its rows."""

    path: Path
    name: str
    size: int
    format: str | None = None
    compression: str | None = None
    encoding: str | None = None
    carriage_returns: bool = False
    dialect: Dialect = field(default_factory=Dialect)
    skipped: int = 0
    header: tuple[str, ...] = ()
    spill: int = 0
    columns: Columns | None = None
    reason: str | None = None
    rows: int = 0
    left_out: tuple[str, ...] = ()
    reading: Reading = field(default_factory=Reading, repr=False)

    @property
    def splittable(self) -> bool:
        """Whether it can be read from any newline on, because no record contains one."""
        lines = self.format == "jsonl" or (self.format == "tsv" and not self.dialect.quotes)
        return lines and self._has_plain_lines

    @property
    def cuttable(self) -> bool:
        """Whether it can be read from some newlines on: see `csvrows.cuts`."""
        quotes = self.format in ("csv", "tsv") and self.dialect.quotes
        return quotes and not self.dialect.escapes and self._has_plain_lines

    @property
    def _has_plain_lines(self) -> bool:
        plain = self.compression is None and not self.carriage_returns
        return plain and is_one_byte(self.encoding or "utf-8")

    def with_rules(self, rules: Rules) -> Source:
        """Return the file with the job's rules for its messages."""
        return replace(self, columns=replace(self.columns, rules=rules)) if self.columns else self


def inspect(path: Path, name: str, reading: Reading) -> Source:
    """Inspect a file; ``reason`` is set if the whole file is rejected.

    ``name`` is its path under the input folder.
    """
    source = Source(path, name, path.stat().st_size, reading=reading)
    try:
        source = replace(source, compression=compression_of(path))
        return _inspected(source)
    except (UnusableError, UnclearError, ColumnNotFoundError) as error:
        return replace(source, format=_by_name(path), reason=str(error))
    except OSError as error:
        return replace(source, reason=f"not readable: {error.strerror or error}")


def _inspected(source: Source) -> Source:
    blocks = Blocks(source.path, source.compression)
    sample = telling(blocks, SAMPLE, ENCODING_REACH)
    if blocks.damage and not sample:
        raise UnusableError(blocks.damage)
    if what := foreign.of_bytes(sample):
        raise UnusableError(what)
    if sample.startswith(b"PAR1"):
        return replace(source, format="parquet")
    known = _by_name(source.path)
    if known == "parquet" and sample:
        raise UnusableError("not a Parquet file, though its name says so")
    encoding = encoding_of(sample, is_json=known == "jsonl", asked=source.reading.encoding)
    text = b"".join(in_utf8([sample], encoding))
    returns = b"\n" not in text and b"\r" in text
    data = (text.replace(b"\r", b"\n") if returns else text).split(b"\n")
    lines = [line.decode("utf-8", "replace") for line in data]
    source = replace(source, format=known or _by_content(lines), encoding=encoding)
    source = replace(source, carriage_returns=returns)
    if not any(line.strip() for line in lines):
        return replace(source, columns=Columns("text"))
    if known != "jsonl" and (what := foreign.of_text(lines)):
        raise UnusableError(what)
    if source.format == "jsonl":
        return replace(source, columns=_json_columns(lines, source.reading))
    return _with_header(source, data, cut=len(sample) >= SAMPLE)


def _by_name(path: Path) -> str | None:
    suffixes = [s.lower() for s in path.suffixes]
    while suffixes and suffixes[-1] in PACKED_SUFFIXES:
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def _by_content(lines: Iterable[str]) -> str:
    first = next((line for line in lines if line.strip()), "")
    if first.lstrip().startswith(("{", "[")):
        return "jsonl"
    return "tsv" if "\t" in first else "csv"


def _json_columns(lines: Sequence[str], reading: Reading) -> Columns:
    """Examine many lines, because each may lack columns that others have."""
    held: Counter[str] = Counter()
    nested: set[str] = set()
    rows = [row for row in map(_json, lines[:JSON_SAMPLE_LINES]) if isinstance(row, dict)]
    rows = rows or [row for row in map(_json, lines) if isinstance(row, dict)]
    first = next(line for line in lines if line.strip())
    if not rows or (first.lstrip().startswith("[") and _json(first) is None):
        raise UnusableError(_no_rows(lines))
    for row in rows:
        held.update({k: int(type(v) is str and v != "") for k, v in row.items()})
        nested |= {k for k, v in row.items() if isinstance(v, dict | list)}
    held.update({key: -1 for key in nested if not held[key]})
    return find_columns(held, reading.columns, held)


def _json(line: str) -> Any:
    try:
        return orjson.loads(line)
    except ValueError:
        return None


def _no_rows(lines: Sequence[str]) -> str:
    beginning = "".join(lines[:50]).lstrip()
    if MANIFEST.match(beginning):
        return (
            "landrun's manifest, which lists the data: the state machine reads InputMessage as an"
            " S3Prefix; deploy with InputMessageFormat=uri, or let it read a ManifestFile"
        )
    if beginning.startswith("["):
        return "a JSON array; write one object per line (jq -c '.[]')"
    if _begins_with_object(lines):
        return "JSON objects that are not one per line; write them so (jq -c .)"
    return "no line of its beginning is a JSON object; write one object per line"


def _begins_with_object(lines: Sequence[str]) -> bool:
    try:
        value, _ = json.JSONDecoder().raw_decode("\n".join(lines).lstrip())
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict)


def _with_header(source: Source, lines: Sequence[bytes], *, cut: bool) -> Source:
    reading = source.reading
    if len(lines[0]) > SAMPLE // 4 and len(lines) == 1:
        raise UnusableError("its header has no end")
    named = SEPARATOR.fullmatch(lines[0].decode("utf-8", "replace"))
    lines = lines[1:] if named else lines
    first = next((line for line in lines if line.strip()), b"").decode("utf-8", "replace")
    delimiter = named[1] if named else "\t" if source.format == "tsv" else _delimiter(first)
    dialect = _dialect(source.format or "csv", delimiter, lines[:-1] if cut else lines, cut=cut)
    fields = _first_record(lines, dialect)
    if len(fields) > MAX_FIELDS:
        raise UnusableError(f"its header has more than {MAX_FIELDS} columns")
    if reading.names and len(reading.names) != len(fields):
        raise UnusableError(
            f"its first record has {len(fields)} fields, and --columns names {len(reading.names)}"
        )
    header = name_header(fields if reading.header else reading.names or [""] * len(fields))
    skipped = (named is not None) + reading.header
    source = replace(source, dialect=dialect, header=header, skipped=skipped)
    if len(header) == 1 and not reading.header:
        return replace(source, columns=Columns(header[0]))
    columns = _named(header, reading)
    behind = spilled(fields, header.index(columns.text)) if reading.header else 0
    return replace(source, columns=columns, spill=behind if source.format == "csv" else 0)


def _named(header: Sequence[str], reading: Reading) -> Columns:
    try:
        return find_columns(header, reading.columns)
    except ColumnNotFoundError as error:
        hint = " (of a file without a header, give them with --columns)" if reading.header else ""
        raise ColumnNotFoundError(f"{error}{hint}") from error


def _dialect(kind: str, delimiter: str, lines: Sequence[bytes], *, cut: bool) -> Dialect:
    """Choose the dialect that explains a file's beginning.

    In TSV, quotes are quotes if every record fits, otherwise plain characters. In CSV they are
    quotes; backslash escapes are assumed if more records fit then.
    """
    plain = Dialect(delimiter)
    if kind == "tsv":
        has_quotes = any(b'"' in line for line in lines)
        return replace(plain, quotes=has_quotes and not misfits(lines, plain, cut=cut))
    if not any(b'\\"' in line for line in lines):
        return plain
    escaping = replace(plain, escapes=True)
    return min(plain, escaping, key=lambda dialect: misfits(lines, dialect, cut=cut))


def _first_record(lines: Sequence[bytes], dialect: Dialect) -> list[str]:
    plain = unescaped(lines, dialect.delimiter) if dialect.escapes else lines
    reader = CsvRecords if dialect.quotes else TabRecords
    texts = (line.decode("utf-8", "replace") for line in plain)
    for _, fields in reader(texts, dialect.delimiter):
        if isinstance(fields, list):
            return fields
        raise UnusableError(f"its header is unreadable: {fields.reason}")
    raise UnusableError("it has no header")


def _delimiter(first: str) -> str:
    bare = re.sub(r'"[^"]*"', "", first)
    return max(DELIMITERS, key=lambda d: (bare.count(d), -DELIMITERS.index(d)))
