r"""Read and show untrusted text.

Anyone who may put an object or start an execution writes object keys, fields of events, causes,
exit messages and summaries. None of them may move a terminal's cursor, forge a log line, reverse
text (U+202E), or become a link in a mail.
"""

import json
import re
from typing import Any

SHOWN = 1000
"""Characters of an untrusted text that a message or a log line gets."""

_LINK = re.compile(r"(?<!s3):(?=//)|(?<=www)\.", re.IGNORECASE)
_TAG = str.maketrans({"<": r"\x3c", ">": r"\x3e"})


def printable(text: str) -> str:
    r"""Escape unprintable characters: controls, line breaks, changes of direction.

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

    Python refuses to spell a number of 5,000 digits or a list nested in a thousand lists: those are
    named by their type.
    """
    try:
        return one_line(repr(value[:limit] if isinstance(value, str) else value), limit)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} too long to show"


def defanged(text: str) -> str:
    r"""Change a text so that neither a mail program nor a chat finds a link or a tag in it.

    >>> print(defanged("s3://b/<b>https://evil.example or www.evil.example"))
    s3://b/\x3cb\x3ehttps[:]//evil.example or www[.]evil.example
    """
    return _LINK.sub(lambda sign: f"[{sign[0]}]", text).translate(_TAG)


def whole(text: str) -> str:
    """Replace halves of surrogate pairs, which UTF-8 cannot encode, with question marks."""
    return text.encode("utf-8", "replace").decode()


def json_object(text: str | bytes | None) -> dict[str, Any]:
    """Read a JSON object; return an empty one for any other text.

    That includes JSON that Python refuses: nested too deep, or with a number of too many digits.
    """
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def plain_json(value: object, indent: int | None = None) -> str:
    r"""Serialise a value as JSON, and escape unprintable characters.

    Unlike with `json`'s ``ensure_ascii``, keys in any script stay readable.

    >>> print(plain_json({"key": "é\x9b\u202e"}))
    {"key":"é\u009b\u202e"}
    """
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, ensure_ascii=False, default=str, indent=indent, separators=separators)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def nested_deeper(value: object, levels: int) -> bool:
    """Return True if lists and objects are nested more than ``levels`` deep."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(levels == 0 or nested_deeper(one, levels - 1) for one in inner)
