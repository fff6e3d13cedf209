"""Parquet files that mean harm: real ones, whose claims were made untrue or whose bytes broken."""

from __future__ import annotations

import io
import random

import polars as pl

from .hostile_texts import DAMAGED, MIB, READ, REJECTED, Case

MAGIC = b"PAR1"
MOST = 2**31 - 1
ROWS = 5003
"""A number that stands in a file of so many rows only where it says how many it has."""
OUR_NAMES = ["\0order", "\0position", "a\x1b[31m\nb", "\u202e", "n" * 300_000, ""]


def written(columns, **how):
    data = io.BytesIO()
    pl.DataFrame(columns).write_parquet(data, **how)
    return data.getvalue()


def ordinary(rows=ROWS, **how):
    return written({"text": [f"message {i}" for i in range(rows)], "n": range(rows)}, **how)


def varint(number):
    """Write a number as Thrift's compact protocol does."""
    number, out = (number << 1) ^ (number >> 63), bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def with_footer(body, footer, length=None):
    size = len(footer) if length is None else length
    return body + footer + size.to_bytes(4, "little") + MAGIC


def taken_apart(data):
    """Give what comes before a file's footer, and the footer."""
    length = int.from_bytes(data[-8:-4], "little")
    return data[: -8 - length], data[-8 - length : -8]


def claiming(number, claim, *, pages=False):
    """Put one number in another's place in the footer, or in the ``pages`` as well."""
    body, footer = taken_apart(ordinary())
    footer = footer.replace(varint(number), varint(claim))
    body = body.replace(varint(number), varint(claim)) if pages else body
    return lambda _: [with_footer(body, footer)]


def with_bytes(old, new):
    data = written({"text": ["some text"] * 3}, compression="uncompressed")
    return lambda _: [data.replace(old, new)]


def made(columns):
    return lambda size: [written(columns(size))]


def _long_footer(_):
    return [with_footer(*taken_apart(ordinary()), length=MOST)]


def _torn(size):
    return [ordinary()[:-size]]


def _noise(size):
    data = bytearray(ordinary())
    data[500:900] = random.Random(size).randbytes(400)
    return [bytes(data)]


def _one_long_text(size):
    return {"text": pl.repeat("x" * MIB, size, eager=True)}


def _nulls(size):
    return {"text": pl.repeat(None, size, dtype=pl.Int8, eager=True)}


def _columns(size):
    return {"text": ["t"], **{f"c{i}": [1] for i in range(size)}}


def _odd_names(_):
    return {"text": ["t"], **{name: [1] for name in OUR_NAMES}}


def _times(_):
    """The farthest dates and times that numbers can say."""
    days = pl.Series([-MOST - 1, MOST, 0], dtype=pl.Int32).cast(pl.Date)
    times = pl.Series([-(2**63), 2**63 - 1, 0])
    columns = {
        "text": ["low", "high", "no"],
        "date": days,
        "sent_at": times.cast(pl.Datetime("us")),
    }
    milli = {"ms": times.cast(pl.Datetime("ms")), "span": times.cast(pl.Duration("ms"))}
    return columns | milli


ROWS_CLAIMED, PAGES = claiming(ROWS, 2**62), claiming(ROWS, MOST, pages=True)
ONE_MORE = claiming(ROWS, ROWS + 1, pages=True)
TEXT_LENGTH = with_bytes(b"\x09\0\0\0some", b"\xff\xff\xff\x7fsome")
NOT_UTF8 = with_bytes(b"some text", b"some\xff\xfeext")
PARQUET = [
    Case("a footer longer than its file", "f.parquet", _long_footer, 0, 0, REJECTED),
    Case("a footer that is cut off", "f.parquet", _torn, 100, 100, REJECTED),
    Case("2⁶² rows, claimed", "r.parquet", ROWS_CLAIMED, 0, 0, REJECTED),
    Case("a row more than there is, claimed", "r.parquet", ONE_MORE, 0, 0, DAMAGED),
    Case("2 billion rows, claimed by pages too", "r.parquet", PAGES, 0, 0, REJECTED, DAMAGED),
    Case("100 million nulls", "n.parquet", made(_nulls), 10**8, 30_000, DAMAGED, READ),
    Case("equal texts of 1 MB", "d.parquet", made(_one_long_text), 2000, 30, DAMAGED, READ),
    Case("17,000 columns of Parquet", "c.parquet", made(_columns), 17_000, 17_000, REJECTED),
    Case("a text that says it has 2 GB", "t.parquet", TEXT_LENGTH, 0, 0, DAMAGED),
    Case("texts that are no UTF-8", "u.parquet", NOT_UTF8, 0, 0, DAMAGED),
    Case("names of our own columns, and worse", "n.parquet", made(_odd_names), 0, 0, READ),
    Case("the farthest dates there are", "t.parquet", made(_times), 0, 0, READ),
    Case("noise in a page", "p.parquet", _noise, 3, 3, DAMAGED),
]
