"""The page as a file: what may stand in it, what lets it run, and colours that can be read."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest

from landrun_ops.cli.report import summary
from landrun_ops.web.facts import facts
from landrun_ops.web.page import Report, render
from records import record

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script><!-- $data ${data} & \u2028 \u202e"


def report(*rows: dict[str, Any], more: bool = False) -> Report:
    return Report(
        stack="<b>landrun",
        region="eu-west-1",
        laptop=False,
        made_at=NOW,
        since=NOW - timedelta(days=30),
        more=more,
        runs=[facts(record({"name": "landrun-1"} | row), laptop=False) for row in rows],
    )


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
        self._inside = tag == "script"
        if self._inside:
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data


def test_texts_from_outside_stay_in_the_data_and_come_out_of_it_as_they_were() -> None:
    landed = {"Kind": "object-created", "Key": HOSTILE}
    hostile = report({"trigger": landed, "status": "FAILED", "exit_message": HOSTILE})
    plain, found = (Scripts(render(one, "library")) for one in (report({}), hostile))

    data = json.loads(gzip.decompress(b64decode(found.found[0])))
    shown = HOSTILE.replace("\u2028", r"\u2028").replace("\u202e", r"\u202e")
    assert (len(found.found), found.tags) == (3, plain.tags)
    assert data == hostile.model_dump(mode="json", exclude_none=True)
    assert (data["runs"][0]["what"], data["runs"][0]["cause"]) == (shown, shown)


def test_the_policy_allows_the_scripts_and_styles_that_are_there_and_nothing_else() -> None:
    page = render(report({}), "window.library = 1;")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    style = page[page.index("<style>") + 7 : page.index("</style>")]

    assert policy is not None
    directives = dict(one.strip().split(" ", 1) for one in policy[1].split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == " ".join(map(hashed, Scripts(page).found[1:]))
    assert directives["style-src"] == hashed(style)
    assert not re.search(r"https?://(?!vega\.github\.io/schema)", page)


def hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize(
    ("statuses", "more", "said"),
    [
        (["SUCCEEDED", "FAILED", "SUCCEEDED"], False, "3 runs: 2 succeeded, 1 failed"),
        (["TIMED_OUT"], True, "1 run: 1 timed out; older ones were left out, --limit takes more"),
        ([], False, "no runs"),
    ],
)
def test_a_report_is_summed_up_in_a_line(statuses: list[str], more: bool, said: str) -> None:
    assert summary(report(*({"status": one} for one in statuses), more=more)) == said


STYLE = (files("landrun_ops.web") / "page" / "style.css").read_text(encoding="utf-8")
SIGNS = (
    *("succeeded", "failed", "timed-out", "aborted", "running", "other", "in", "duplicates"),
    *("empty", "rejected", "p50", "p90", "p99", "edge"),
)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("block", [0, 1], ids=["light", "dark"])
def test_texts_can_be_read_and_bars_and_borders_be_seen(block: int) -> None:
    """WCAG 2.2: contrast (minimum), and non-text contrast."""
    rules = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[block]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", rules))

    for text in ("ink", "muted", "accent"):
        for ground in ("ground", "card", "field"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["accent-ink"], colours["accent"]) >= 4.5
    for sign in SIGNS:
        assert contrast(colours[sign], colours["card"]) >= 3, sign
