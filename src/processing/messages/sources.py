"""What each input file is: its format, compression, encoding, delimiter and columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from messages.columns import (
    MAX_FIELDS,
    ColumnNotFoundError,
    Columns,
    find_columns,
    name_header,
    spilled,
)
from messages.csvrows import CsvRecords
from messages.encodings import encoding_of, telling
from messages.footer import UnsafeError, check
from messages.streams import Blocks, compression_of, in_utf8

SAMPLE, JSON_SAMPLE_LINES = 1024 * 1024, 2000
ENCODING_REACH = 256 * 1024 * 1024
SUFFIXES = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "tsv",
    ".tab": "tsv", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
PACKED_SUFFIXES = {".gz", ".gzip", ".zst", ".zstd", ".bz2"}
FOREIGN = {
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"\xfd7zXZ\x00": "xz-compressed",
    b"%PDF": "a PDF",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"\x1f\x8b": "compressed twice",
    b"\x28\xb5\x2f\xfd": "compressed twice",
}
MANIFEST = re.compile(r'\[\s*\{\s*"prefix"\s*:\s*"s3://')
DELIMITERS = ",;\t|"


class UnusableError(ValueError):
    """A file cannot be used at all; the message says why and what to do."""


@dataclass(frozen=True)
class Source:
    """One input file, as far as it is known before reading it."""

    path: Path
    name: str
    size: int
    format: str | None = None
    compression: str | None = None
    encoding: str | None = None
    delimiter: str = ","
    header: tuple[str, ...] = ()
    spill: int = 0
    columns: Columns | None = None
    reason: str | None = None
    rows: int = 0
    row_bytes: int = 0
    wanted: Mapping[str, str] = field(default_factory=dict, repr=False)

    def in_region(self, region: str | None) -> Source:
        """Give it with the country whose ways to write phone numbers count."""
        if self.columns is None:
            return self
        return replace(self, columns=replace(self.columns, region=region))

    @property
    def splittable(self) -> bool:
        """Whether byte ranges of it can be read: not where records or units hold newlines."""
        return self.format in ("jsonl", "tsv") and self._has_plain_lines

    @property
    def cuttable(self) -> bool:
        """Whether byte ranges of it can be tried: records may hold newlines, but few do."""
        return self.format == "csv" and self._has_plain_lines

    @property
    def _has_plain_lines(self) -> bool:
        return self.compression is None and not (self.encoding or "").startswith("utf-16")

    @property
    def decoding(self) -> str:
        """The encoding of its lines once they are cut: UTF-16 is UTF-8 by then."""
        return "cp1252" if self.encoding == "cp1252" else "utf-8"


def inspect(path: Path, name: str, wanted: Mapping[str, str]) -> Source:
    """Find out what a file is.

    Parameters
    ----------
    path
        The file.
    name
        What to call it: its path under the input folder.
    wanted
        Output column -> name given by argument.

    Returns
    -------
    Source
        With ``reason`` set when the file is rejected whole.
    """
    source = Source(path, name, path.stat().st_size, wanted=wanted)
    try:
        source = replace(source, compression=compression_of(path))
        return _inspected(source)
    except (UnusableError, ColumnNotFoundError) as error:
        return replace(source, format=_by_name(path), reason=str(error))
    except OSError as error:
        return replace(source, reason=f"not readable: {error.strerror or error}")


def _inspected(source: Source) -> Source:
    blocks = Blocks(source.path, source.compression)
    sample = telling(blocks, SAMPLE, ENCODING_REACH)
    if blocks.damage and not sample:
        raise UnusableError(blocks.damage)
    foreign = next((what for magic, what in FOREIGN.items() if sample.startswith(magic)), None)
    if foreign:
        raise UnusableError(
            f"{foreign}; give JSON Lines, CSV, TSV or Parquet, plain or as gzip, zstd or bz2"
        )
    if sample.startswith(b"PAR1"):
        return replace(source, format="parquet")
    known = _by_name(source.path)
    if known == "parquet" and sample:
        raise UnusableError("not a Parquet file, though its name says so")
    encoding = encoding_of(sample, is_json=known == "jsonl")
    lines = _lines(sample, encoding)
    source = replace(source, format=known or _by_content(lines), encoding=encoding)
    if not any(line.strip() for line in lines):
        return replace(source, columns=Columns("text"))
    if source.format == "jsonl":
        return replace(source, columns=_json_columns(lines, source.wanted))
    return _with_header(source, lines)


def _lines(sample: bytes, encoding: str) -> list[str]:
    codec = "cp1252" if encoding == "cp1252" else "utf-8"
    text = b"".join(in_utf8([sample], encoding)).decode(codec, "replace")
    return text.split("\n")


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


def _json_columns(lines: list[str], wanted: Mapping[str, str]) -> Columns:
    """Look at many lines, as each may lack columns that others have."""
    held: Counter[str] = Counter()
    rows = [row for row in map(_json, lines[:JSON_SAMPLE_LINES]) if isinstance(row, dict)]
    rows = rows or [row for row in map(_json, lines) if isinstance(row, dict)]
    if not rows:
        raise UnusableError(_no_rows(lines))
    for row in rows:
        held.update({k: int(type(v) is str and v != "") for k, v in row.items()})
    return find_columns(held, wanted, held)


def _json(line: str) -> Any:
    try:
        return orjson.loads(line)
    except ValueError:
        return None


def _no_rows(lines: list[str]) -> str:
    beginning = "".join(lines[:50]).lstrip()
    if MANIFEST.match(beginning):
        return (
            "landrun's manifest, which lists the data: the state machine reads InputMessage as an"
            " S3Prefix; deploy with InputMessageFormat=uri, or let it read a ManifestFile"
        )
    if beginning.startswith("["):
        return "a JSON array; write one object per line (jq -c '.[]')"
    return "no line of its beginning is a JSON object; write one object per line"


def _with_header(source: Source, lines: list[str]) -> Source:
    first = next(line for line in lines if line.strip())
    delimiter = "\t" if source.format == "tsv" else _delimiter(first)
    fields = (
        first.rstrip("\r").split("\t")
        if source.format == "tsv"
        else _first_record(lines, delimiter)
    )
    if len(fields) > MAX_FIELDS:
        raise UnusableError(f"its header has more than {MAX_FIELDS} columns")
    if first is lines[-1] and len(first) > SAMPLE // 4:
        raise UnusableError("its header has no end")
    header = name_header(fields)
    source = replace(source, delimiter=delimiter, header=header)
    columns = find_columns(header, source.wanted)
    spill = spilled(fields, header.index(columns.text)) if source.format == "csv" else 0
    return replace(source, columns=columns, spill=spill)


def _first_record(lines: list[str], delimiter: str) -> list[str]:
    for _, fields in CsvRecords(lines, delimiter):
        if isinstance(fields, list):
            return fields
        raise UnusableError(f"its header is unreadable: {fields.reason}")
    raise UnusableError("it has no header")


def _delimiter(first: str) -> str:
    bare = re.sub(r'"[^"]*"', "", first)
    return max(DELIMITERS, key=lambda d: (bare.count(d), -DELIMITERS.index(d)))


def with_parquet_columns(source: Source, path: Path, most: int) -> Source:
    """Read a Parquet file's schema, once its metadata is known to be no trap.

    Parameters
    ----------
    source
        The file as it lies in the input.
    path
        Where it can be read from: elsewhere when it was compressed.
    most
        Bytes that its pages may take in memory at once.
    """
    try:
        footer = check(path, most)
        with path.open("rb") as file:
            schema = pl.read_parquet_schema(file)
        columns = find_columns(schema, source.wanted)
    except ColumnNotFoundError as error:
        return replace(source, reason=str(error))
    except (
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
        UnsafeError,
        OSError,
    ) as error:
        return replace(source, reason=f"not readable as Parquet: {str(error).splitlines()[0]}")
    if schema[columns.text].is_nested():
        reason = f"column {columns.text!r} holds {schema[columns.text]}, not strings"
        return replace(source, reason=reason)
    return replace(source, columns=columns, rows=footer.rows, row_bytes=footer.row_bytes)
