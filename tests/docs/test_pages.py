"""What pages say of the code: held by the code. Quick; running their commands is `make docs`."""

import re

import pytest
import yaml

from emitted_metrics import emitted_metrics
from landrun.models.run_record import RunRecord

from .made import ALARMS, leaves, metrics_of, stale
from .pages import DOCS, PAGES, README, ROOT, TEXTS, blocks, name

OPTIONS = {
    context.command_path: {option for one in command.params for option in one.opts}
    for command, context in leaves()
}


def test_made_parts_are_as_they_would_be_made():
    assert [name(page) for page in stale()] == [], "make docs WRITE=1 makes them anew"


@pytest.mark.parametrize("alarm", ALARMS)
def test_every_alarm_has_a_page_that_says_what_to_type(alarm):
    typed = [one["text"] for one in blocks(DOCS / f"alarms/{alarm}.md") if one["language"] == "sh"]
    assert any("landrun " in text for text in typed)
    assert f"({alarm}.md)" in TEXTS[DOCS / "alarms/index.md"]


def test_every_page_is_in_the_navigation_once():
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    listed = re.findall(r"[\w/-]+\.md", str(navigation))
    assert sorted(listed) == [page.relative_to(DOCS).as_posix() for page in PAGES[1:]]


def test_links_and_pictures_of_the_readme_lead_somewhere():
    found = re.findall(r"\]\(([^)]+)\)|(?:src|srcset|href)=\"([^\"]+)\"", TEXTS[README])
    links = {(one or other).partition("#")[0] for one, other in found} - {""}
    inside = [link for link in sorted(links) if "://" not in link]
    assert [link for link in inside if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pages_name_no_command_and_no_option_that_is_not_there(page):
    for typed in _typed(page):
        words = typed.split()
        paths = [" ".join(["landrun", *words[:count]]) for count in (2, 1)]
        path = next((path for path in paths if path in OPTIONS), None)
        assert path, typed
        assert {*re.findall(r"(?<=\s)--[a-z][a-z-]+", typed)} <= OPTIONS[path], typed


def _typed(page):
    """Give what a page has a reader type after ``landrun``, a command each."""
    prose = re.sub(r"```.*?```", "", TEXTS[page], flags=re.DOTALL)
    found = re.findall(r"(?<!`)`(?:\.venv/bin/)?landrun ([a-z][^`]*)`", prose)
    for block in blocks(page):
        if block["language"] in ("sh", "console"):
            lines = re.findall(r"(?:^|[\s/(])landrun ([a-z].*)", block["text"])
            found += [line.partition("#")[0] for line in lines]
    return [re.split(r"[|;>)]|&&", one)[0] for one in found]


def test_every_command_is_in_the_table_of_the_readme():
    rows = [line for line in TEXTS[README].splitlines() if line.startswith("|")]
    for path in OPTIONS:
        *group, last = path.split()
        begins = f"`{' '.join(group)}"
        assert any(begins in row and re.search(rf"\b{last}\b", row) for row in rows), path


@pytest.mark.parametrize(
    ("page", "head", "names"),
    [
        ("metrics", "metric", {metric for metric, _ in emitted_metrics()}),
        ("runs-table", "attribute", RunRecord.model_fields),
    ],
)
def test_tables_of_the_reference_list_what_the_functions_write(page, head, names):
    text = TEXTS[DOCS / f"reference/{page}.md"]
    found = re.findall(rf"^\| {head} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    firsts = [line.split("|")[1] for line in "".join(found).splitlines()]
    assert sorted(re.findall("`([^`]+)`", "".join(firsts))) == sorted(names)


def test_the_costs_say_how_many_metrics_alarms_read():
    read = sum(len(metrics_of(about)) for about in ALARMS.values())
    text = TEXTS[DOCS / "costs.md"]
    assert f"landrun's {len(ALARMS)} alarms read {read}" in " ".join(text.split())
    assert f"| CloudWatch: metrics that alarms read | {read / 10:.2f} |" in text
