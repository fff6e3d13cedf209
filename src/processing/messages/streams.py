"""Reads files in blocks: decompresses them, converts them to UTF-8, and splits lines."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import math
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

import zstandard

from messages.lines import MAX_LINE

BLOCK = 1024 * 1024
BATCH_BYTES, BATCH_LINES = 4 * 1024 * 1024, 20_000
# A zstd block of a few bytes may hold 128 KiB: little at a time keeps a bomb's bursts small.
ZSTD_INPUT = 1024
BOMS = {
    "utf-8-sig": codecs.BOM_UTF8,
    "utf-32-le": codecs.BOM_UTF32_LE,  # begins as UTF-16's does
    "utf-32-be": codecs.BOM_UTF32_BE,
    "gb18030": b"\x84\x31\x95\x33",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
# Gzip reaches 1,032 times at most, on one repeated byte; messages reach 5 to 50.
BOMB_RATIO, BOMB_BYTES = 1000, 1024 * 1024 * 1024


class BombError(ValueError):
    """A file decompresses to far more than any text would."""


BROKEN = (EOFError, OSError, zlib.error, zstandard.ZstdError, BombError)


def compression_of(path: Path) -> str | None:
    """Return a file's compression by its first bytes, regardless of its name."""
    with path.open("rb") as file:
        head = file.read(4)
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), None)


class Blocks:
    """A file's decompressed bytes, block by block.

    Iteration ends early on damage, after all readable bytes; ``damage`` then describes it, and is
    ``None`` otherwise.
    """

    def __init__(self, path: Path, compression: str | None) -> None:
        self._path = path
        self._compression = compression
        self.damage: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as raw:
            try:
                yield from _defused(_decompressed(raw, self._compression), raw)
            except BROKEN as error:
                if self._compression is None:
                    raise
                self.damage = f"damaged {self._compression} data: {error}"


def _defused(blocks: Iterable[bytes], raw: IO[bytes]) -> Iterator[bytes]:
    """Stop after more than ``BOMB_BYTES`` and ``BOMB_RATIO`` times the bytes read."""
    size = 0
    for block in blocks:
        yield block
        size += len(block)
        if size > BOMB_BYTES and size > BOMB_RATIO * raw.tell():
            raise BombError(f"it unpacks to more than {BOMB_RATIO} times its size")


def _decompressed(raw: io.BufferedReader, compression: str | None) -> Iterator[bytes]:
    """Read in small steps, because a longer read that fails would lose its beginning."""
    if compression == "gzip":
        return iter(partial(gzip.GzipFile(fileobj=raw).read1, BLOCK), b"")
    if compression == "bz2":
        return iter(partial(bz2.BZ2File(raw).read1, BLOCK), b"")
    return _zstd(raw) if compression == "zstd" else iter(partial(raw.read, BLOCK), b"")


def _zstd(raw: IO[bytes]) -> Iterator[bytes]:
    """Decompress frame by frame; the library's own reader accepts a truncated file."""
    frame, begun = zstandard.ZstdDecompressor().decompressobj(), False
    for read in iter(lambda: raw.read(ZSTD_INPUT), b""):
        rest = read
        while rest:
            yield frame.decompress(rest)
            rest, begun = (frame.unused_data, False) if frame.eof else (b"", True)
            if frame.eof:
                frame = zstandard.ZstdDecompressor().decompressobj()
    if begun:
        raise EOFError("it ends within a frame")


def in_utf8(data: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Convert a file's bytes to UTF-8 without a byte order mark, which can be split at newlines.

    Invalid bytes (half a surrogate pair, an undefined byte) become invalid UTF-8, so that only
    their line is rejected.
    """
    data = _without_mark(data, BOMS.get(encoding, b""))
    if encoding.startswith("utf-8"):
        yield from data
        return
    decoder = codecs.getincrementaldecoder(encoding)("landrun.mark")
    for block in data:
        yield decoder.decode(block).encode("utf-8", "surrogatepass")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udc80", error.end


codecs.register_error("landrun.mark", _mark)


def _without_mark(data: Iterable[bytes], mark: bytes) -> Iterator[bytes]:
    blocks, head = iter(data), b""
    while len(head) < len(mark) and (block := next(blocks, None)) is not None:
        head += block
    yield head.removeprefix(mark)
    yield from blocks


def line_batches(data: Iterable[bytes], source: Blocks | None = None) -> Iterator[list[bytes]]:
    """Split bytes into lists of whole lines: about 4 MiB and at most 20,000 lines each.

    A line over ``MAX_LINE`` is cut just beyond that, and rejected by the batch functions. An
    incomplete line at the end of a damaged ``source`` is left out.
    """
    held = bytearray()
    for block in _joined(data):
        first, *rest = block.split(b"\n")
        held += first[: MAX_LINE + 1 - len(held)]
        if rest:
            yield from _sliced([bytes(held), *rest[:-1]])
            held = bytearray(rest[-1][: MAX_LINE + 1])
    if held and not (source and source.damage):
        yield [bytes(held)]


def _joined(data: Iterable[bytes]) -> Iterator[bytes]:
    """Join small blocks, so that there is enough for a batch."""
    waiting: list[bytes] = []
    size = 0
    for block in data:
        waiting.append(block)
        size += len(block)
        if size >= BATCH_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _sliced(lines: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(lines), BATCH_LINES):
        yield lines[start : start + BATCH_LINES]


def range_blocks(path: Path, start: int, end: int) -> Iterator[bytes]:
    """Read the lines of an uncompressed file that start in ``[start, end)``."""
    with path.open("rb") as file:
        if start:
            file.seek(start - 1)
            deque(_rest_of_line(file, end), maxlen=0)
        block = b"\n"
        while file.tell() < end and block:
            block = file.read(min(BATCH_BYTES, end - file.tell()))
            yield block
        if not block.endswith(b"\n"):
            yield from _rest_of_line(file)


def _rest_of_line(file: IO[bytes], end: float = math.inf) -> Iterator[bytes]:
    """Read to the end of a line; beyond ``end``, at most one block more."""
    while (piece := file.readline(BLOCK)) and not piece.endswith(b"\n") and file.tell() < end:
        yield piece
    yield piece
