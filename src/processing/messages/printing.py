"""Makes texts of the input safe to show in logs, messages and summaries."""

from __future__ import annotations

import re

# Controls (line breaks too), marks that turn the direction of text, invisible tags, half pairs.
_UNSAFE = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff"
    "\\ufff9-\\ufffb\\ud800-\\udfff\\U000e0000-\\U000e007f]"
)
LENGTH = 400


def printable(text: str, length: int = LENGTH) -> str:
    r"""Escape characters that could break a line, control a terminal, or reverse a text.

    An ellipsis stands for everything beyond ``length`` characters.

    >>> printable("a\nb\x1b[31m")
    'a\\nb\\x1b[31m'
    """
    safe = _UNSAFE.sub(_escape, text[: length + 1])
    return safe if len(safe) <= length else safe[: length - 1] + "…"


def cut_to_bytes(text: str, size: int) -> bytes:
    """Encode as much of a text as fits, in whole characters."""
    return text.encode("utf-8", "backslashreplace")[:size].decode("utf-8", "ignore").encode()


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
