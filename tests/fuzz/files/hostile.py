"""Files that mean harm: a line without end, columns without number, bombs, untrue claims."""

import gzip
import zlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

import polars as pl
import zstandard

from default_job import parquet

MIB = 1024 * 1024
GOOD = b'{"text": "good"}\n'
CSV = b"text,n\ngood,1\n"
READ, LOST, DAMAGED, REJECTED = "read", "read, but for some rows", "damaged", "rejected"


class Case(NamedTuple):
    """One hostile file, and how a run over it ends; a good file beside it is always processed.

    ``pieces`` are its bytes in a size: ``full`` for a run under a limit of memory, ``quick`` for
    the test suite; ``small`` is the outcome then, where it is another one.
    """

    title: str
    name: str
    pieces: Callable[[int], Iterable[bytes]]
    full: int
    quick: int
    outcome: str
    small: str = ""

    def ended_so(self, file, *, quick=False):
        """Tell from what the summary says of the file whether it ended as it must."""
        outcome = (quick and self.small) or self.outcome
        rejects = bool(file["rejected"]) == (outcome in (LOST, DAMAGED))
        return rejects and file["status"] == outcome.partition(",")[0]


def around(before, piece=b"", after=b""):
    """Write a piece so many times, with something before and after."""
    return lambda size: [before, *[piece] * size, after]


def rows(before, unit):
    """Write rows that are a unit so many times."""
    return lambda size: [before, *[unit * size + b"\n"] * 8, b"good2,1\n"]


def gzipped(pieces):
    def packed(size):
        packer = zlib.compressobj(1, wbits=31)
        yield from map(packer.compress, pieces(size))
        yield packer.flush()

    return packed


def bombs(pack, data):
    """Streams behind each other are one file."""
    return lambda size: [pack(data)] * size


def _columns(size):
    names = b",".join(b"c%d" % i for i in range(size))
    return [b"text,", names, b"\n", b"good", b"," * size, b"\n"]


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


def _sparse(size):
    return (b'{"text":"t%d","k%d":"%d"}\n' % (i, i % 600, i) for i in range(size))


def _numbers(size):
    wild = [b"9" * size, b"1e999999", b"-0.0", b"NaN", b"1" + b"0" * 30, b"1e308", b"-" * size]
    return [GOOD, *(b'{"text": %s}\n{"id": %s, "text":"t"}\n' % (w, w) for w in wild)]


# Each made to be slow in a pattern of cleaning or masking that would look back and again.
SLOW = [
    *("<a ", "<a b='", "<!--", "<script", "&#1", "a@", "a.a.", "a@a.", "www.", "http://", "1 "),
    *("1-1.", "+1(", "0 0", "4111 ", "call ", "((((", "'", "\u200b ", "a.com", "1.1.1.1 ", "A-1 "),
]


def _slow_texts(size):
    return (b'{"text":"%s"}\n' % (s * (size // len(s.encode()))).encode() for s in SLOW)


UTF16 = "".join(f'{{"text": "t{i}"}}\n' for i in range(100)).encode("utf-16")
HALF, QUOTE = b"\x00\xd8\n\x00", CSV + b'"'
FALSE_PARQUET = around(b"PAR1", bytes(MIB))
NULS = b'\n{"text":"a\\u0000b","\\u0000order":1,"\\u0000":2}\n'
# A character of four bytes becomes three of twelve in Unicode's NFC form.
GROWING = around(GOOD + b'{"text":"', "\U0001d160".encode(), b'"}\n')
SMALL_VALUES = b'{"text":"t","n":[' + b"{}," * 2_600_000 + b"{}]}\n"
# A frame whose header asks for a window of 2 GiB, with one block of a repeated byte.
WINDOW = b"\x28\xb5\x2f\xfd\x00\xa8" + (1 | 1 << 1 | 1000 << 3).to_bytes(3, "little") + b"x"
LONG = GOOD.replace(b"good", b"good " * 200) * 3000
ZEROS = bytes(16 * MIB)
NO_JSON, BLANKS = gzipped(around(GOOD, b"x\n" * 512)), gzipped(around(GOOD, b"\n" * MIB))
NULS_IN_GZIP, NULS_IN_ZSTD = bombs(gzip.compress, ZEROS), bombs(zstandard.compress, ZEROS)
LONG_IN_ZSTD = bombs(zstandard.compress, LONG)

TEXTS = [
    Case("a line of 1 GB", "l.jsonl", around(GOOD, b"x" * MIB, b"\n" + GOOD), 1000, 20, LOST),
    Case("a quoted field of 1 GB", "q.csv", around(QUOTE, b"x," * MIB, b"\nb,1\n"), 500, 9, LOST),
    Case("a quote left open on each line", "q.csv", around(CSV, b'"a,"b\n' * 1000), 1700, 2, LOST),
    Case("a million columns of CSV", "c.csv", _columns, 1_000_000, 20_000, REJECTED),
    Case("rows of millions of empty fields", "f.csv", rows(CSV, b","), 15 * MIB, MIB, LOST),
    Case("rows of millions of tabs", "f.tsv", rows(b"text\tn\na\t1\n", b"\t"), 15 * MIB, 99, LOST),
    Case("JSON nested a million deep", "d.jsonl", _deep, 1_000_000, 10_000, LOST),
    Case("JSON of a million keys", "k.jsonl", _keys, 1_000_000, 1000, LOST, READ),
    Case("JSON of millions of small values", "v.jsonl", around(GOOD, SMALL_VALUES), 16, 1, LOST),
    Case("600 columns in turn, JSON", "s.jsonl", _sparse, 500_000, 650, READ),
    Case("numbers of a million digits", "n.jsonl", _numbers, 1_000_000, 5000, LOST),
    Case("NULs", "n.jsonl", around(GOOD, bytes(1000), NULS), 100_000, 1, LOST),
    Case("UTF-16 with half pairs", "u.jsonl", around(UTF16, HALF, b"A"), MIB, 999, LOST),
    Case("characters that grow threefold", "g.jsonl", GROWING, 15 * MIB // 4, 999, LOST, READ),
    Case("texts made to be slow", "t.jsonl", _slow_texts, 4_000_000, 10_000, READ),
    Case("lines that are no JSON", "x.jsonl.gz", NO_JSON, 4096, 1, LOST),
    Case("a billion blank lines", "b.jsonl.gz", BLANKS, 1000, 1, READ),
    Case("10 GB of NULs in gzip", "z.jsonl.gz", NULS_IN_GZIP, 640, 1, REJECTED),
    Case("100 GB of NULs in zstd", "z.csv.zst", NULS_IN_ZSTD, 6400, 1, REJECTED),
    Case("100 GB in zstd", "m.jsonl.zst", LONG_IN_ZSTD, 33_000, 1, DAMAGED, READ),
    Case("a zstd window of 2 GiB", "w.jsonl.zst", around(WINDOW), 0, 0, REJECTED),
    Case("false Parquet in gzip", "p.parquet.gz", gzipped(FALSE_PARQUET), 9999, 3, REJECTED),
]
MOST = 2**31 - 1
# These rows, and one more, as Thrift's compact protocol writes the numbers.
ROWS, HAS, ONE_MORE = 5003, b"\x96N", b"\x98N"
ODD_NAMES = ["\0order", "\0position", "a\x1b[31m\nb", "\u202e", "n" * 300_000, ""]


ORDINARY = parquet({"text": [f"message {i}" for i in range(ROWS)], "n": range(ROWS)})


def with_bytes(old, new):
    data = parquet({"text": ["some text"] * 3}, compression="uncompressed")
    return around(data.replace(old, new))


def repeated(text, **how):
    return lambda size: [parquet({"text": pl.repeat(text, size, eager=True, **how)})]


def named(*names):
    """Columns of these names, and so many others."""
    return lambda size: [
        parquet({"text": ["t"], **{name: [1] for name in [*names, *map(str, range(size))]}})
    ]


def _times(_):
    """The farthest dates and times that numbers can say."""
    days = pl.Series([-MOST - 1, MOST, 0], dtype=pl.Int32).cast(pl.Date)
    times = pl.Series([-(2**63), 2**63 - 1, 0])
    kinds = {"sent_at": pl.Datetime("us"), "ms": pl.Datetime("ms"), "span": pl.Duration("ms")}
    columns = {name: times.cast(kind) for name, kind in kinds.items()}
    return [parquet({"text": ["low", "high", "no"], "date": days, **columns})]


LONG_FOOTER = around(ORDINARY[:-8] + MOST.to_bytes(4, "little") + b"PAR1")
TEXT_LENGTH = with_bytes(b"\x09\0\0\0some", b"\xff\xff\xff\x7fsome")
NOT_UTF8 = with_bytes(b"some text", b"some\xff\xfeext")
MORE, NULL = around(ORDINARY.replace(HAS, ONE_MORE)), repeated(None, dtype=pl.Int8)
PARQUET = [
    Case("a footer longer than its file", "f.parquet", LONG_FOOTER, 0, 0, REJECTED),
    Case("a row more than there is, claimed", "r.parquet", MORE, 0, 0, DAMAGED),
    Case("100 million nulls", "n.parquet", NULL, 10**8, 30_000, DAMAGED, READ),
    Case("equal texts of 1 MB", "d.parquet", repeated("x" * MIB), 2000, 20, DAMAGED, READ),
    Case("17,000 columns of Parquet", "c.parquet", named(), 17_000, 1001, REJECTED),
    Case("a text that says it has 2 GB", "t.parquet", TEXT_LENGTH, 0, 0, DAMAGED),
    Case("texts that are no UTF-8", "u.parquet", NOT_UTF8, 0, 0, DAMAGED),
    Case("names of our own columns, and worse", "n.parquet", named(*ODD_NAMES), 0, 0, READ),
    Case("the farthest dates there are", "t.parquet", _times, 0, 0, READ),
]
CASES = [*TEXTS, *PARQUET]
