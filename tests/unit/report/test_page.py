"""The page as a file: what may stand in it, what lets it run, and colours that can be read."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files

import pytest

from landrun_ops.web.facts import facts
from landrun_ops.web.page import Report, render
from records import record

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script><!-- $data ${data} & \u202e"


def test_texts_from_outside_are_in_the_data_only_and_only_the_pages_own_scripts_may_run() -> None:
    landed = {"Kind": "object-created", "Key": HOSTILE}
    run = record({"trigger": landed, "status": "FAILED", "exit_message": HOSTILE})
    report = Report(
        stack="<b>",
        region="eu-west-1",
        laptop=False,
        made_at=NOW,
        since=NOW,
        runs=[facts(run, laptop=False)],
    )
    page = render(report, "window.library = 1;")
    data, library, script = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    policy = str(re.findall(r'Content-Security-Policy" content="([^"]+)"', page)[0])
    style = page[page.index("<style>") + 7 : page.index("</style>")]
    allowed = dict(one.strip().split(" ", 1) for one in policy.split(";"))
    found = json.loads(gzip.decompress(b64decode(data)))

    assert found == report.model_dump(mode="json", exclude_none=True)
    assert found["runs"][0]["what"] == HOSTILE.replace("\u202e", r"\u202e")
    assert "alert(1)" not in page
    assert "<b>" not in page
    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"] == f"{hashed(library)} {hashed(script)}"
    assert allowed["style-src"] == hashed(style)
    assert not re.search(r"https?://(?!vega\.github\.io/schema)", page)


def hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("block", [0, 1], ids=["light", "dark"])
def test_texts_can_be_read_and_bars_be_seen(block: int) -> None:
    """WCAG 2.2: contrast (minimum), and non-text contrast."""
    style = (files("landrun_ops.web") / "page" / "style.css").read_text(encoding="utf-8")
    rules = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[block]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", rules))
    pairs = {(text, on): 4.5 for text in ("ink", "muted") for on in ("ground", "card", "field")}
    pairs |= {("accent", "card"): 4.5, ("accent-ink", "accent"): 4.5, ("edge", "card"): 3}
    signs = "succeeded failed timed-out aborted running other in duplicates empty rejected p90 p99"
    pairs |= {(sign, "card"): 3 for sign in signs.split()}

    for (one, other), least in pairs.items():
        dark, light = sorted((luminance(colours[one]), luminance(colours[other])))
        assert (light + 0.05) / (dark + 0.05) >= least, (one, other)
