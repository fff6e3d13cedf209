"""The pages of the documentation, and their fenced blocks.

An HTML comment on the line above an ``sh`` block says how `make docs` runs it, when not just so:

- ``<!-- not run: REASON -->``: it needs something that no test has;
- ``<!-- stays -->``: once it has printed a line, it keeps running until the next such block, or the
  end of the page, stops it as Ctrl-C would;
- ``<!-- may exit: 1 -->``: each of its lines may exit with that code instead of 0.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README, DOCS = ROOT / "README.md", ROOT / "docs"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}

_BLOCK = re.compile(
    r"(?:^<!-- (?P<how>not run|stays|may exit)(?:: (?P<what>.*?))? -->\n)?"
    r"^(?P<ticks>`{3,})(?P<language>\w*)\n(?P<text>.*?)^(?P=ticks)$",
    re.MULTILINE | re.DOTALL,
)


def name(page):
    """What a page is called in tests: its path in the project."""
    return page.relative_to(ROOT).as_posix()


def blocks(page):
    """Find the fenced blocks of a page: ``how``, ``what``, ``language`` and ``text``."""
    return [block.groupdict("") for block in _BLOCK.finditer(TEXTS[page])]
