"""The live page in a browser, of a laptop's stack whose runs wait, work, fail and are run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from landrun_ops.local import LocalAws

from .pages import go, text, texts, until

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<img src=x onerror='window.hacked = true'>\u202e.csv"
ROWS = b"id,sender,text\n1,mira,hello\n2,mira,hello\n3,ben,\n"
PICTURES = os.environ.get("LANDRUN_PICTURES", "")


@dataclass(frozen=True)
class Laptop:
    """A laptop's stack whose jobs begin to work when `let_jobs_work` is called."""

    aws: LocalAws
    address: str
    go_ahead: Path
    state: Path

    def land(self, **objects: bytes) -> None:
        for key, body in objects.items():
            self.aws.client("s3").put_object(
                Bucket=self.aws.outputs["LandingBucket"], Key=f"incoming/{key}", Body=body
            )

    def let_jobs_work(self) -> None:
        self.go_ahead.touch()

    def landrun(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "landrun_ops", *arguments, "--state-dir", self.state]
        subprocess.run(command, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    folder = tmp_path_factory.mktemp("laptop")
    job, go_ahead, state = folder / "job.sh", folder / "go", folder / "state"
    job.write_text(
        f"while [ ! -e {go_ahead} ]; do sleep 0.1; done\n"
        f'exec {sys.executable} {ROOT}/src/processing/preprocess.py "$@"\n'
    )
    entrypoint = f"JobEntrypoint={json.dumps(['/bin/sh', str(job)])}"
    command = [sys.executable, "-m", "landrun_ops", "local", "up", "--state-dir", state]
    command += ["--parameter", "MaxConcurrentRuns=1", "--parameter", entrypoint]
    up = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert up.stdout
    try:
        assert up.stdout.readline().startswith("ready at ")
        address = up.stdout.readline().removeprefix("live page: ").strip()
        yield Laptop(LocalAws.attach(state), address, go_ahead, state)
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)
        up.stdout.close()


@pytest.fixture
def watched(laptop: Laptop, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """``watched(dark=True)`` is the live page in a browser."""

    def open_(at: str = "", **how: bool) -> Page:
        page = new_page(**how)
        go(page, laptop.address + at)
        return page

    return open_


def statuses(page: Page) -> list[str]:
    return sorted(texts(page, "#runs tbody td.state"))


def until_statuses(page: Page, *expected: str) -> None:
    script = "[...document.querySelectorAll('#runs tbody td.state')].map((e) => e.textContent)"
    until(page, f"JSON.stringify({script}.sort()) === {js(sorted(expected))}", 90)


def js(value: Any) -> str:
    """Spell a value's JSON, as JSON.stringify does, as a text of JavaScript."""
    return json.dumps(json.dumps(value, separators=(",", ":")))


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def test_runs_appear_wait_work_fail_and_are_run_again_while_one_looks(
    laptop: Laptop, watched: Callable[..., Page], complaints: list[str]
) -> None:
    page = watched()
    assert "No run since" in text(page, "#nothing")

    laptop.land(**{"a.csv": ROWS, "b.csv": ROWS, HOSTILE: ROWS, "bad.parquet": b"no Parquet"})
    waits = "waiting for a slot"
    until_statuses(page, waits, waits, waits, "running")
    assert page.evaluate("document.getElementById('now').innerText").count("3 runs waiting") == 1

    laptop.let_jobs_work()
    until_statuses(page, "succeeded", "succeeded", "succeeded", "failed")
    assert "not a Parquet file" in text(page, "#failures tbody")

    laptop.landrun("rerun", "--failed", "--yes")
    until_statuses(page, "succeeded", "succeeded", "succeeded", "failed", "failed")
    page.locator("#runs tbody tr", has_text="rerun of incoming/bad.parquet").locator(
        ".link"
    ).click()
    assert page.locator("#run dt", has_text="Rerun of").count() == 1
    page.locator("#run dd .link").first.click()
    until(page, "document.getElementById('run').textContent.includes('End of the log')")
    assert "object landed: incoming/bad.parquet" in text(page, "#run")
    assert complaints == []


def test_a_run_is_shown_as_landrun_show_has_it_and_can_be_linked(
    laptop: Laptop, watched: Callable[..., Page], complaints: list[str]
) -> None:
    page = watched("#status=FAILED")
    page.click("#failures tbody .link")
    page.wait_for_selector("#run pre")
    name = text(page, "#run-title")

    said = page.evaluate("document.getElementById('run').innerText")
    again = watched(page.evaluate("location.hash"))

    assert text(again, "#run-title") == name
    for part in ("attempt 1: failed", "manifests/landrun-", f"landrun rerun {name}"):
        assert part in said, said
    assert complaints == []


def test_hostile_keys_are_shown_as_text_and_run_nothing(
    watched: Callable[..., Page], complaints: list[str]
) -> None:
    page = watched("#find=onerror")
    page.wait_for_selector("#runs tbody .link")
    page.click("#runs tbody .link")
    page.wait_for_selector("#run pre")

    assert "<img src=x onerror='window.hacked = true'>" in text(page, "#run")
    assert "Output" in texts(page, "#run h3")
    assert not page.evaluate("'hacked' in window")
    assert page.evaluate("document.images.length") == 0
    assert complaints == []


def test_dead_letters_are_counted_and_their_reasons_shown_as_text(
    laptop: Laptop, watched: Callable[..., Page], complaints: list[str]
) -> None:
    reason = {"DataType": "String", "StringValue": "<script>window.hacked = true</script>"}
    laptop.aws.client("sqs").send_message(
        QueueUrl=laptop.aws.outputs["LandingDeadLetterQueueUrl"],
        MessageBody='{"detail": {"object": {"key": "incoming/c.csv"}}}',
        MessageAttributes={"Reason": reason},
    )
    page = watched()
    page.click("#now .link")
    page.wait_for_selector("#dead-letters tbody tr")

    assert texts(page, "#dead-letters tbody td") == [
        *("landings", "1", "incoming/c.csv", "<script>window.hacked = true</script>")
    ]
    assert not page.evaluate("'hacked' in window")
    assert complaints == []


@pytest.mark.parametrize(
    ("name", "how"),
    [("light", {}), ("dark", {"dark": True}), ("phone", {"phone": True})],
    ids=["light", "dark", "phone"],
)
def test_the_page_fits_the_window_and_complains_of_nothing(
    watched: Callable[..., Page], complaints: list[str], name: str, how: dict[str, bool]
) -> None:
    page = watched(**how)
    until(page, "document.body.dataset.busy === 'no'")
    picture(page, "live-page" if name == "light" else f"live-page-{name}")
    page.click("#runs tbody .link")
    page.wait_for_selector("#run pre")
    picture(page, f"live-run-{name}")

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert complaints == []


def test_a_page_of_another_origin_reads_nothing(
    laptop: Laptop, watched: Callable[..., Page], new_page: Callable[..., Page]
) -> None:
    page = new_page()
    page.route("http://example.test/", lambda route: route.fulfill(body="a page"))
    page.goto("http://example.test/")

    script = f"fetch({json.dumps(laptop.address)}).then((it) => it.text(), () => 'refused')"
    assert page.evaluate(script) == "refused"


def test_a_server_that_is_gone_is_a_note_on_the_page(watched: Callable[..., Page]) -> None:
    page = watched()
    page.context.set_offline(True)

    until(page, "document.getElementById('notes').textContent.includes('does not answer')")
    assert page.locator("#runs tbody tr").count() > 0
    page.context.set_offline(False)
    until(page, "document.getElementById('notes').hidden")
