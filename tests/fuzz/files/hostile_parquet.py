"""Parquet files that mean harm: they claim, nest, repeat and unpack beyond any memory."""

# ruff: noqa: E501 - a case a line

from __future__ import annotations

import gzip
import io
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import zstandard

from .case import REJECTED, Case, Outcome
from .parquet_bytes import (
    DATE,
    GZIP,
    I64,
    INT32,
    INT64,
    MAGIC,
    OPTIONAL,
    RLE_DICTIONARY,
    TIME_MICROS,
    TIMESTAMP_MICROS,
    TIMESTAMP_MILLIS,
    ZSTD,
    Chunk,
    Raw,
    ending,
    group,
    leaf,
    levels,
    list_head,
    page,
    parquet,
    rle,
    strings,
    thrift,
)

MIB = 1024 * 1024
DAMAGED = Outcome("damaged", rejected=True)
READ = Outcome("read")
Schema = list[dict[int, Any]]


def small(rows: int = 2000) -> bytes:
    """Make an ordinary file."""
    data = io.BytesIO()
    texts = [f"message {i}" for i in range(rows)]
    pl.DataFrame({"text": texts, "n": range(rows)}).write_parquet(data, row_group_size=500)
    return data.getvalue()


def plain(*values: bytes) -> Chunk:
    """Make a column of strings."""
    return Chunk(page(strings(*values), len(values)), len(values))


ONE: list[tuple[int, list[Chunk]]] = [(1, [plain(b"t")])]


def _claims(**footer: Any) -> Callable[[Path, int], None]:
    def write(path: Path, size: int) -> None:
        path.write_bytes(parquet([leaf()], ONE, **{k: v(size) for k, v in footer.items()}))

    return write


def _rows(path: Path, size: int) -> None:
    """A group says it has rows beyond number, and its page has one."""
    path.write_bytes(parquet([leaf()], [(size, [plain(b"t")])]))


def _nulls(path: Path, size: int) -> None:
    runs = levels(rle(0, size))
    chunk = Chunk(page(runs, size), size)
    path.write_bytes(parquet([leaf(repetition=OPTIONAL)], [(size, [chunk])]))


def _one_long_text(path: Path, size: int) -> None:
    """A dictionary of one text of a megabyte, and rows that all are it: 10 TB."""
    words = page(strings(b"x" * MIB), 1, kind=2)
    rows = page(b"\1" + rle(0, size), size, encoding=RLE_DICTIONARY)
    path.write_bytes(
        parquet([leaf()], [(size, [Chunk(words + rows, size, dictionary=len(words))])])
    )


def _packed_page(codec: int, pack: Callable[[bytes], bytes]) -> Callable[[Path, int], None]:
    def write(path: Path, size: int) -> None:
        chunk = Chunk(page(pack(bytes(size)), size // 4, unpacked=size), size // 4, codec=codec)
        path.write_bytes(parquet([leaf()], [(size // 4, [chunk])]))

    return write


def _page_claims(unpacked: int, values: int = 1) -> Callable[[Path, int], None]:
    def write(path: Path, _: int) -> None:
        data = zstandard.compress(strings(b"t"))
        chunk = Chunk(page(data, values, unpacked=unpacked), values, codec=ZSTD)
        path.write_bytes(parquet([leaf()], [(values, [chunk])]))

    return write


def _deep(path: Path, size: int) -> None:
    """Groups within groups, as deep as the footer is long."""
    schema = [group(f"g{i}", 1, OPTIONAL) for i in range(size)]
    names = tuple(f"g{i}" for i in range(size))
    chunk = Chunk(page(levels(rle(0, 1)), 1), 1, path=(*names, "leaf"))
    elements = [group("schema", 2), leaf(), *schema, leaf("leaf")]
    path.write_bytes(parquet(elements, [(1, [plain(b"t"), chunk])], whole=True))


def _deep_thrift(path: Path, size: int) -> None:
    """Lists within lists in a field that no reader knows, which it has to skip."""
    nested = Raw(9, list_head(1, 9) * size + list_head(0, 5))
    footer = thrift({1: 1, 2: [group("schema", 1), leaf()], 3: I64(0), 4: [], 20: nested})
    path.write_bytes(MAGIC + footer + len(footer).to_bytes(4, "little") + MAGIC)


def _columns(path: Path, size: int) -> None:
    names = [leaf("text"), *(leaf(f"c{i}", kind=INT32, converted=-1) for i in range(size))]
    number = Chunk(page(struct.pack("<i", 1), 1), 1, kind=INT32)
    path.write_bytes(parquet(names, [(1, [plain(b"t"), *[number] * size])]))


def _columns_without_rows(path: Path, size: int) -> None:
    names = [leaf("text"), *(leaf(f"c{i}") for i in range(size))]
    path.write_bytes(parquet(names, []))


def _groups(path: Path, size: int) -> None:
    """Row groups that all point to the same bytes."""
    chunk = plain(*[b"t%d" % i for i in range(1000)])
    one = {1: [chunk.meta(len(MAGIC))], 2: I64(len(chunk.data)), 3: I64(1000)}
    groups = Raw(9, list_head(size, 12) + thrift(one) * size)
    schema = [group("schema", 1), leaf()]
    path.write_bytes(MAGIC + chunk.data + ending(schema, I64(1000 * size), groups))


def _list_claims(path: Path, size: int) -> None:
    path.write_bytes(MAGIC + ending(Raw(9, list_head(size, 12)), I64(1), []))


def _groups_claim(path: Path, size: int) -> None:
    schema = [group("schema", 1), leaf()]
    path.write_bytes(MAGIC + ending(schema, I64(1), Raw(9, list_head(size, 12))))


def _name_claims(path: Path, size: int) -> None:
    name = Raw(8, bytes([0xFF, 0xFF, 0xFF, 0xFF, 0x07]) + b"text")
    path.write_bytes(MAGIC + ending([group("schema", 1), {1: 6, 3: 0, 4: name}], I64(0), []))


def _offsets(path: Path, size: int) -> None:
    chunk = plain(b"t").meta(size)
    path.write_bytes(
        MAGIC + ending([group("schema", 1), leaf()], I64(1), [{1: [chunk], 2: I64(9), 3: I64(1)}])
    )


def _negative(path: Path, _: int) -> None:
    path.write_bytes(parquet([leaf()], [(-1, [Chunk(page(strings(b"t"), -1), -1)])]))


def _text_length(path: Path, _: int) -> None:
    chunk = Chunk(page(b"\xff\xff\xff\x7ft", 1), 1)
    path.write_bytes(parquet([leaf()], [(1, [chunk])]))


def _dictionary_index(path: Path, _: int) -> None:
    words = page(strings(b"t"), 1, kind=2)
    rows = page(b"\x20" + rle(0x7FFFFFFF, 1000, 32), 1000, encoding=RLE_DICTIONARY)
    path.write_bytes(
        parquet([leaf()], [(1000, [Chunk(words + rows, 1000, dictionary=len(words))])])
    )


def _not_utf8(path: Path, _: int) -> None:
    path.write_bytes(parquet([leaf()], [(2, [plain(b"\xff\xfe", b"fine")])]))


def _odd_names(path: Path, _: int) -> None:
    names = ["text", "\0order", "\0position", "a\x1b[31m\nb", "\u202e", "n" * 300_000, ""]
    number = Chunk(page(struct.pack("<i", 1), 1), 1, kind=INT32)
    schema = [leaf("text"), *(leaf(n, kind=INT32, converted=-1) for n in names[1:])]
    path.write_bytes(parquet(schema, [(1, [plain(b"t"), *[number] * (len(names) - 1)])]))


def _same_names(path: Path, _: int) -> None:
    path.write_bytes(parquet([leaf(), leaf()], [(1, [plain(b"t"), plain(b"u")])]))


def _times(path: Path, _: int) -> None:
    """The farthest dates and times that numbers can say."""
    far = {
        "date": (INT32, DATE), "time": (INT64, TIME_MICROS), "milli": (INT64, TIMESTAMP_MILLIS),
        "sent_at": (INT64, TIMESTAMP_MICROS),
    }  # fmt: skip
    schema: Schema = [leaf("text")]
    chunks = [plain(b"low", b"high", b"no")]
    for name, (kind, converted) in far.items():
        schema.append(leaf(name, kind=kind, converted=converted))
        form, most = ("<3i", 2**31 - 1) if kind == INT32 else ("<3q", 2**63 - 1)
        chunks.append(Chunk(page(struct.pack(form, -most - 1, most, 0), 3), 3, kind=kind))
    path.write_bytes(parquet(schema, [(3, chunks)]))


def _torn(path: Path, size: int) -> None:
    path.write_bytes(small()[:-size])


def _torn_middle(path: Path, size: int) -> None:
    data = bytearray(small())
    data[500:900] = random.Random(size).randbytes(400)
    path.write_bytes(data)


PARQUET = (
    Case("a footer longer than its file", "f.parquet", _claims(length=lambda _: 2**31), 0, 0, REJECTED),
    Case("a footer that is cut off", "f.parquet", _torn, 100, 100, REJECTED),
    Case("a column name of 2 GB, claimed", "l.parquet", _name_claims, 0, 0, REJECTED),
    Case("2⁶² rows, claimed by the file", "r.parquet", _claims(rows=lambda n: n), 2**62, 2**62, REJECTED),
    Case("2⁶² rows, claimed by a group", "r.parquet", _rows, 2**62, 2**62, REJECTED),
    Case("a negative number of rows", "r.parquet", _negative, 0, 0, REJECTED),
    Case("a billion nulls in six bytes", "n.parquet", _nulls, 1_000_000_000, 30_000, REJECTED, small=READ),
    Case("two billion nulls in six bytes", "n.parquet", _nulls, 2**31 - 1, 30_000, REJECTED, small=READ),
    Case("10 million texts of 1 MB in one", "d.parquet", _one_long_text, 10_000_000, 30, DAMAGED, small=READ),
    Case("20,000 texts of 1 MB in one", "d.parquet", _one_long_text, 20_000, 30, DAMAGED, small=READ),
    Case("a page that unpacks to 2 GB, zstd", "b.parquet", _packed_page(ZSTD, zstandard.compress), 2**31 - 4, MIB, REJECTED, small=READ),
    Case("a page that unpacks to 2 GB, gzip", "b.parquet", _packed_page(GZIP, gzip.compress), 2**31 - 4, MIB, REJECTED, small=READ),
    Case("a page that says it unpacks to 2 GB", "b.parquet", _page_claims(2**31 - 1), 0, 0, REJECTED, small=DAMAGED),
    Case("a page that says it has a negative size", "b.parquet", _page_claims(-5), 0, 0, DAMAGED),
    Case("Thrift nested a million deep", "t.parquet", _deep_thrift, 1_000_000, 100_000, REJECTED),
    Case("a million columns of Parquet", "c.parquet", _columns, 1_000_000, 20_000, REJECTED),
    Case("a million columns without rows", "c.parquet", _columns_without_rows, 1_000_000, 20_000, REJECTED),
    Case("a million row groups of the same bytes", "g.parquet", _groups, 1_000_000, 50, REJECTED, small=READ),
    Case("an offset beyond the file", "o.parquet", _offsets, 2**62, 2**62, DAMAGED),
    Case("a text that says it has 2 GB", "t.parquet", _text_length, 0, 0, DAMAGED),
    Case("words that its dictionary lacks", "d.parquet", _dictionary_index, 0, 0, DAMAGED),
    Case("texts that are no UTF-8", "u.parquet", _not_utf8, 0, 0, DAMAGED),
    Case("names of our own columns, and worse", "n.parquet", _odd_names, 0, 0, READ),
    Case("two columns of one name", "n.parquet", _same_names, 0, 0, REJECTED),
    Case("the farthest dates there are", "t.parquet", _times, 0, 0, READ),
    Case("noise in a page", "p.parquet", _torn_middle, 3, 3, DAMAGED),
)  # fmt: skip
# What brings down the process that reads it: Polars aborts where it gets no memory, and on a stack
# that overflows. The guard around each worker process has to reject these by name.
GUARDED = (
    Case("a schema of 2 billion columns, claimed", "l.parquet", _list_claims, 2**31 - 1, 2**31 - 1, REJECTED),
    Case("2 billion row groups, claimed", "l.parquet", _groups_claim, 2**31 - 1, 2**31 - 1, REJECTED),
    Case("a page that says it has 2 billion rows", "b.parquet", _page_claims(30, 2**31 - 1), 0, 0, REJECTED),
    Case("groups nested 100,000 deep", "g.parquet", _deep, 100_000, 2000, REJECTED),
)  # fmt: skip
