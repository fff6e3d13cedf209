"""The pages of the documentation, and their ``sh`` blocks as one script a page.

An HTML comment on the line above a block says how it is run, when not just so:

- ``<!-- not run: REASON -->``: it needs what no test has;
- ``<!-- stays -->``: it goes on while the next ones run, once it has said its first line; the next
  one that stays ends it, as Ctrl-C would;
- ``<!-- exits: 0 1 -->``: each of its lines may end so;
- ``<!-- with: aws -->``: it needs that command, which landrun does not bring.

``<!-- laptop -->`` on a page: its commands are for a stack in which all sorts of things have
happened; see `tests/docs/conftest.py`. In commands ``RUN``, ``BUCKET`` and ``KEY`` stand for the
reader's own: for a run that failed, the landing bucket, and an object in it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
README, DOCS = ROOT / "README.md", ROOT / "docs"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]

_BLOCK = re.compile(
    r"(?:^<!-- (?P<how>not run|stays|exits|with)(?:: (?P<what>.*?))? -->\n)?"
    r"^(?P<ticks>`{3,})(?P<language>\w*)\n(?P<text>.*?)^(?P=ticks)$",
    re.MULTILINE | re.DOTALL,
)
_READERS = {
    r"\bRUN\b": '"$(failed_run)"',
    r"\bBUCKET\b": "$LANDRUN_LANDING_BUCKET",
    r"\bKEY\b": "incoming/orders.jsonl",
}
_HEAD = """\
set -eu
staying=
stop() {
    if [ -n "$staying" ]; then kill "$staying"; wait "$staying" || true; staying=; fi
}
trap stop EXIT
until_it_says() {
    until [ -s "$SCRATCH/out" ]; do
        kill -0 "$staying" 2>/dev/null || { cat "$SCRATCH/err" >&2; staying=; exit 2; }
        sleep 0.1
    done
}
may_end() {
    code=$1
    shift
    for one; do if [ "$code" = "$one" ]; then return 0; fi; done
    exit "$code"
}
failed_run() {
    until name=$(landrun runs --status failed --limit 1 --json | python -c 'if True:
        import json, sys
        print(json.load(sys.stdin)[0]["name"])' 2>/dev/null); do sleep 0.5; done
    printf %s "$name"
}
"""


def name(page: Path) -> str:
    """What a page is called in tests: its path in the project."""
    return page.relative_to(ROOT).as_posix()


class Block(NamedTuple):
    """One fenced block, and what the comment above it says."""

    how: str
    what: str
    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """Find the fenced blocks of a page."""
    found = _BLOCK.finditer(text)
    return [Block(b["how"] or "", b["what"] or "", b["language"], b["text"]) for b in found]


def script(text: str) -> str:
    """Spell the commands of a page as one script for ``sh``; empty when none is to be run."""
    wanted = [one for one in blocks(text) if one.language == "sh" and one.how != "not run"]
    return _HEAD + "\n".join(map(_run, wanted)) if wanted else ""


def _run(block: Block) -> str:
    text = block.text
    for readers, meant in _READERS.items():
        text = re.sub(readers, meant, text)
    if block.how == "stays":
        started = f'(exec {text}) >"$SCRATCH/out" 2>"$SCRATCH/err" &\nstaying=$!\n'
        return f'stop\n: >"$SCRATCH/out"\n{started}until_it_says\n'
    if block.how == "with":
        return f'({block.what}() {{ "$BROUGHT/{block.what}" "$@"; }}\n{text})\n'
    if block.how == "exits":
        return "".join(f"{{ {line}\n}} || may_end $? {block.what}\n" for line in text.splitlines())
    return text
