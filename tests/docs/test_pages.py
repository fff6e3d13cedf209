"""What pages say of the code: held by the code. Quick; running their commands is `make docs`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import yaml

from emitted_metrics import emitted_metrics
from landrun.adapters.landings_table import LandingsTable
from landrun.models.landing import Landing
from landrun.models.run import ManualTrigger
from landrun.models.run_record import RunRecord

from .made import ALARMS, leaves, metrics_of, stale
from .pages import DOCS, PAGES, README, ROOT, blocks, name

LANGUAGES = {"sh", "console", "text", "json"}
OPTIONS = {
    context.command_path: {option for one in command.params for option in one.opts}
    for command, context in leaves()
}


def text_of(page):
    return page.read_text(encoding="utf-8")


def test_made_parts_are_as_they_would_be_made():
    assert [name(page) for page in stale()] == [], "make docs WRITE=1 makes them anew"


def test_every_alarm_has_its_page_and_every_page_its_alarm():
    assert {page.stem for page in (DOCS / "alarms").glob("[!i]*.md")} == set(ALARMS)


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarms_page_says_what_it_means_and_what_to_type(alarm):
    text = text_of(DOCS / f"alarms/{alarm}.md")
    assert text.startswith(f"# {alarm}\n")
    _, _, types = text.partition("\n## What it means\n")[2].partition("\n## What to type\n")
    assert any("landrun " in one.text for one in blocks(types) if one.language == "sh")
    assert f"({alarm}.md)" in text_of(DOCS / "alarms/index.md")


def test_every_page_is_in_the_navigation_once():
    navigation = yaml.safe_load(text_of(ROOT / "mkdocs.yml"))["nav"]
    listed = re.findall(r"[\w/-]+\.md", str(navigation))
    assert sorted(listed) == [page.relative_to(DOCS).as_posix() for page in PAGES[1:]]


def test_links_and_pictures_of_the_readme_lead_somewhere():
    found = re.findall(r"\]\(([^)]+)\)|(?:src|srcset|href)=\"([^\"]+)\"", text_of(README))
    links = {(one or other).partition("#")[0] for one, other in found} - {""}
    inside = [link for link in sorted(links) if "://" not in link]
    assert [link for link in inside if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_are_of_known_languages_and_say_why_they_are_not_run(page):
    found = blocks(text_of(page))
    if "decisions" not in page.parts:
        assert {block.language for block in found} <= LANGUAGES
    assert all(len(block.what.split()) > 2 for block in found if block.how == "not run")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pages_name_no_command_and_no_option_that_is_not_there(page):
    for typed in _typed(text_of(page)):
        words = typed.split()
        paths = [" ".join(["landrun", *words[:count]]) for count in (2, 1)]
        path = next((path for path in paths if path in OPTIONS), None)
        assert path, typed
        assert {*re.findall(r"(?<=\s)--[a-z][a-z-]+", typed)} <= OPTIONS[path], typed


def _typed(text):
    """Give what pages have a reader type after ``landrun``, a command each."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    found = re.findall(r"(?<!`)`(?:\.venv/bin/)?landrun ([a-z][^`]*)`", prose)
    for block in blocks(text):
        if block.language in ("sh", "console"):
            lines = re.findall(r"(?:^|[\s/(])landrun ([a-z].*)", block.text)
            found += [line.partition("#")[0] for line in lines]
    for one in found:
        yield re.split(r"[|;>)]|&&", one)[0]


def test_every_command_is_in_the_table_of_the_readme():
    rows = [line for line in text_of(README).splitlines() if line.startswith("|")]
    for path in OPTIONS:
        *group, last = path.split()
        begins = f"`{' '.join(group)}"
        assert any(begins in row and re.search(rf"\b{last}\b", row) for row in rows), path


def listed(page, head):
    """Give the names in the first column of the tables of a page whose head begins so."""
    found = re.findall(rf"^\| {head} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text_of(DOCS / page), re.M)
    lines = "".join(found).splitlines()
    return sorted(name for line in lines for name in re.findall("`([^`]+)`", line.split("|")[1]))


def test_metrics_are_those_that_the_functions_count():
    emitted = sorted({metric for metric, _ in emitted_metrics()})
    assert listed("reference/metrics.md", "metric") == emitted


def test_attributes_of_the_runs_table_are_those_of_records():
    assert listed("reference/runs-table.md", "attribute") == sorted(RunRecord.model_fields)


def test_attributes_of_the_landings_table_are_those_that_are_written():
    written = {"id"}

    class Table:
        def update_item(self, **asked):
            written.update(asked["ExpressionAttributeNames"].values())
            landed = {"bucket": "b", "key": "k", "sequencer": "1", "event_time": "t"}
            return {"Attributes": {name: {"S": value} for name, value in landed.items()}}

    landing = Landing("b", "k", "v", "01", 1, "2026-11-22T08:15:30Z")
    landings = LandingsTable(Table(), "landings", lambda: datetime(2026, 11, 22, tzinfo=UTC))
    landings.record(landing)
    landings.claim("id", "landrun-1", ManualTrigger(StartedBy="me"))
    landings.mark_processed("landrun-1", landing)
    assert listed("reference/landings-table.md", "attribute") == sorted(written)


def test_the_costs_say_how_many_metrics_alarms_read():
    read = sum(len(metrics_of(about)) for about in ALARMS.values())
    text = text_of(DOCS / "costs.md")
    assert f"landrun's {len(ALARMS)} alarms read {read}" in " ".join(text.split())
    assert f"| CloudWatch: metrics that alarms read | {read / 10:.2f} |" in text
