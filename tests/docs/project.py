"""Where the documentation lies."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
ALARMS = DOCS / "alarms"


def pages() -> list[Path]:
    """Every page of the site, and the README."""
    return [README, *sorted(DOCS.rglob("*.md"))]


def name(page: Path) -> str:
    """What a page is called in tests: its path in the project."""
    return page.relative_to(ROOT).as_posix()
