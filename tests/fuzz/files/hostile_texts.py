"""Text files that mean harm: a line without end, columns without number, bombs, broken bytes."""

from __future__ import annotations

import bz2
import gzip
import random
import zlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

import zstandard

MIB = 1024 * 1024
GOOD = b'{"text": "good"}\n'
CSV = b"text,n\ngood,1\n"
Pieces = Callable[[int], Iterable[bytes]]

READ, LOST, DAMAGED, REJECTED = "read", "read, but for some rows", "damaged", "rejected"


class Case(NamedTuple):
    """One hostile file, and how a run over it ends; a good file beside it is always processed.

    ``pieces`` are its bytes in a size: ``full`` for a run under a limit of memory, ``quick`` for
    the test suite; ``small`` is the outcome then, where it is another one.
    """

    title: str
    name: str
    pieces: Pieces
    full: int
    quick: int
    outcome: str
    small: str = ""

    def ended_so(self, file, *, quick=False):
        """Tell from what the summary says of the file whether it ended as it must."""
        outcome = (quick and self.small) or self.outcome
        rejects = bool(file["rejected"]) == (outcome in (LOST, DAMAGED))
        return rejects and file["status"] == outcome.partition(",")[0]


def around(before, piece, after=b""):
    """Write a piece so many times, with something before and after."""
    return lambda size: [before, *[piece] * size, after]


def rows(before, unit, count=8):
    """Write rows that are a unit so many times."""
    return lambda size: [before, *[unit * size + b"\n"] * count, b"good2,1\n"]


def gzipped(pieces):
    def packed(size):
        packer = zlib.compressobj(1, wbits=31)
        yield from map(packer.compress, pieces(size))
        yield packer.flush()

    return packed


def _columns(size):
    names = b",".join(b"c%d" % i for i in range(size))
    return [b"text,", names, b"\n", b"good", b"," * size, b"\n"]


def _equal_columns(size):
    return [b"text", b",a" * size, b"\ngood", b",1" * size, b"\n"]


def _deep(size):
    yield GOOD
    for depth in (200, 300, 900, 1100, size):
        lists, objects = b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth
        yield b'{"text": "t", "n": %s}\n{"text": "t", "n": %s}\n' % (lists, objects)
        yield b'{"id": %s, "text": "u"}\n{"text": %s}\n' % (lists, lists)


def _keys(size):
    yield GOOD
    for line in range(6):
        keys = b",".join(b'"k%d_%d":1' % (line, i) for i in range(size))
        yield b'{"text":"good %d",%s}\n' % (line, keys)


def _long_names(size):
    return [GOOD, *(b'{"text":"t%d","%d%s":1}\n' % (i, i, b"n" * size) for i in range(60))]


def _sparse(size):
    return (b'{"text":"t%d","k%d":"%d"}\n' % (i, i % 600, i) for i in range(size))


def _sparse_csv(size):
    names, empty = b",".join(b"c%d" % i for i in range(480)), b"," * 480
    return [b"text,", names, b"\n", *(b"t%d%s\n" % (i, empty) for i in range(size))]


def _numbers(size):
    wild = [b"9" * size, b"1e999999", b"-0.0", b"NaN", b"1" + b"0" * 30, b"1e308", b"-" * size]
    return [GOOD, *(b'{"text": %s}\n{"id": %s, "text":"t"}\n' % (w, w) for w in wild)]


def noise(before):
    return lambda size: [before, random.Random(1).randbytes(size)]


# Each made to be slow in a pattern of cleaning or masking that would look back and again.
SLOW = [
    *("<a ", "<a b='", "<!--", "<script", "&#1", "a@", "a.a.", "a@a.", "www.", "http://", "1 "),
    *("1-1.", "+1(", "0 0", "4111 ", "call ", "((((", "'", "\u200b ", "a.com", "1.1.1.1 ", "A-1 "),
]


def _slow_texts(size):
    return (b'{"text":"%s"}\n' % (s * (size // len(s.encode()))).encode() for s in SLOW)


def _growing(size):
    """One character of four bytes becomes three of twelve in Unicode's NFC form."""
    return [GOOD, *[b'{"text":"%s"}\n' % ("\U0001d160" * (size // 4)).encode()] * 4]


UTF16 = "".join(f'{{"text": "t{i}"}}\n' for i in range(100)).encode("utf-16")
HALF, QUOTE, OUR_NAMES = b"\x00\xd8\n\x00", CSV + b'"', b"text,\0order,\0\n"
FALSE_PARQUET = around(b"PAR1", bytes(MIB))
NULS = b'\n{"text":"a\\u0000b","\\u0000order":1,"\\u0000":2}\n'
# Lines just below what is refused by length, so that many of them share a batch.
SMALL_LINE = b'{"text":"t","n":[' + b"[]," * 200_000 + b"[]]}\n"
SMALL_VALUES = b'{"text":"t","n":[' + b"{}," * 2_600_000 + b"{}]}\n"
# A frame whose header asks for a window of 2 GiB, with one block of a repeated byte.
WINDOW = b"\x28\xb5\x2f\xfd\x00\xa8" + (1 | 1 << 1 | 1000 << 3).to_bytes(3, "little") + b"x"
EMPTY_FRAMES = zstandard.compress(b"") * 1000
LONG = GOOD.replace(b"good", b"good " * 200) * 30_000
ZIP = b"PK\x03\x04" + b"\x14\0" * 11 + b"a"
ZEROS = bytes(16 * MIB)
A_GOOD_FRAME, NAME = zstandard.compress(GOOD), b"\x1f\x8b\x08\x08" + bytes(6)


def _bombs(pack, data):
    """Streams behind each other are one file."""
    return lambda size: [pack(data)] * size


def _zip(size):
    return [ZIP + zlib.compress(bytes(size))]


def _gzip(size):
    return [gzip.compress(bytes(size))]


TEXTS = [
    Case("a line of 1 GB", "l.jsonl", around(GOOD, b"x" * MIB, b"\n" + GOOD), 1000, 40, LOST),
    Case("a line of 1 GB, and no other", "l.jsonl", around(b"", b"x" * MIB), 1000, 40, REJECTED),
    Case("a quoted field of 1 GB", "q.csv", around(QUOTE, b"x," * MIB, b"\nb,1\n"), 500, 9, LOST),
    Case("a quote left open on each line", "q.csv", around(CSV, b'"a,"b\n' * 1000), 1700, 5, LOST),
    Case("a million columns of CSV", "c.csv", _columns, 1_000_000, 40_000, REJECTED),
    Case("a million columns of one name", "c.csv", _equal_columns, 500_000, 40_000, REJECTED),
    Case("rows of millions of fields", "f.csv", rows(CSV, b"ab,"), 5 * MIB, 300_000, LOST),
    Case("rows of millions of empty fields", "f.csv", rows(CSV, b","), 15 * MIB, MIB, LOST),
    Case("rows of millions of tabs", "f.tsv", rows(b"text\tn\na\t1\n", b"\t"), 15 * MIB, 99, LOST),
    Case("JSON nested a million deep", "d.jsonl", _deep, 1_000_000, 100_000, LOST),
    Case("JSON of a million keys", "k.jsonl", _keys, 1_000_000, 2000, LOST, READ),
    Case("JSON of millions of small values", "v.jsonl", around(GOOD, SMALL_VALUES), 16, 1, LOST),
    Case("JSON lines of small values", "v.jsonl", around(GOOD, SMALL_LINE), 160, 3, READ),
    Case("names of a megabyte", "n.jsonl", _long_names, MIB, 10_000, READ),
    Case("600 columns in turn, JSON", "s.jsonl", _sparse, 500_000, 1300, READ),
    Case("481 empty columns, CSV", "s.csv", _sparse_csv, 50_000, 300, READ),
    Case("numbers of a million digits", "n.jsonl", _numbers, 1_000_000, 5000, LOST),
    Case("NULs", "n.jsonl", around(GOOD, bytes(1000), NULS), 100_000, 1, LOST),
    Case("names of our own columns", "n.csv", around(OUR_NAMES, b"t,1,2\0\n"), 99_999, 9, READ),
    Case("random bytes as JSON", "r.jsonl", noise(GOOD), 10 * MIB, 30_000, REJECTED),
    Case("random bytes as CSV", "r.csv", noise(CSV), 10 * MIB, 30_000, REJECTED),
    Case("UTF-16 with half pairs", "u.jsonl", around(UTF16, HALF, b"A"), MIB, 999, LOST),
    Case("characters that grow threefold", "g.jsonl", _growing, 15 * MIB, 300_000, LOST, READ),
    Case("texts made to be slow", "t.jsonl", _slow_texts, 4_000_000, 20_000, READ),
    Case(
        "lines that are no JSON", "x.jsonl.gz", gzipped(around(GOOD, b"x\n" * 512)), 4096, 9, LOST
    ),
    Case("a billion blank lines", "b.jsonl.gz", gzipped(around(GOOD, b"\n" * MIB)), 1000, 1, READ),
    Case("10 GB of NULs in gzip", "z.jsonl.gz", _bombs(gzip.compress, ZEROS), 640, 2, REJECTED),
    Case("100 GB of NULs in bz2", "z.csv.bz2", _bombs(bz2.compress, ZEROS), 6400, 2, REJECTED),
    Case(
        "100 GB of NULs in zstd", "z.csv.zst", _bombs(zstandard.compress, ZEROS), 6400, 2, REJECTED
    ),
    Case("100 GB in zstd", "m.jsonl.zst", _bombs(zstandard.compress, LONG), 3300, 1, DAMAGED, READ),
    Case(
        "a million empty frames", "e.jsonl.zst", around(A_GOOD_FRAME, EMPTY_FRAMES), 1000, 2, READ
    ),
    Case("a zstd window of 2 GiB", "w.jsonl.zst", around(WINDOW, b""), 0, 0, REJECTED),
    Case("a zip within gzip", "z.csv.gz", gzipped(_zip), 1000 * MIB, MIB, REJECTED),
    Case("gzip within gzip", "z.jsonl.gz", gzipped(_gzip), 1000 * MIB, MIB, REJECTED),
    Case("a gzip header without end", "h.jsonl.gz", around(NAME, b"n" * MIB), 20, 1, REJECTED),
    Case("false Parquet in gzip", "p.parquet.gz", gzipped(FALSE_PARQUET), 9999, 4, REJECTED),
]
