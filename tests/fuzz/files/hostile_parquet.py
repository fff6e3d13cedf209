"""Parquet files that mean harm: they claim, nest, repeat and unpack beyond any memory.

They are made byte by byte, so that they can claim what no writer would write. Thrift's compact
protocol, as far as Parquet's metadata needs it: a struct is a dict of field number -> value, in
rising order; see parquet.thrift of the Parquet format for the numbers.
"""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import zstandard

from .hostile_texts import DAMAGED, MIB, READ, REJECTED, Case, Pieces

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


SCHEMA = [group("schema", 1), leaf()]
MANY = 2**31 - 1


def ordinary(rows: int = 2000) -> bytes:
    data = io.BytesIO()
    texts = [f"message {i}" for i in range(rows)]
    pl.DataFrame({"text": texts, "n": range(rows)}).write_parquet(data, row_group_size=500)
    return data.getvalue()


def plain(*values: bytes) -> Chunk:
    return Chunk(page(strings(*values), len(values)), len(values))


def one(chunk: Chunk, rows: int = 1, **untrue: int) -> list[bytes]:
    """Make a file of one column in one row group."""
    return [parquet([leaf()], [(rows, [chunk])], **untrue)]


def _long_footer(_: int) -> list[bytes]:
    return one(plain(b"t"), length=2**31)


def _rows_of_the_file(size: int) -> list[bytes]:
    return [parquet([leaf()], [(1, [plain(b"t")])], rows=size)]


def _rows_of_a_group(size: int) -> list[bytes]:
    return one(plain(b"t"), size)


def _nulls(size: int) -> list[bytes]:
    chunk = Chunk(page(levels(rle(0, size)), size), size)
    return [parquet([leaf(repetition=OPTIONAL)], [(size, [chunk])])]


def _one_long_text(size: int) -> list[bytes]:
    """A dictionary of one text of a megabyte, and rows that all are it: 10 TB."""
    words = page(strings(b"x" * MIB), 1, kind=2)
    rows = page(b"\1" + rle(0, size), size, encoding=RLE_DICTIONARY)
    return one(Chunk(words + rows, size, dictionary=len(words)), size)


def _missing_word(_: int) -> list[bytes]:
    words = page(strings(b"t"), 1, kind=2)
    rows = page(b"\x20" + rle(0x7FFFFFFF, 1000, 32), 1000, encoding=RLE_DICTIONARY)
    return one(Chunk(words + rows, 1000, dictionary=len(words)), 1000)


def _packed_page(size: int) -> list[bytes]:
    data = zstandard.compress(bytes(size))
    return one(Chunk(page(data, size // 4, unpacked=size), size // 4, codec=ZSTD), size // 4)


def page_claims(unpacked: int, values: int = 1) -> Pieces:
    data = zstandard.compress(strings(b"t"))
    return lambda _: one(Chunk(page(data, values, unpacked=unpacked), values, codec=ZSTD), values)


def _deep(size: int) -> list[bytes]:
    """Groups within groups, as deep as the footer is long."""
    names = [f"g{i}" for i in range(size)]
    chunk = Chunk(page(levels(rle(0, 1)), 1), 1, path=(*names, "leaf"))
    nested = [group(name, 1, OPTIONAL) for name in names]
    elements = [group("schema", 2), leaf(), *nested, leaf("leaf")]
    return [parquet(elements, [(1, [plain(b"t"), chunk])])]


def _deep_thrift(size: int) -> list[bytes]:
    """Lists within lists in a field that no reader knows, which it has to skip."""
    nested = Raw(9, list_head(1, 9) * size + list_head(0, 5))
    footer = thrift({1: 1, 2: SCHEMA, 3: I64(0), 4: [], 20: nested})
    return [MAGIC + footer + len(footer).to_bytes(4, "little") + MAGIC]


def with_numbers(names: list[str]) -> list[bytes]:
    number = Chunk(page(struct.pack("<i", 1), 1), 1, kind=INT32)
    schema = [leaf(), *(leaf(name, INT32, converted=-1) for name in names)]
    return [parquet(schema, [(1, [plain(b"t"), *[number] * len(names)])])]


def _columns(size: int) -> list[bytes]:
    return with_numbers([f"c{i}" for i in range(size)])


def _odd_names(_: int) -> list[bytes]:
    return with_numbers(["\0order", "\0position", "a\x1b[31m\nb", "\u202e", "n" * 300_000, ""])


def _same_names(_: int) -> list[bytes]:
    return [parquet([leaf(), leaf()], [(1, [plain(b"t"), plain(b"u")])])]


def _groups(size: int) -> list[bytes]:
    """Row groups that all point to the same bytes."""
    chunk = plain(*[b"t%d" % i for i in range(1000)])
    entry = {1: [chunk.meta(len(MAGIC))], 2: I64(len(chunk.data)), 3: I64(1000)}
    groups = Raw(9, list_head(size, 12) + thrift(entry) * size)
    return [MAGIC + chunk.data + ending(SCHEMA, 1000 * size, groups)]


def _columns_claimed(size: int) -> list[bytes]:
    return [MAGIC + ending(Raw(9, list_head(size, 12)), 1, [])]


def _offset(size: int) -> list[bytes]:
    entry = {1: [plain(b"t").meta(size)], 2: I64(9), 3: I64(1)}
    return [MAGIC + ending(SCHEMA, 1, [entry])]


def _text_length(_: int) -> list[bytes]:
    return one(Chunk(page(b"\xff\xff\xff\x7ft", 1), 1))


def _not_utf8(_: int) -> list[bytes]:
    return one(plain(b"\xff\xfe", b"fine"), 2)


def _times(_: int) -> list[bytes]:
    """The farthest dates and times that numbers can say."""
    schema: list[dict[int, Any]] = [leaf(), leaf("date", INT32, converted=DATE)]
    kinds = {"time": TIME_MICROS, "milli": TIMESTAMP_MILLIS, "sent_at": TIMESTAMP_MICROS}
    schema += [leaf(name, INT64, converted=kind) for name, kind in kinds.items()]
    days, times = (
        struct.pack(f"<3{f}", -most - 1, most, 0) for f, most in (("i", MANY), ("q", 2**63 - 1))
    )
    far = [Chunk(page(days, 3), 3, INT32), *[Chunk(page(times, 3), 3, INT64)] * 3]
    return [parquet(schema, [(3, [plain(b"low", b"high", b"no"), *far])])]


def _torn(size: int) -> list[bytes]:
    return [ordinary()[:-size]]


def _noise(size: int) -> list[bytes]:
    data = bytearray(ordinary())
    data[500:900] = random.Random(size).randbytes(400)
    return [bytes(data)]


PARQUET = [
    Case("a footer longer than its file", "f.parquet", _long_footer, 0, 0, REJECTED),
    Case("a footer that is cut off", "f.parquet", _torn, 100, 100, REJECTED),
    Case("2⁶² rows, claimed by the file", "r.parquet", _rows_of_the_file, 2**62, 2**62, REJECTED),
    Case("2⁶² rows, claimed by a group", "r.parquet", _rows_of_a_group, 2**62, 2**62, REJECTED),
    Case("a billion nulls in six bytes", "n.parquet", _nulls, 10**9, 30_000, REJECTED, READ),
    Case("10 million texts of 1 MB in one", "d.parquet", _one_long_text, 10**7, 30, DAMAGED, READ),
    Case("a page that unpacks to 2 GB", "b.parquet", _packed_page, MANY - 3, MIB, REJECTED, READ),
    Case("a page that claims 2 GB", "b.parquet", page_claims(MANY), 0, 0, REJECTED, DAMAGED),
    Case("a page of a negative size", "b.parquet", page_claims(-5), 0, 0, DAMAGED),
    Case("Thrift nested a million deep", "t.parquet", _deep_thrift, 10**6, 100_000, REJECTED),
    Case("a million columns of Parquet", "c.parquet", _columns, 10**6, 17_000, REJECTED),
    Case("a million groups of the same bytes", "g.parquet", _groups, 10**6, 50, REJECTED, READ),
    Case("an offset beyond the file", "o.parquet", _offset, 2**62, 2**62, DAMAGED),
    Case("a text that says it has 2 GB", "t.parquet", _text_length, 0, 0, DAMAGED),
    Case("words that its dictionary lacks", "d.parquet", _missing_word, 0, 0, DAMAGED),
    Case("texts that are no UTF-8", "u.parquet", _not_utf8, 0, 0, DAMAGED),
    Case("names of our own columns, and worse", "n.parquet", _odd_names, 0, 0, READ),
    Case("two columns of one name", "n.parquet", _same_names, 0, 0, REJECTED),
    Case("the farthest dates there are", "t.parquet", _times, 0, 0, READ),
    Case("noise in a page", "p.parquet", _noise, 3, 3, DAMAGED),
]
# What brings down the process that reads it: Polars aborts where it gets no memory, and on a stack
# that overflows. The guard around each worker process has to reject these by name.
GUARDED = [
    Case("2 billion columns, claimed", "l.parquet", _columns_claimed, MANY, MANY, REJECTED),
    Case("a page of 2 billion rows", "b.parquet", page_claims(30, MANY), 0, 0, REJECTED),
    Case("groups nested 100,000 deep", "g.parquet", _deep, 100_000, 2000, REJECTED),
]
