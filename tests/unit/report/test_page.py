"""The page as a file: what may stand in it, what lets it run, and colours that can be read."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256

from landrun_ops.web.facts import facts
from landrun_ops.web.page import Report, render
from records import record

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script><!-- $data ${data} & \u202e"


def test_texts_from_outside_are_in_the_data_only_and_only_the_pages_own_scripts_may_run():
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


def hashed(text):
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
