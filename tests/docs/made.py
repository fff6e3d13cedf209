"""The parts of pages that are made from what they are about.

Such a part stands between ``<!-- made: PART -->`` and ``<!-- end -->``; see `PARTS`.

    PYTHONPATH=tests python -m docs.made [--write]

Exit codes: 0 all parts are as they would be made (now, with --write), 1 some are not.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from . import commands, template
from .project import ROOT, name, pages

_PART = re.compile(r"<!-- made: (?P<part>\S+)(?: (?P<of>\S+))? -->\n.*?<!-- end -->", re.DOTALL)


def event(file: str) -> str:
    """Spell a payload of events/; of one that came through a queue, the event in it."""
    payload = json.loads((ROOT / "events" / f"{file}.json").read_text(encoding="utf-8"))
    inner = json.loads(payload["Records"][0]["body"]) if "Records" in payload else payload
    return f"```json\n{json.dumps(inner, indent=2, ensure_ascii=False)}\n```"


PARTS: dict[str, Callable[..., str]] = {
    "commands": commands.reference,
    "places": commands.places,
    "parameters": template.parameters,
    "rules": template.rules,
    "outputs": template.outputs,
    "alarm": template.alarm,
    "event": event,
}
"""What can be made, by name; some are made of what stands after the name."""


def filled(text: str) -> str:
    """Give a page with its made parts made anew."""

    def made(found: re.Match[str]) -> str:
        of = [found["of"]] if found["of"] else []
        head = " ".join(["<!-- made:", found["part"], *of, "-->"])
        return f"{head}\n\n{PARTS[found['part']](*of)}\n\n<!-- end -->"

    return _PART.sub(made, text)


def stale() -> dict[Path, str]:
    """Give what each page would be whose made parts are not as they would be made."""
    found = {}
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if (anew := filled(text)) != text:
            found[page] = anew
    return found


def main() -> int:
    """Say which pages are stale; write them, if wanted."""
    parser = argparse.ArgumentParser(description="The made parts of the documentation.")
    parser.add_argument("--write", action="store_true", help="write what is stale anew")
    wanted = parser.parse_args()
    found = stale()
    for page, text in found.items():
        if wanted.write:
            page.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{'written' if wanted.write else 'stale'}: {name(page)}\n")
    return 1 if found and not wanted.write else 0


if __name__ == "__main__":
    sys.exit(main())
