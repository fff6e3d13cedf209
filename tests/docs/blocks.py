"""The commands of pages: their ``sh`` blocks, as one script a page.

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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_COMMENT = re.compile(r"<!-- (?P<how>not run|stays|exits|with)(?:: (?P<what>.*?))? -->")
_FENCE = re.compile(r"(?P<ticks>`{3,})(?P<language>\w*)")

PLACEHOLDERS = {
    r"\bRUN\b": '"$RUN"',
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
may_end() {
    code=$1
    shift
    for one; do if [ "$code" = "$one" ]; then return 0; fi; done
    exit "$code"
}
until_it_says() {
    until [ -s "$1" ]; do
        kill -0 "$staying" 2>/dev/null || { cat "$1.err" >&2; staying=; exit 2; }
        sleep 0.1
    done
}
failed_run() {
    until name=$(landrun runs --status failed --limit 1 --json | python -c 'if True:
        import json, sys
        print(json.load(sys.stdin)[0]["name"])' 2>/dev/null); do sleep 0.5; done
    printf %s "$name"
}
"""


@dataclass(frozen=True)
class Block:
    """One fenced block: the line where its text begins (from 1), and how it is run, as above."""

    line: int
    language: str
    text: str
    not_run: str | None = None
    stays: bool = False
    exits: tuple[int, ...] = (0,)
    brings: str | None = None


def blocks(text: str) -> list[Block]:
    """Find the fenced blocks of a page."""
    return list(_blocks(text.splitlines()))


def _blocks(lines: list[str]) -> Iterator[Block]:
    number = 0
    while number < len(lines):
        fence = _FENCE.fullmatch(lines[number])
        if not fence:
            number += 1
            continue
        end = lines.index(fence["ticks"], number + 1)
        comment = _COMMENT.fullmatch(lines[number - 1]) if number else None
        inner = "\n".join(lines[number + 1 : end])
        yield _block(number + 2, fence["language"], inner, comment)
        number = end + 1


def _block(line: int, language: str, text: str, comment: re.Match[str] | None) -> Block:
    how, what = (comment["how"], comment["what"] or "") if comment else ("", "")
    return Block(
        line,
        language,
        text,
        not_run=what if how == "not run" else None,
        stays=how == "stays",
        exits=tuple(map(int, what.split())) if how == "exits" else (0,),
        brings=what if how == "with" else None,
    )


def commands(page: Path) -> list[Block]:
    """Give the commands of a page."""
    text = page.read_text(encoding="utf-8")
    return [block for block in blocks(text) if block.language == "sh"]


def is_for_laptop(page: Path) -> bool:
    """Whether a page's commands are for a stack in which things have happened."""
    return "\n<!-- laptop -->\n" in page.read_text(encoding="utf-8")


def script(page: Path) -> str:
    """Spell the commands of a page as one script for ``sh``; empty when none is to be run."""
    wanted = [block for block in commands(page) if block.not_run is None]
    return _HEAD + "".join(_run(block) for block in wanted) if wanted else ""


def _run(block: Block) -> str:
    text = block.text
    before = f"\nprintf '== line {block.line}\\n'\n"
    if re.search(r"\bRUN\b", text):
        before += "RUN=$(failed_run)\n"
    for placeholder, meant in PLACEHOLDERS.items():
        text = re.sub(placeholder, meant, text)
    if block.stays:
        out = f'"$SCRATCH/{block.line}"'
        return (
            f"{before}stop\n(exec {text}\n) >{out} 2>{out}.err &\nstaying=$!\nuntil_it_says {out}\n"
        )
    if block.brings:
        return f'{before}({block.brings}() {{ "$BROUGHT/{block.brings}" "$@"; }}\n{text}\n)\n'
    if block.exits == (0,):
        return f"{before}{text}\n"
    codes = " ".join(map(str, block.exits))
    return before + "".join(f"{{ {line}\n}} || may_end $? {codes}\n" for line in text.splitlines())
