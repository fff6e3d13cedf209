"""What pages say of the code: held by the code. Quick; running their commands is `make docs`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from emitted_metrics import emitted_metrics
from landrun.adapters.landings_table import LandingsTable
from landrun.models.landing import Landing
from landrun.models.run import ManualTrigger
from landrun.models.run_record import RunRecord

from . import blocks, commands, made, template
from .project import ALARMS, DOCS, README, ROOT, name, pages

LANGUAGES = {"sh", "console", "text", "json"}


def table(page: Path, head: str) -> list[str]:
    """Give the first column of the tables of a page whose head begins so, name by name."""
    text = page.read_text(encoding="utf-8")
    found = []
    for one in re.findall(rf"^\| {head} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE):
        for line in one.splitlines():
            found += re.findall(r"`([^`]+)`", line.split("|")[1])
    return found


def test_made_parts_are_as_they_would_be_made() -> None:
    assert [name(page) for page in made.stale()] == [], "make docs WRITE=1 makes them anew"


def test_every_alarm_has_its_page_and_every_page_its_alarm() -> None:
    assert {page.stem for page in ALARMS.glob("[!i]*.md")} == set(template.alarms())


@pytest.mark.parametrize("alarm", sorted(template.alarms()))
def test_an_alarms_page_says_what_it_means_and_what_to_type(alarm: str) -> None:
    text = (ALARMS / f"{alarm}.md").read_text(encoding="utf-8")
    means, types = text.index("\n## What it means\n"), text.index("\n## What to type\n")
    assert text.startswith(f"# {alarm}\n")
    assert means < types
    typed = [one.text for one in blocks.blocks(text[types:]) if one.language == "sh"]
    assert any("landrun " in one for one in typed)
    assert f"({alarm}.md)" in (ALARMS / "index.md").read_text(encoding="utf-8")


def test_every_page_is_in_the_navigation_once() -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = list(_leaves(settings["nav"]))
    assert sorted(listed) == [
        page.relative_to(DOCS).as_posix() for page in sorted(DOCS.rglob("*.md"))
    ]


def _leaves(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _leaves(one)


def test_links_and_pictures_of_the_readme_lead_somewhere() -> None:
    text = README.read_text(encoding="utf-8")
    found = re.findall(r"\]\(([^)]+)\)|(?:src|srcset|href)=\"([^\"]+)\"", text)
    links = {one or other for one, other in found}
    inside = {link.partition("#")[0] for link in links if "://" not in link} - {""}
    assert [link for link in sorted(inside) if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", pages(), ids=name)
def test_what_is_not_run_says_why(page: Path) -> None:
    skipped = [block for block in blocks.commands(page) if block.not_run is not None]
    assert all(len((block.not_run or "").split()) > 2 for block in skipped)


@pytest.mark.parametrize("page", pages(), ids=name)
def test_blocks_are_of_languages_that_say_whether_they_are_run(page: Path) -> None:
    found = blocks.blocks(page.read_text(encoding="utf-8"))
    if "decisions" not in page.parts:
        assert {block.language for block in found} <= LANGUAGES


@pytest.mark.parametrize("page", pages(), ids=name)
def test_pages_name_no_command_and_no_option_that_is_not_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = commands.options()
    wrong = [
        typed
        for typed in _typed(text)
        if (path := _path(typed, known)) is None
        or {*re.findall(r"(?<=\s)--[a-z][a-z-]+", typed)} - known[path]
    ]
    assert wrong == []


def _typed(text: str) -> Iterator[str]:
    """Give what pages have a reader type after ``landrun``, a command each."""
    inline = re.findall(
        r"(?<!`)`(?:\.venv/bin/)?landrun ([a-z][^`]*)`",
        re.sub(r"```.*?```", "", text, flags=re.DOTALL),
    )
    in_blocks = [
        line.partition("#")[0]
        for block in blocks.blocks(text)
        if block.language in ("sh", "console")
        for line in re.findall(r"(?:^|[\s/(])landrun ([a-z].*)", block.text)
    ]
    for one in [*inline, *in_blocks]:
        yield re.split(r"[|;>)]|&&", one)[0]


def _path(typed: str, known: dict[str, set[str]]) -> str | None:
    words = typed.split()
    for count in (2, 1):
        if (path := " ".join(["landrun", *words[:count]])) in known:
            return path
    return None


def test_every_command_is_in_the_table_of_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    missing = [path for path in commands.options() if not _named(path, text)]
    assert missing == []


def _named(path: str, text: str) -> bool:
    """Whether a command, or the group with its own word beside it, is in a row of a table."""
    *group, last = path.split()
    return any(
        f"`{' '.join(group)}" in line and re.search(rf"\b{last}\b", line)
        for line in text.splitlines()
        if line.startswith("|")
    )


def test_metrics_are_those_that_the_functions_count() -> None:
    listed = table(DOCS / "reference/metrics.md", "metric")
    assert sorted(listed) == sorted({name for name, _ in emitted_metrics()})


def test_attributes_of_the_runs_table_are_those_of_records() -> None:
    listed = table(DOCS / "reference/runs-table.md", "attribute")
    assert sorted(listed) == sorted(RunRecord.model_fields)


def test_attributes_of_the_landings_table_are_those_that_are_written() -> None:
    written: set[str] = set()

    class Table:
        def update_item(self, **asked: Any) -> dict[str, Any]:
            written.update(asked["ExpressionAttributeNames"].values())
            landed = {"bucket": "b", "key": "k", "sequencer": "1", "event_time": "t"}
            return {"Attributes": {name: {"S": value} for name, value in landed.items()}}

    landing = Landing("b", "k", "v", "01", 1, "2026-11-22T08:15:30Z")
    landings = LandingsTable(Table(), "landings", lambda: datetime(2026, 11, 22, tzinfo=UTC))
    landings.record(landing)
    landings.claim("id", "landrun-1", ManualTrigger(StartedBy="me"))
    landings.mark_processed("landrun-1", landing)
    listed = table(DOCS / "reference/landings-table.md", "attribute")
    assert sorted(listed) == sorted({*written, "id"})


def test_the_costs_say_how_many_metrics_alarms_read() -> None:
    read = sum(len(template.metrics_of(about)) for about in template.alarms().values())
    text = (DOCS / "costs.md").read_text(encoding="utf-8")
    assert f"landrun's {len(template.alarms())} alarms read {read}" in " ".join(text.split())
    assert f"| CloudWatch: metrics that alarms read | {read / 10:.2f} |" in text
