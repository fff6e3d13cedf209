"""Which encoding a file's text is in, told from its bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

from messages.streams import BOMS

# Bytes that cp1252 leaves undefined or that hardly start a word: signs of damage, not of Latin.
_UNLIKELY = re.compile(rb"[\x81\x8d\x8f\x90\x9d\xfe\xff]")
_NULS = 0.3
_HEAD = 4096
# JSON is UTF-8 by its standard: one odd line is damage, many are another encoding.
_JSON_SHARE, _JSON_LINES = 0.05, 20


def encoding_of(sample: bytes, *, is_json: bool = False) -> str:
    """Tell the encoding of a file that begins with ``sample``.

    Returns
    -------
    str
        ``utf-8``, ``utf-8-sig``, ``utf-16-le``, ``utf-16-be`` or ``cp1252`` (Latin-1 is read as
        cp1252, as browsers do). Bytes that are mostly no UTF-8 mean cp1252; where most are, the
        few odd ones are damage and their lines are rejected.
    """
    for encoding, mark in BOMS.items():
        if sample.startswith(mark):
            return encoding
    return _unmarked_utf16(sample[:_HEAD]) or ("cp1252" if _is_cp1252(sample, is_json) else "utf-8")


def _unmarked_utf16(head: bytes) -> str | None:
    """Tell UTF-16 without a mark by where it has zero bytes, for text that is mostly ASCII."""
    units = len(head) // 2
    if not units or b"\0" not in head:
        return None
    even, odd = head[0::2].count(0) / units, head[1::2].count(0) / units
    if odd > _NULS > even:
        return "utf-16-le"
    return "utf-16-be" if even > _NULS > odd else None


def _is_cp1252(sample: bytes, is_json: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        odd = [line for line in sample.split(b"\n") if not _is_utf8(line)]
        return _more_odd_than_good(sample) and _like_latin(odd) and _enough(sample, odd, is_json)
    return False


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _more_odd_than_good(sample: bytes) -> bool:
    text = sample.decode("utf-8", "replace")
    odd = text.count("\ufffd")
    return odd > sum(not c.isascii() for c in text) - odd


def _like_latin(lines: Iterable[bytes]) -> bool:
    return any(not _UNLIKELY.search(line) for line in lines)


def _enough(sample: bytes, odd: list[bytes], is_json: bool) -> bool:
    lines = sample.count(b"\n") + 1
    return not is_json or len(odd) >= _JSON_LINES or len(odd) >= _JSON_SHARE * lines


def telling(data: Iterable[bytes], size: int, reach: int) -> bytes:
    """Read on for a sample that says something of the encoding.

    Returns
    -------
    bytes
        The first ``size`` bytes and, when those are all ASCII, the first block within ``reach``
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
