"""The page as a file: what may stand in it, and what lets it run."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.web.ignored import Ignored
from landrun_ops.web.page import about, checked, render
from landrun_ops.web.reading import Report, read
from records import record

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script><!-- {{data}} {run} & \u2028 \u202e"


def report(*rows: dict[str, Any], more: bool = False) -> Report:
    runs, _ = read(map(record, rows), 10)
    return Report("landrun", "eu-west-1", NOW, NOW - timedelta(days=30), runs, more, Ignored())


def row(name: str = "landrun-1", **more: Any) -> dict[str, Any]:
    return {"name": name, "started_at": "2026-11-22T17:00:00Z", "status": "SUCCEEDED"} | more


class Scripts(HTMLParser):
    """The scripts of a page, and how many elements it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags = 0
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags += 1
        if tag == "script":
            self._inside = True
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data


def test_texts_from_outside_stay_in_the_data_and_come_out_of_it_as_they_were() -> None:
    texts = {"exit_message": HOSTILE, "output_processed_message": HOSTILE}
    landed = {"Kind": "object-created", "Key": HOSTILE}
    hostile = report(row(trigger=landed, status="FAILED", **texts))
    plain, found = (Scripts(render(one, "library")) for one in (report(row()), hostile))

    data = json.loads(found.found[0])
    shown = HOSTILE.replace("\u2028", r"\u2028").replace("\u202e", r"\u202e")
    assert (len(found.found), found.tags) == (3, plain.tags)
    assert data["columns"]["what"] == [shown]
    assert data["tables"]["cause"] == [shown.replace(r" \u2028", "")]


def test_the_policy_allows_the_scripts_and_styles_that_are_there_and_nothing_else() -> None:
    page = render(report(row()), "window.library = 1;")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    style = page[page.index("<style>") + 7 : page.index("</style>")]

    assert policy is not None
    directives = dict(one.strip().split(" ", 1) for one in policy[1].split(";"))
    scripts = Scripts(page).found[1:]
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == " ".join(map(hashed, scripts))
    assert directives["style-src"] == hashed(style)
    assert not re.search(r"https?://(?!vega\.github\.io/schema|us-east-1\.console\.aws)", page)


def test_a_library_that_would_end_its_own_script_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="cannot be put into a page"):
        checked("const end = '</script>';")


def test_a_fact_that_recurs_is_in_the_page_once() -> None:
    name = "landrun-55ea21e7b46057f4a32078eff858d2a{}"
    names = [name.format(digit) for digit in "012"]
    rows = [row(one, output_processed_message=f"s3://b/{one}/") for one in names]

    data = json.loads(Scripts(render(report(*rows), "")).found[0])

    assert data["tables"]["output"] == ["s3://b/{run}/"]
    assert data["columns"]["output"] == [0, 0, 0]


def test_the_page_says_what_it_is_about_and_what_it_leaves_out() -> None:
    span = "2026-10-23 18:00 to 2026-11-22 18:00 UTC, in eu-west-1."

    assert about(report()) == "No run since 2026-10-23 18:00 UTC, in eu-west-1."
    assert about(report(row())) == f"1 run from {span}"
    assert about(report(row(), row("landrun-2"))) == f"2 runs from {span}"
    assert about(report(row(), more=True)).endswith("--limit takes older ones in, too.")


def hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
