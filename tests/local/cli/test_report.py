"""`landrun report`: as a process, about a run, and about what started none."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.local import LocalAws

from .process import environment, landrun

KEY = "incoming/to report/</script>é+1.csv"


@pytest.fixture(scope="module")
def report(aws: LocalAws) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``report("--json")`` is what ``landrun report --json`` did in a folder of its own."""
    env = environment(aws, LANDRUN_STACK="", LANDRUN_STATE_DIR=str(Path(aws.logs).parent))

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return landrun(env, "report", *arguments, cwd=folder)

    return run


def test_a_report_has_the_runs_and_what_was_ignored_as_a_page_and_as_json(
    aws: LocalAws,
    report: Callable[..., subprocess.CompletedProcess[str]],
    eventually: Callable[..., Any],
    tmp_path: Path,
) -> None:
    s3, bucket = aws.client("s3"), aws.outputs["LandingBucket"]
    s3.put_object(Bucket=bucket, Key="incoming/to report/empty.csv", Body=b"")
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"id,sender,text\n1,mira,hello\n2,mira,\n")
    table = aws.outputs["RunsTable"]

    def recorded() -> bool:
        items = aws.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
        ours = [one for one in items if _key(one) == KEY]
        return bool(ours) and ours[0]["status"]["S"] == "SUCCEEDED"

    eventually(recorded)
    page = report(tmp_path, "--since", "1h")
    data = report(tmp_path, "--since", "1h", "--json", "--out", "other.html")

    found = json.loads(data.stdout)
    [run] = [one for one in found["runs"] if one["what"] == KEY]
    written = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (page.returncode, data.returncode) == (0, 0), page.stderr + data.stderr
    assert "wrote report.html" in page.stdout
    assert page.stderr == data.stderr == ""
    assert (run["rows_in"], run["rows_out"], run["empty"]) == (2, 1, 1)
    assert run["waited"] + run["worked"] <= run["seconds"]
    assert run["pages"] == {}
    assert "zero-bytes" in {one["reason"] for one in found["ignored"]["counts"]}
    assert run["name"] in written
    assert KEY not in written
    assert r"\u003c/script\u003eé+1.csv" in written
    assert (tmp_path / "other.html").stat().st_size > 500_000


def test_a_file_that_cannot_be_is_said_in_a_line_before_anything_is_read(
    report: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = report(tmp_path, "--out", "no/such/folder/report.html")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "landrun: there is no folder no/such/folder: make it, or name another file\n"
    )


def test_open_shows_the_file_in_the_browser(aws: LocalAws, tmp_path: Path) -> None:
    browser = tmp_path / "browser.sh"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    env = environment(
        aws, LANDRUN_STACK="", LANDRUN_STATE_DIR=str(Path(aws.logs).parent), BROWSER=str(browser)
    )

    done = landrun(env, "report", "--open", "--since", "1h", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "opened").read_text().strip() == (tmp_path / "report.html").as_uri()


def _key(item: dict[str, Any]) -> str | None:
    """The landed key that a run is of; runs of other tests may have been started otherwise."""
    trigger = item.get("trigger", {}).get("M", {})
    return trigger.get("Key", {}).get("S")
