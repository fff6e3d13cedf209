"""Parquet files byte by byte, so that they can claim what no writer would write.

Thrift's compact protocol, as far as Parquet's metadata needs it: a struct is a dict of field
number -> value, in rising order; see parquet.thrift of the Parquet format for the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAGIC = b"PAR1"
INT32, INT64, BYTE_ARRAY = 1, 2, 6
REQUIRED, OPTIONAL, REPEATED = 0, 1, 2
PLAIN, RLE, RLE_DICTIONARY = 0, 3, 8
UTF8, DATE, TIME_MICROS, TIMESTAMP_MILLIS, TIMESTAMP_MICROS = 0, 6, 8, 9, 10
UNCOMPRESSED, ZSTD = 0, 6


class I64(int):
    """A number that is written as Thrift's i64; a plain one is an i32."""


@dataclass(frozen=True)
class Raw:
    """Bytes that stand for a value of a Thrift type, well-formed or not."""

    kind: int
    data: bytes


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _kind(value: Any) -> int:
    kinds = {I64: 6, int: 5, bytes: 8, list: 9, dict: 12}
    return value.kind if isinstance(value, Raw) else kinds[type(value)]


def thrift(value: Any) -> bytes:
    if isinstance(value, Raw):
        return value.data
    if isinstance(value, int):
        return varint((value << 1) ^ (value >> 63))
    if isinstance(value, bytes):
        return varint(len(value)) + value
    if isinstance(value, list):
        kind = _kind(value[0]) if value else 12
        return list_head(len(value), kind) + b"".join(map(thrift, value))
    out, last = bytearray(), 0
    for number, field in value.items():
        step, kind = number - last, _kind(field)
        out += bytes([step << 4 | kind]) if step < 16 else bytes([kind]) + thrift(number)
        out += thrift(field)
        last = number
    return bytes(out) + b"\0"


def list_head(length: int, kind: int) -> bytes:
    """Announce a list; what follows may be less."""
    return bytes([length << 4 | kind]) if length < 15 else bytes([0xF0 | kind]) + varint(length)


def rle(value: int, count: int, width: int = 1) -> bytes:
    """Write one value ``count`` times, however many that is, in a few bytes."""
    return varint(count << 1) + value.to_bytes((width + 7) // 8, "little")


def levels(runs: bytes) -> bytes:
    """Put the length before definition levels, as pages of version 1 have it."""
    return len(runs).to_bytes(4, "little") + runs


def strings(*values: bytes) -> bytes:
    return b"".join(len(value).to_bytes(4, "little") + value for value in values)


def page(
    data: bytes, values: int, *, encoding: int = PLAIN, unpacked: int | None = None, kind: int = 0
) -> bytes:
    """Make a page (0 holds values, 2 a dictionary) that claims to unpack to ``unpacked`` bytes."""
    head: dict[int, Any] = {1: kind, 2: len(data) if unpacked is None else unpacked, 3: len(data)}
    head |= {7: {1: values, 2: PLAIN}} if kind else {5: {1: values, 2: encoding, 3: RLE, 4: RLE}}
    return thrift(head) + data


def leaf(
    name: str = "text", kind: int = BYTE_ARRAY, repetition: int = REQUIRED, converted: int = UTF8
) -> dict[int, Any]:
    """Describe a column, by default of strings; ``converted`` is its logical type or -1."""
    element = {1: kind, 3: repetition, 4: name.encode()}
    return element if converted < 0 else {**element, 6: converted}


def group(name: str, children: int, repetition: int = REQUIRED) -> dict[int, Any]:
    """Describe a column that has others in it."""
    return {3: repetition, 4: name.encode(), 5: children}


@dataclass(frozen=True)
class Chunk:
    """A column's bytes in a row group, and what the footer says of them."""

    data: bytes
    values: int
    kind: int = BYTE_ARRAY
    codec: int = UNCOMPRESSED
    path: tuple[str, ...] = ("text",)
    dictionary: int = 0

    def meta(self, offset: int) -> dict[int, Any]:
        """Write its entry in the footer; ``offset`` is its first byte's place in the file."""
        size = I64(len(self.data))
        meta: dict[int, Any] = {
            1: self.kind,
            2: [PLAIN, RLE, RLE_DICTIONARY],
            3: [name.encode() for name in self.path],
            4: self.codec,
            5: I64(self.values),
            6: size,
            7: size,
            9: I64(offset + self.dictionary),
        }
        return {2: I64(offset), 3: meta | ({11: I64(offset)} if self.dictionary else {})}


def parquet(
    schema: Sequence[dict[int, Any]],
    groups: Sequence[tuple[int, list[Chunk]]],
    rows: int | None = None,
    length: int | None = None,
) -> bytes:
    """Make a whole file of row groups, each with its rows and its columns' chunks.

    Give ``rows`` or the footer's ``length`` to say something untrue.
    """
    body, described = bytearray(MAGIC), []
    for count, chunks in groups:
        columns = []
        for chunk in chunks:
            columns.append(chunk.meta(len(body)))
            body += chunk.data
        size = sum(len(chunk.data) for chunk in chunks)
        described.append({1: columns, 2: I64(size), 3: I64(count)})
    total = sum(count for count, _ in groups) if rows is None else rows
    root = [] if 5 in schema[0] else [group("schema", len(schema))]
    return bytes(body) + ending([*root, *schema], total, described, length)


def ending(schema: Any, rows: int, groups: Any, length: int | None = None) -> bytes:
    """Make a file's end: the footer, its length and the magic bytes."""
    footer = thrift({1: 1, 2: schema, 3: I64(rows), 4: groups})
    return footer + (len(footer) if length is None else length).to_bytes(4, "little") + MAGIC
