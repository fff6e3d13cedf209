"""Hostile texts and JSON, and real payloads of events/ with such in their fields."""

from __future__ import annotations

import copy
import json

from hypothesis import strategies as st

PIECES = (
    "\0\a\b\t\v\f\r\n\x7f\x85",
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "\u2028\u2029\u202egnp.exe\u2066\u200b\ufeff\ufffe",
    "\ud800",
    "\udfff\ud83d😀é日本",
    '{"level":"ERROR","message":"forged"}\n',
    "<https://evil.example|click here>",
    "HTTP://EVIL.example",
    "www.evil.example",
    "../../etc/passwd",
    "//",
    "s3://outputs/processed/",
    "incoming/a.jsonl",
)
LENGTHS = (80, 81, 255, 256, 1024, 1025, 2049, 70_000, 120_000)
UNUSUAL = (
    *("[" * levels + "]" * levels for levels in (19, 29, 30, 31, 400, 60_000)),
    *("9" * digits for digits in (16, 39, 140, 4300, 4400)),
    f"[{'1,' * 100_000}1]",
    f"[{'{},' * 60_000}{{}}]",
)
"""JSON that is too deep, too long or too large for somebody."""

pieces = st.sampled_from(PIECES)
long_texts = st.builds(lambda piece, size: (piece * size)[:size], pieces, st.sampled_from(LENGTHS))
texts = st.lists(pieces | st.text(max_size=8), max_size=4).map("".join) | long_texts
"""Texts with what moves cursors, breaks lines, makes links, and no end."""

values = texts.map(json.dumps) | st.sampled_from(UNUSUAL)
values |= st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
).map(json.dumps)
"""Any value, as JSON."""


def _fields(value):
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield value, name
        yield from _fields(inner)


@st.composite
def changed(draw, events):
    """Change some fields of one of the events to any value, or leave them out; as JSON."""
    event = copy.deepcopy(draw(st.sampled_from(events)))
    fields, here = list(_fields(event)), "@here@"
    places = st.integers(0, len(fields) - 1)
    for place in draw(st.lists(places, min_size=1, max_size=3, unique=True)):
        holder, name = fields[place]
        holder[name] = here
        if draw(st.integers(0, 5)) == 0:
            del holder[name]
    before, *parts = json.dumps(event).split(json.dumps(here))
    return before + "".join(draw(values) + part for part in parts)


def bodies(events):
    """The body of a message: a changed event, one that is cut off, or anything that is JSON."""
    at, end = st.integers(0, 500), st.sampled_from(["", '"', "\\", "NaN", "\\ud800"])
    cut = st.builds(lambda body, at, end: body[:at] + end, changed(events), at, end)
    return st.one_of(*[changed(events)] * 5, cut, values)
