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

import pytest
from playwright.sync_api import Page, expect

from landrun_ops.local import LocalAws

from .pages import go, texts, until

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<img src=x onerror='window.hacked = true'>\u202e.csv"
ROWS = b"id,sender,text\n1,mira,hello\n2,mira,hello\n3,ben,\n"
PICTURES = os.environ.get("LANDRUN_PICTURES", "")


@dataclass(frozen=True)
class Laptop:
    """A laptop's stack with one slot, whose jobs begin to work when ``go_ahead`` is there."""

    aws: LocalAws
    address: str
    go_ahead: Path
    state: Path

    def land(self, **objects: bytes) -> None:
        for key, body in objects.items():
            self.aws.client("s3").put_object(
                Bucket=self.aws.outputs["LandingBucket"], Key=f"incoming/{key}", Body=body
            )

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
    """``watched("#status=FAILED", dark=True)`` is the live page in a browser."""

    def open_(at: str = "", **how: bool) -> Page:
        page = new_page(**how)
        go(page, laptop.address + at)
        return page

    return open_


def until_statuses(page: Page, *expected: str) -> None:
    script = "[...document.querySelectorAll('#runs tbody td.state')].map((e) => e.textContent)"
    until(page, f"{script}.sort().join() === {json.dumps(','.join(sorted(expected)))}", 90)


def test_runs_appear_wait_work_fail_and_are_run_again_while_one_looks(
    laptop: Laptop, watched: Callable[..., Page], complaints: list[str]
) -> None:
    page = watched()
    expect(page.locator("#nothing")).to_contain_text("No run since")

    laptop.land(**{"a.csv": ROWS, "b.csv": ROWS, HOSTILE: ROWS, "bad.parquet": b"no Parquet"})
    until_statuses(page, *["waiting for a slot"] * 3, "running")
    expect(page.locator("#now")).to_contain_text("3 runs waiting")

    laptop.go_ahead.touch()
    until_statuses(page, *["succeeded"] * 3, "failed")
    expect(page.locator("#failures tbody")).to_contain_text("not a Parquet file")

    laptop.landrun("rerun", "--failed", "--yes")
    until_statuses(page, *["succeeded"] * 3, *["failed"] * 2)
    rerun = page.locator("#runs tbody tr", has_text="rerun of incoming/bad.parquet")
    rerun.locator(".link").click()
    expect(page.locator("#run dt", has_text="Rerun of")).to_have_count(1)
    page.locator("#run dd .link").first.click()
    expect(page.locator("#run")).to_contain_text("End of the log", timeout=30_000)
    expect(page.locator("#run")).to_contain_text("object landed: incoming/bad.parquet")
    assert complaints == []


def test_a_run_is_shown_as_landrun_show_has_it_and_can_be_linked(
    laptop: Laptop, watched: Callable[..., Page], complaints: list[str]
) -> None:
    page = watched("#status=FAILED")
    page.locator("#failures tbody .link").first.click()
    page.wait_for_selector("#run pre")
    name = str(page.locator("#run-title").text_content())
    for part in ("attempt 1: failed", "manifests/landrun-", f"landrun rerun {name}"):
        expect(page.locator("#run")).to_contain_text(part)

    again = watched(page.evaluate("location.hash"))

    expect(again.locator("#run-title")).to_have_text(name)
    assert complaints == []


def test_hostile_keys_and_dead_letters_are_shown_as_text_and_run_nothing(
    laptop: Laptop, watched: Callable[..., Page], complaints: list[str]
) -> None:
    reason = {"DataType": "String", "StringValue": "<script>window.hacked = true</script>"}
    laptop.aws.client("sqs").send_message(
        QueueUrl=laptop.aws.outputs["LandingDeadLetterQueueUrl"],
        MessageBody='{"detail": {"object": {"key": "incoming/c.csv"}}}',
        MessageAttributes={"Reason": reason},
    )
    page = watched("#find=onerror")
    page.click("#now .link")
    page.wait_for_selector("#dead-letters tbody tr")
    letters = texts(page, "#dead-letters tbody td")
    page.locator("#runs tbody .link").first.click()
    page.wait_for_selector("#run pre")

    assert letters == ["landings", "1", "incoming/c.csv", "<script>window.hacked = true</script>"]
    expect(page.locator("#run")).to_contain_text("<img src=x onerror='window.hacked = true'>")
    assert "Output" in texts(page, "#run h3")
    assert not page.evaluate("'hacked' in window")
    assert page.evaluate("document.images.length") == 0
    assert complaints == []


@pytest.mark.parametrize("how", ["light", "dark", "phone"])
def test_the_page_fits_the_window_and_complains_of_nothing(
    watched: Callable[..., Page], complaints: list[str], how: str
) -> None:
    page = watched(dark=how == "dark", phone=how == "phone")
    until(page, "document.body.dataset.busy === 'no'")
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"live-page-{how}.png")
    page.locator("#runs tbody .link").first.click()
    page.wait_for_selector("#run pre")
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"live-run-{how}.png")

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert complaints == []


def test_a_page_of_another_origin_reads_nothing(
    laptop: Laptop, new_page: Callable[..., Page]
) -> None:
    page = new_page()
    page.route("http://example.test/", lambda route: route.fulfill(body="a page"))
    page.goto("http://example.test/")

    script = f"fetch({json.dumps(laptop.address)}).then((it) => it.text(), () => 'refused')"
    assert page.evaluate(script) == "refused"


def test_a_server_that_is_gone_is_a_note_on_the_page(watched: Callable[..., Page]) -> None:
    page = watched()
    page.context.set_offline(True)

    expect(page.locator("#notes")).to_contain_text("does not answer", timeout=30_000)
    assert page.locator("#runs tbody tr").count() > 0
    page.context.set_offline(False)
    expect(page.locator("#notes")).to_be_hidden(timeout=30_000)
