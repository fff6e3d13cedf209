"""The live page in a browser, of a laptop's stack whose runs wait, work, fail and are run again."""

import pytest
from playwright.sync_api import expect

from local.commands import environment, told

from .conftest import fits_the_window

HOSTILE = "<img src=x onerror='window.hacked = true'>\u202e.csv"
ROWS = b"id,sender,text\n1,mira,hello\n2,mira,hello\n3,ben,\n"


@pytest.fixture
def watched(laptop, drawn):
    """``watched("#status=FAILED", "dark")`` is the live page in a browser."""
    return lambda at="", how="light": drawn(laptop.address + at, how)


def expect_runs(page, **counts):
    """Wait until the table has so many runs of each status."""
    for status, count in counts.items():
        states = page.locator("#runs tbody td.state", has_text=status.replace("_", " "))
        expect(states).to_have_count(count)


def test_runs_appear_wait_work_fail_and_are_run_again_while_one_looks(laptop, watched):
    page = watched()
    expect(page.locator("#nothing")).to_contain_text("No run since")

    for key, body in {"a": ROWS, HOSTILE: ROWS, "bad.parquet": b"no Parquet"}.items():
        laptop.put(laptop.outputs["LandingBucket"], f"incoming/{key}", body)
    expect_runs(page, waiting_for_a_slot=2, running=1)
    expect(page.locator("#now")).to_contain_text("2 runs waiting")

    laptop.go_ahead.touch()
    expect_runs(page, succeeded=2, failed=1)
    expect(page.locator("#failures tbody")).to_contain_text("not a Parquet file")

    told(environment(laptop.aws), "rerun", "--failed", "--yes")
    expect_runs(page, succeeded=2, failed=2)
    again = page.locator("#runs tbody tr", has_text="rerun of incoming/bad.parquet")
    again.locator(".link").click()
    page.locator("#run dd .link").first.click()

    # As landrun show has it, with a link of its own
    name, run = page.locator("#run-title").text_content(), page.locator("#run")
    for part in ("object landed: incoming/bad.parquet", "attempt 1: failed", "End of the log"):
        expect(run).to_contain_text(part)
    expect(run).to_contain_text(f"landrun rerun {name}")
    linked = watched(page.evaluate("location.hash"))
    expect(linked.locator("#run-title")).to_have_text(name)


def test_hostile_keys_and_dead_letters_are_shown_as_text_and_run_nothing(laptop, watched):
    reason = "<script>window.hacked = true</script>"
    laptop.client("sqs").send_message(
        QueueUrl=laptop.outputs["LandingDeadLetterQueueUrl"],
        MessageBody='{"detail": {"object": {"key": "incoming/c.csv"}}}',
        MessageAttributes={"Reason": {"DataType": "String", "StringValue": reason}},
    )
    page = watched("#find=onerror")
    page.click("#now .link")
    letters = page.locator("#dead-letters tbody td")
    expect(letters).to_have_text(["landings", "1", "incoming/c.csv", reason])
    page.locator("#runs tbody .link").first.click()
    page.wait_for_selector("#run pre")

    expect(page.locator("#run")).to_contain_text("<img src=x onerror='window.hacked = true'>")
    assert not page.evaluate("'hacked' in window || document.images.length")


@pytest.mark.parametrize("how", ["light", "dark", "phone"])
def test_the_page_fits_the_window_and_complains_of_nothing(watched, how):
    assert fits_the_window(watched(how=how), f"live-page-{how}")


def test_a_server_that_is_gone_is_a_note_on_the_page(watched, complaints):
    page = watched()
    page.context.set_offline(True)

    expect(page.locator("#notes")).to_contain_text("does not answer")
    assert page.locator("#runs tbody tr").count() > 0
    page.context.set_offline(False)
    expect(page.locator("#notes")).to_be_hidden()
    complaints.clear()
