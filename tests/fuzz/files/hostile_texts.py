"""Text files that mean harm: a line without end, columns without number, bombs, broken bytes."""

# ruff: noqa: E501 - a case a line

from __future__ import annotations

import bz2
import gzip
import random
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import zstandard

from .case import REJECTED, Case, Outcome

KIB = 1024
MIB = KIB * KIB
GOOD = b'{"text": "good"}\n'
LINES_LOST = Outcome("read", rejected=True)


def spread(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file piece by piece, so that making it takes no memory either."""
    with path.open("wb") as file:
        file.writelines(pieces)


def packed(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a gzip file piece by piece."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.writelines(pieces)


def members(path: Path, pack: Callable[[bytes], bytes], data: bytes, times: int) -> None:
    """Write what unpacks to ``data``, many times over: streams behind each other are one file."""
    spread(path, [pack(data)] * times)


def _endless_line(path: Path, size: int) -> None:
    spread(path, [GOOD, *[b"x" * MIB] * (size // MIB), b"\n", GOOD])


def _endless_first_line(path: Path, size: int) -> None:
    spread(path, [b"x" * MIB] * (size // MIB))


def _endless_quote(path: Path, size: int) -> None:
    spread(path, [b'text,n\ngood,1\n"', *[b"x," * (MIB // 2)] * (size // MIB), b"\ngood2,1\n"])


def _quotes_that_stay_open(path: Path, size: int) -> None:
    spread(path, [b"text,n\n", *[b'"a,"b\n' * 1000] * (size // 6000)])


def _columns(path: Path, size: int) -> None:
    names = b",".join(b"c%d" % i for i in range(size))
    spread(path, [b"text,", names, b"\n", b"good", b"," * size, b"\n"])


def _equal_columns(path: Path, size: int) -> None:
    spread(path, [b"text", b",a" * size, b"\ngood", b",1" * size, b"\n"])


def _fields(path: Path, size: int) -> None:
    spread(path, [b"text,n\ngood,1\n", *[b"ab," * (size // 3) + b"\n"] * 8, b"good2,1\n"])


def _empty_fields(path: Path, size: int) -> None:
    spread(path, [b"text,n\ngood,1\n", *[b"," * size + b"\n"] * 30, b"good2,1\n"])


def _tabs(path: Path, size: int) -> None:
    spread(path, [b"text\tn\ngood\t1\n", *[b"\t" * size + b"\n"] * 30, b"good2\t1\n"])


def _deep(path: Path, size: int) -> None:
    deep = [b"[" * n + b"]" * n for n in (200, 300, 900, 1100, size)]
    spread(path, [GOOD, *(b'{"text": "t", "n": %s}\n' % d for d in deep)])
    with path.open("ab") as file:
        file.writelines(
            b'{"text": "t", "n": %s}\n' % (b'{"a":' * n + b"1" + b"}" * n) for n in (300, size)
        )
        file.writelines(b'{"id": %s, "text": "u"}\n' % d for d in deep)
        file.writelines(b'{"text": %s}\n' % d for d in deep)


def _keys(path: Path, size: int) -> None:
    def line(number: int) -> bytes:
        keys = b",".join(b'"k%d_%d":1' % (number, i) for i in range(size))
        return b'{"text":"good %d",%s}\n' % (number, keys)

    spread(path, [GOOD, *map(line, range(6))])


def _small_values(path: Path, size: int) -> None:
    spread(path, [GOOD, *[b'{"text":"t","n":[' + b"{}," * (size // 3) + b"{}]}\n"] * 8])


def _small_lines(path: Path, size: int) -> None:
    """Lines just below what is refused by length, so that many of them share a batch."""
    line = b'{"text":"t","n":[' + b"[]," * 200_000 + b"[]]}\n"
    spread(path, [GOOD, *[line] * (size // len(line))])


def _long_names(path: Path, size: int) -> None:
    spread(path, [GOOD, *(b'{"text":"t%d","%d%s":1}\n' % (i, i, b"n" * size) for i in range(60))])


def _sparse(path: Path, size: int) -> None:
    spread(path, (b'{"text":"t%d","k%d":"%d"}\n' % (i, i % 600, i) for i in range(size)))


def _sparse_csv(path: Path, size: int) -> None:
    names = b",".join(b"c%d" % i for i in range(480))
    empty = b"," * 480
    spread(path, [b"text,", names, b"\n", *(b"t%d%s\n" % (i, empty) for i in range(size))])


def _numbers(path: Path, size: int) -> None:
    wild = [b"9" * size, b"1e999999", b"-0.0", b"NaN", b"1" + b"0" * 30, b"1e308", b"-" * size]
    spread(path, [GOOD, *(b'{"text": %s}\n{"id": %s, "text":"t"}\n' % (w, w) for w in wild)])


def _nuls(path: Path, size: int) -> None:
    spread(path, [GOOD, b"\0" * size, b'\n{"text":"a\\u0000b","\\u0000order":1,"\\u0000":2}\n'])


def _nul_names(path: Path, size: int) -> None:
    spread(path, [b"text,\0order,\0position,\0bucket,\0\n", *[b"t,1,2,3,4\0\n"] * size])


def _noise(path: Path, size: int) -> None:
    spread(path, [GOOD, random.Random(1).randbytes(size)])


def _noise_csv(path: Path, size: int) -> None:
    spread(path, [b"text,n\ngood,1\n", random.Random(2).randbytes(size)])


def _utf16(path: Path, size: int) -> None:
    lines = "".join(f'{{"text": "t{i}"}}\n' for i in range(100)).encode("utf-16")
    spread(path, [lines, b"\x00\xd8\n\x00" * size, b"\x41"])


def _growing(path: Path, size: int) -> None:
    """One character of four bytes becomes three of twelve in Unicode's NFC form."""
    text = b'{"text":"%s"}\n' % ("\U0001d160" * (size // 4)).encode()
    spread(path, [GOOD, *[text] * 4])


# Each made to be slow in a pattern of cleaning or masking that would look back and again.
SLOW = (
    "<a ", "<a b='", "<!--", "<script", "&#1", "a@", "a.a.", "a@a.", "www.", "http://", "1 ",
    "1-1.", "+1(", "0 0", "4111 ", "call ", "((((", "'", "\u200b ", "a.com", "1.1.1.1 ", "A-1 ",
)  # fmt: skip


def _slow_texts(path: Path, size: int) -> None:
    lines = (b'{"text":"%s"}\n' % (s * (size // len(s.encode()))).encode() for s in SLOW)
    spread(path, [GOOD, *lines])


def _floods(path: Path, line: bytes, size: int) -> None:
    packed(path, [GOOD, *[line * (KIB // len(line))] * (size // KIB)])


def _frames(path: Path, size: int) -> None:
    empty = zstandard.ZstdCompressor().compress(b"")
    spread(path, [zstandard.ZstdCompressor().compress(GOOD), *[empty * 1000] * (size // 1000)])


def _window(path: Path, size: int) -> None:
    """A frame whose header asks for a window of 2 GiB, with one block of a repeated byte."""
    block = (1 | 1 << 1 | 1000 << 3).to_bytes(3, "little") + b"x"
    spread(path, [b"\x28\xb5\x2f\xfd", b"\x00", bytes([(31 - 10) << 3]), block])


def _zip_within(path: Path, size: int) -> None:
    local = b"PK\x03\x04" + b"\x14\0" * 11 + b"a" + zlib.compress(bytes(size))
    packed(path, [local])


def _packed_twice(path: Path, size: int) -> None:
    packed(path, [gzip.compress(bytes(size))])


def _long_header(path: Path, size: int) -> None:
    """Gzip's own header may hold a file name without end."""
    spread(path, [b"\x1f\x8b\x08\x08" + bytes(6), b"n" * size])


def _packed_parquet(path: Path, size: int) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"PAR1"
        for _ in range(size // MIB):
            yield bytes(MIB)

    packed(path, pieces())


LONG = GOOD.replace(b"good", b"good " * 200)
ZEROS = bytes(16 * MIB)
TEXTS = (
    Case("a line of 1 GB", "l.jsonl", _endless_line, 1000 * MIB, 40 * MIB, LINES_LOST),
    Case("a line of 1 GB, and no other", "l.jsonl", _endless_first_line, 1000 * MIB, 40 * MIB, REJECTED),
    Case("a quoted field of 1 GB", "q.csv", _endless_quote, 1000 * MIB, 20 * MIB, LINES_LOST),
    Case("a quote left open on each line", "q.csv", _quotes_that_stay_open, 10 * MIB, 30_000, LINES_LOST),
    Case("a million columns of CSV", "c.csv", _columns, 1_000_000, 40_000, REJECTED),
    Case("a million columns of one name", "c.csv", _equal_columns, 500_000, 40_000, REJECTED),
    Case("rows of millions of fields", "f.csv", _fields, 15 * MIB, MIB, LINES_LOST),
    Case("rows of millions of empty fields", "f.csv", _empty_fields, 15 * MIB, MIB, LINES_LOST),
    Case("rows of millions of tabs", "f.tsv", _tabs, 15 * MIB, MIB, LINES_LOST),
    Case("JSON nested a million deep", "d.jsonl", _deep, 1_000_000, 100_000, LINES_LOST),
    Case("JSON of a million keys", "k.jsonl", _keys, 1_000_000, 20_000, LINES_LOST, small=Outcome("read")),
    Case("JSON of millions of small values", "v.jsonl", _small_values, 15 * MIB, 8 * MIB, LINES_LOST),
    Case("JSON lines of small values", "v.jsonl", _small_lines, 100 * MIB, 4 * MIB, Outcome("read")),
    Case("names of a megabyte", "n.jsonl", _long_names, MIB, 10_000, Outcome("read")),
    Case("600 columns in turn, JSON", "s.jsonl", _sparse, 500_000, 3000, Outcome("read")),
    Case("481 empty columns, CSV", "s.csv", _sparse_csv, 50_000, 1000, Outcome("read")),
    Case("numbers of a million digits", "n.jsonl", _numbers, 1_000_000, 5000, LINES_LOST),
    Case("NULs", "n.jsonl", _nuls, 100 * MIB, 1000, LINES_LOST),
    Case("names of our own columns", "n.csv", _nul_names, 100_000, 10, Outcome("read")),
    Case("random bytes as JSON", "r.jsonl", _noise, 10 * MIB, 30_000, REJECTED),
    Case("random bytes as CSV", "r.csv", _noise_csv, 10 * MIB, 30_000, REJECTED),
    Case("UTF-16 with half pairs", "u.jsonl", _utf16, 5_000_000, 3000, LINES_LOST),
    Case("characters that grow threefold", "g.jsonl", _growing, 15 * MIB, 300_000, LINES_LOST, small=Outcome("read")),
    Case("texts made to be slow", "t.jsonl", _slow_texts, 4_000_000, 20_000, Outcome("read")),
    Case("2 million lines that are no JSON", "x.jsonl.gz", lambda p, n: _floods(p, b"x\n", n), 4 * MIB, 20 * KIB, LINES_LOST),
    Case("a billion blank lines", "b.jsonl.gz", lambda p, n: _floods(p, b"\n", n), 1000 * MIB, MIB, Outcome("read")),
    Case("10 GB of NULs in gzip", "z.jsonl.gz", lambda p, n: members(p, gzip.compress, ZEROS, n), 640, 2, REJECTED),
    Case("100 GB of NULs in bz2", "z.csv.bz2", lambda p, n: members(p, bz2.compress, ZEROS, n), 6400, 2, REJECTED),
    Case("100 GB of NULs in zstd", "z.csv.zst", lambda p, n: members(p, zstandard.compress, ZEROS, n), 6400, 2, REJECTED),
    Case("100 GB of messages in zstd", "m.jsonl.zst", lambda p, n: members(p, zstandard.compress, LONG * 30_000, n), 3300, 1, Outcome("damaged", rejected=True), small=Outcome("read")),
    Case("a million empty zstd frames", "e.jsonl.zst", _frames, 1_000_000, 2000, Outcome("read")),
    Case("a zstd window of 2 GiB", "w.jsonl.zst", _window, 0, 0, REJECTED),
    Case("a zip within gzip", "z.csv.gz", _zip_within, 1000 * MIB, MIB, REJECTED),
    Case("gzip within gzip", "z.jsonl.gz", _packed_twice, 1000 * MIB, MIB, REJECTED),
    Case("a gzip header without end", "h.jsonl.gz", _long_header, 20 * MIB, 100_000, REJECTED),
    Case("gzip around 10 GB of false Parquet", "p.parquet.gz", _packed_parquet, 10_000 * MIB, 4 * MIB, REJECTED),
)  # fmt: skip
