"""The live page in a browser, of a laptop's stack whose runs wait, work, fail and are run again."""

from __future__ import annotations

import json
import subprocess

import pytest
from playwright.sync_api import expect

from .pages import LANDRUN, fits_the_window, go, until

HOSTILE = "<img src=x onerror='window.hacked = true'>\u202e.csv"
ROWS = b"id,sender,text\n1,mira,hello\n2,mira,hello\n3,ben,\n"
SLOW = 60_000
"""Milliseconds, for a machine that has much else to do."""


@pytest.fixture
def watched(laptop, new_page):
    """``watched("#status=FAILED", "dark")`` is the live page in a browser."""

    def open_(at="", how="light"):
        page = new_page(how)
        go(page, laptop.address + at)
        return page

    return open_


def until_statuses(page, *expected):
    script = "[...document.querySelectorAll('#runs tbody td.state')].map((e) => e.textContent)"
    until(page, f"{script}.sort().join() === {json.dumps(','.join(sorted(expected)))}", 90)


def test_runs_appear_wait_work_fail_and_are_run_again_while_one_looks(laptop, watched, complaints):
    page = watched()
    expect(page.locator("#nothing")).to_contain_text("No run since")

    laptop.land(**{"a.csv": ROWS, "b.csv": ROWS, HOSTILE: ROWS, "bad.parquet": b"no Parquet"})
    until_statuses(page, *["waiting for a slot"] * 3, "running")
    expect(page.locator("#now")).to_contain_text("3 runs waiting")

    laptop.go_ahead.touch()
    until_statuses(page, *["succeeded"] * 3, "failed")
    expect(page.locator("#failures tbody")).to_contain_text("not a Parquet file")

    rerun = [*LANDRUN, "rerun", "--failed", "--yes", "--state-dir", str(laptop.state)]
    subprocess.run(rerun, check=True, capture_output=True)
    until_statuses(page, *["succeeded"] * 3, *["failed"] * 2)
    again = page.locator("#runs tbody tr", has_text="rerun of incoming/bad.parquet")
    again.locator(".link").click()
    page.locator("#run dd .link").first.click()

    # As landrun show has it, with a link of its own
    name, run = str(page.locator("#run-title").text_content()), page.locator("#run")
    for part in ("object landed: incoming/bad.parquet", "attempt 1: failed", "End of the log"):
        expect(run).to_contain_text(part, timeout=SLOW)
    expect(run).to_contain_text(f"landrun rerun {name}")
    linked = watched(page.evaluate("location.hash"))
    expect(linked.locator("#run-title")).to_have_text(name)
    assert complaints == []


def test_hostile_keys_and_dead_letters_are_shown_as_text_and_run_nothing(
    laptop, watched, complaints
):
    reason = "<script>window.hacked = true</script>"
    laptop.aws.client("sqs").send_message(
        QueueUrl=laptop.aws.outputs["LandingDeadLetterQueueUrl"],
        MessageBody='{"detail": {"object": {"key": "incoming/c.csv"}}}',
        MessageAttributes={"Reason": {"DataType": "String", "StringValue": reason}},
    )
    page = watched("#find=onerror")
    page.click("#now .link")
    letters = page.locator("#dead-letters tbody td")
    expect(letters).to_have_text(["landings", "1", "incoming/c.csv", reason], timeout=SLOW)
    page.locator("#runs tbody .link").first.click()
    page.wait_for_selector("#run pre")

    expect(page.locator("#run")).to_contain_text("<img src=x onerror='window.hacked = true'>")
    assert not page.evaluate("'hacked' in window || document.images.length")
    assert complaints == []


@pytest.mark.parametrize("how", ["light", "dark", "phone"])
def test_the_page_fits_the_window_and_complains_of_nothing(watched, complaints, how):
    page = watched(how=how)
    until(page, "document.body.dataset.busy === 'no'")

    assert fits_the_window(page, f"live-page-{how}")
    assert complaints == []


def test_a_server_that_is_gone_is_a_note_on_the_page(watched):
    page = watched()
    page.context.set_offline(True)

    expect(page.locator("#notes")).to_contain_text("does not answer", timeout=SLOW)
    assert page.locator("#runs tbody tr").count() > 0
    page.context.set_offline(False)
    expect(page.locator("#notes")).to_be_hidden(timeout=SLOW)
