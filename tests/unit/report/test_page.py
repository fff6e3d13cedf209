"""The page as a file: what it reads in runs' rows, what may stand in it, and what lets it run."""

import gzip
import json
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from landrun_ops.web.facts import facts
from landrun_ops.web.page import Report, render
from records import record

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script><!-- $data ${data} & \u202e"


def test_texts_from_outside_are_in_the_data_only_and_only_the_pages_own_scripts_may_run():
    landed = {"Kind": "object-created", "Key": HOSTILE}
    about = {"stack": "<b>", "region": "eu-west-1", "laptop": False, "made_at": NOW, "since": NOW}
    run = of(trigger=landed, status="FAILED", exit_message=HOSTILE)
    report = Report(**about, runs=[run])
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


def hashed(text):
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def of(**row):
    return facts(record(row), laptop=False)


def test_the_size_of_a_tick_is_known_if_all_of_its_files_are_listed():
    tick = {"Kind": "schedule", "ScheduledTime": "t", "Part": 2}
    found = of(trigger=tick, summary={"files": [{"bytes": 30}, {"bytes": 12}]})
    assert (found.bytes_in, found.files, found.what) == (42, 2, "tick of t, part 2")
    found = of(trigger=tick, summary={"files": [{"bytes": 30}], "files_omitted": 4})
    assert (found.bytes_in, found.files) == (None, 5)


@pytest.mark.parametrize("wrong", [True, -1, float("nan"), [], "\ud800"])
def test_hostile_values_count_as_unknown(wrong):
    found = of(
        summary={"rows_in": wrong, "files": wrong, "files_omitted": wrong},
        trigger={"Kind": "object-created", "Key": wrong, "Size": wrong},
    )

    assert (found.rows_in, found.bytes_in, found.files) == (None, None, None)
