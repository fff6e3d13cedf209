"""Single lines of UTF-8: limits of length, and rejection of lines beyond them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import AnyStr

MAX_LINE = 16 * 1024 * 1024
EXCERPT_READ = 400
# A character may grow threefold when normalised, and several copies are held.
MAX_TEXT = 4 * 1024 * 1024
TOO_LONG = f"longer than {MAX_LINE // 1024**2} MiB"
# A value of two bytes may take a hundred in memory: a line of many separators is no message.
MAX_VALUES = 512 * 1024
TEXT_TOO_LONG = f"a text longer than {MAX_TEXT // 1024**2} MiB"
UNDECODABLE = "not valid in the file's encoding"
TOO_MANY = f"more than {MAX_VALUES} values"


@dataclass(frozen=True)
class Reject:
    """One line or row that could not be read.

    ``position`` counts from 0 within the batch; ``excerpt`` is its beginning, masked.
    """

    position: int
    reason: str
    excerpt: str


def crowded(line: AnyStr, *separators: AnyStr) -> bool:
    """Return whether a line has too many values to be parsed."""
    return len(line) > MAX_VALUES and sum(map(line.count, separators)) > MAX_VALUES


def encodable(text: str) -> bool:
    """Return whether a text has no lone surrogates, which stand for invalid UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def reject(position: int, reason: str, line: bytes) -> Reject:
    """Reject a line, keeping its beginning."""
    return Reject(position, reason, line[:EXCERPT_READ].decode("utf-8", "replace"))
