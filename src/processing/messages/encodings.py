"""Detects the encoding of a file from its bytes; in doubt, the file is rejected, not guessed.

A byte order mark, valid UTF-8, and the zero bytes of UTF-16 and UTF-32 are certain. For other
encodings see `messages.legacy_encodings`.
"""

from __future__ import annotations

from collections.abc import Iterable

from messages.streams import BOMS

_HEAD = 4096
# At least this share of characters has its zero byte where UTF-16 has it.
_NULS = 0.1
# JSON is UTF-8 by its standard: a few odd lines are damage, many are another encoding.
_FEW_SHARE, _FEW_LINES = 0.05, 20
# This many characters of UTF-8 are no coincidence.
_NO_ACCIDENT = 10


class UnclearError(ValueError):
    """The encoding is unclear; the message names the likely ones and the remedy."""


def encoding_of(sample: bytes, *, is_json: bool = False, asked: str | None = None) -> str:
    """Return the name of the encoding, for Python, of a file that begins with ``sample``.

    Raises UnclearError (several encodings are likely, or none). ``asked`` is the one given by
    argument, for files that are not plainly in UTF-8, UTF-16 or UTF-32. Where most of what is not
    ASCII is UTF-8, the few odd bytes are damage and their lines are rejected.
    """
    for encoding, mark in BOMS.items():
        if sample.startswith(mark):
            return encoding
    if unmarked := _unmarked(sample[:_HEAD]):
        return unmarked
    lines = [line for line in sample.split(b"\n") if not line.isascii()]
    good, odd = _utf8_and_odd(b"\n".join(lines))
    if asked is not None and (odd or good < _NO_ACCIDENT):
        return asked
    odd_lines = len([line for line in lines if "\ufffd" in line.decode("utf-8", "replace")])
    most = max(1, sample.count(b"\n")) * _FEW_SHARE
    few = odd_lines < min(_FEW_LINES, most)
    if not odd or good >= max(4, 4 * odd) or (is_json and few):
        return "utf-8"
    from messages.legacy_encodings import detected  # noqa: PLC0415 - large, and most files are UTF-8

    try:
        return detected(lines)
    except UnclearError:
        if few:
            return "utf-8"
        raise


def _utf8_and_odd(sample: bytes) -> tuple[int, int]:
    """Count the non-ASCII characters of UTF-8, and the invalid bytes."""
    text = sample.decode("utf-8", "replace")
    odd = text.count("\ufffd")
    return len(text) - len(text.encode("ascii", "ignore")) - odd, odd


def _unmarked(head: bytes) -> str | None:
    """Recognise UTF-16 and UTF-32 without a byte order mark by the positions of zero bytes."""
    units = len(head) // 4
    if units and head.count(0) > 2 * units - 1:
        for encoding in ("utf-32-le", "utf-32-be"):
            if decoded(head[: 4 * units], encoding) is not None:
                return encoding
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) < max(1, _NULS * len(head) / 2) or min(even, odd) * 3 > max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def decoded(data: bytes, encoding: str) -> str | None:
    """Decode all of the data; None if that is not possible."""
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def is_one_byte(encoding: str) -> bool:
    """Return whether newlines, quotes and delimiters are single ASCII bytes in an encoding."""
    if encoding.startswith("utf-8"):
        return True
    every = bytes(range(256)).decode(encoding, "replace")
    return len(every) == len(bytes(range(256))) and every[:128].isascii()


def telling(data: Iterable[bytes], size: int, reach: int) -> bytes:
    """Read until the sample has bytes that are not ASCII.

    That is the first ``size`` bytes and, when those are all ASCII, the first block within ``reach``
    bytes that is not.
    """
    sample, passed = b"", 0
    for block in data:
        passed += len(block)
        if len(sample) < size:
            sample += block
        elif not sample.isascii() or passed > reach:
            break
        elif not block.isascii():
            return sample + block
    return sample
