r"""What comes from outside, read with care and shown as plain text.

Object keys, fields of events, causes, exit messages and summaries are written by whoever may put
an object or start an execution. None of it may move a terminal's cursor, begin a log line of its
own, turn text round (U+202E), or become a link in a mail.
"""

from __future__ import annotations

import json
import re
from typing import Any

SHOWN = 1000
"""Characters of a text from outside that a message or a log line gets."""

_LINK = re.compile(r"(?<!s3):(?=//)|(?<=www)\.", re.IGNORECASE)
_TAG = str.maketrans({"<": r"\x3c", ">": r"\x3e"})


def printable(text: str) -> str:
    r"""Show what is not printable as escapes: control characters, line breaks, turns of direction.

    >>> print(printable("a\x1b[2Jb\u202ec"))
    a\x1b[2Jb\u202ec
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def one_line(text: str, limit: int = SHOWN) -> str:
    """Show a text of any length as one printable line of at most ``limit`` characters.

    >>> one_line("a" * 30, 10)
    'aaaaaaaaa…'
    """
    line = printable(text[:limit])
    return line if len(text) <= limit and len(line) <= limit else f"{line[: limit - 1]}…"


def shown(value: object, limit: int = 120) -> str:
    """Spell any value for an error's message: one line, and never long.

    A number of 5,000 digits or a list in a thousand lists, which Python does not spell, is named
    by its type.
    """
    try:
        return one_line(repr(value[:limit] if isinstance(value, str) else value), limit)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} too long to show"


def defanged(text: str) -> str:
    r"""Show a text so that neither a mail program nor a chat makes a link or a tag of it.

    >>> print(defanged("s3://b/<b>https://evil.example or www.evil.example"))
    s3://b/\x3cb\x3ehttps[:]//evil.example or www[.]evil.example
    """
    return _LINK.sub(lambda sign: f"[{sign[0]}]", text).translate(_TAG)


def whole(text: str) -> str:
    """Give a text in which halves of surrogate pairs are question marks: then it is Unicode."""
    return text.encode("utf-8", "replace").decode()


def json_object(text: str | bytes | None) -> dict[str, Any]:
    """Read a JSON object; an empty one for whatever else the text may be.

    No text is too deep, and no number too long: Python refuses such, and they are nothing then.
    """
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def plain_json(value: object, indent: int | None = None) -> str:
    r"""Spell a value as JSON in which all that is not printable is an escape.

    Keys in any script stay readable, and so `json`'s own ``ensure_ascii`` is not what is wanted.

    >>> print(plain_json({"key": "é\x9b\u202e"}))
    {"key":"é\u009b\u202e"}
    """
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, ensure_ascii=False, default=str, indent=indent, separators=separators)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def nested_deeper(value: object, levels: int) -> bool:
    """Whether lists and objects lie in one another more than ``levels`` deep."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(levels == 0 or nested_deeper(one, levels - 1) for one in inner)
