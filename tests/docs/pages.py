"""The pages of the documentation, and their ``sh`` blocks as a script.

An HTML comment on the line above a block says how it is run, when not just so:

- ``<!-- not run: REASON -->``: it needs something that no test has;
- ``<!-- stays -->``: once it has printed a line, it keeps running until the next such block, or the
  end of the page, stops it as Ctrl-C would;
- ``<!-- may exit: 1 -->``: each of its lines may exit with that code instead of 0.

In commands ``RUN``, ``BUCKET`` and ``KEY`` stand for the reader's own: for a run that failed, the
landing bucket, and an object in it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
README, DOCS = ROOT / "README.md", ROOT / "docs"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]

_BLOCK = re.compile(
    r"(?:^<!-- (?P<how>not run|stays|may exit)(?:: (?P<what>.*?))? -->\n)?"
    r"^(?P<ticks>`{3,})(?P<language>\w*)\n(?P<text>.*?)^(?P=ticks)$",
    re.MULTILINE | re.DOTALL,
)
_COMMAND = re.compile(r"(?:.*\\\n)*.*\n")
_READERS = {
    r"\bRUN\b": '"${RUN:=$(failed_run)}"',
    r"\bBUCKET\b": "$LANDRUN_LANDING_BUCKET",
    r"\bKEY\b": "incoming/orders.jsonl",
}
_STAYS = """\
stop
: >"$SCRATCH/out"
(exec {}) >"$SCRATCH/out" &
staying=$!
until [ -s "$SCRATCH/out" ]; do sleep 0.1; kill -0 "$staying"; done
"""
HEAD = """\
set -eu
staying=
stop() {
    if [ -n "$staying" ]; then kill "$staying"; wait "$staying" || true; staying=; fi
}
trap stop EXIT
failed_run() {
    until name=$(landrun runs --status failed --limit 1 --json | python -c 'if True:
        import json, sys
        print(json.load(sys.stdin)[0]["name"])' 2>/dev/null); do sleep 0.5; done
    printf %s "$name"
}
"""


def name(page):
    """What a page is called in tests: its path in the project."""
    return page.relative_to(ROOT).as_posix()


class Block(NamedTuple):
    """One fenced block, and what the comment above it says."""

    how: str
    what: str
    language: str
    text: str


def blocks(text):
    """Find the fenced blocks of a page."""
    found = _BLOCK.finditer(text)
    return [Block(b["how"] or "", b["what"] or "", b["language"], b["text"]) for b in found]


def script(text):
    """Return a page's commands for ``sh``, to stand after `HEAD`; empty if none is to be run."""
    wanted = [one for one in blocks(text) if one.language == "sh" and one.how != "not run"]
    return "".join(map(_run, wanted))


def distinct(texts):
    """Return the commands of many pages for ``sh``, each command once."""
    return "".join(dict.fromkeys(_COMMAND.findall("".join(map(script, texts)))))


def _run(block):
    text = block.text
    for readers, meant in _READERS.items():
        text = re.sub(readers, meant, text)
    if block.how == "stays":
        return _STAYS.format(text)
    if block.how == "may exit":
        return "".join(f"{line} || [ $? = {block.what} ]\n" for line in text.splitlines())
    return text
