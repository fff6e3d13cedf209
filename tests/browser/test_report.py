"""The report in a browser, as whoever opens the file sees it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from landrun_ops.web.page import render

from .ledgers import HOSTILE, ledger, report_of
from .pages import drag, go, text, texts, until

Opened = Callable[..., Page]

FAILED = {"FAILED", "TIMED_OUT", "ABORTED"}


def shown(page: Page, said: str) -> None:
    """Wait until the filters have come to so many runs, and all charts have been drawn anew."""
    until(page, f"document.getElementById('shown').textContent === {json.dumps(said)}")
    until(page, "document.body.dataset.busy === 'no'")


@pytest.mark.parametrize(
    ("count", "phone", "dark"),
    [(0, False, False), (1, False, True), (300, True, True), (300, True, False)],
)
def test_a_report_opens_from_disk_without_a_complaint_or_a_request(
    opened: Opened, count: int, phone: bool, dark: bool, complaints: list[str], requests: list[str]
) -> None:
    page = opened(count, phone=phone, dark=dark)

    canvases = page.evaluate("document.querySelectorAll('canvas').length")

    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == requests[:1]
    assert canvases == (8 if count else 0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_report_without_runs_says_so_and_still_shows_what_was_ignored(opened: Opened) -> None:
    page = opened(0)

    assert "No run since" in page.evaluate("document.body.innerText")
    assert texts(page, "#ignored tbody td:first-child") == ["212", "41"]


def test_runs_about_which_hardly_anything_is_known_are_shown_all_the_same(
    new_page: Callable[..., Page], library: str, tmp_path: Path, complaints: list[str]
) -> None:
    rows = [
        {"name": "landrun-2", "status": "RUNNING", "started_at": "2026-11-22T17:59:00Z"},
        {"name": "landrun-1", "status": "PENDING_REDRIVE", "started_at": "2026-11-21T17:00:00Z"},
    ]
    file = tmp_path / "report.html"
    file.write_text(render(report_of(rows), library), encoding="utf-8")
    page = new_page()
    go(page, file.as_uri())

    statuses = texts(page, "#runs tbody .state .state")
    nothing = page.evaluate("document.querySelector('#durations .empty').checkVisibility()")

    assert statuses == ["running", "pending redrive"]
    assert nothing
    assert complaints == []


@pytest.mark.parametrize("text", [HOSTILE[0], HOSTILE[1], r"\u202egpj.exe"])
def test_hostile_texts_are_shown_as_text_and_run_nothing(
    opened: Opened, text: str, complaints: list[str]
) -> None:
    page = opened(60, hostile=True, at=f"#find={quote(text)}")

    until(page, "document.body.dataset.busy === 'no'")
    keys = texts(page, "#runs tbody .key .key")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.click("#runs tbody .link")

    assert complaints == []
    assert not page.evaluate("'hacked' in window")
    assert page.evaluate("document.images.length + document.scripts.length") == 3
    assert any(text in key for key in keys)
    assert text in page.evaluate("document.getElementById('run').textContent")


def test_the_policy_lets_no_request_leave_and_no_other_script_run(
    opened: Opened, complaints: list[str]
) -> None:
    page = opened(1)

    fetched = page.evaluate("fetch('https://example.com/').then(() => 'sent', () => 'refused')")
    page.evaluate(
        "new Promise((done) => { const one = document.createElement('script');"
        " one.textContent = 'window.hacked = true'; document.body.append(one);"
        " const image = new Image(); image.onerror = image.onload = done;"
        " image.src = 'https://example.com/a.png'; })"
    )

    assert fetched == "refused"
    assert not page.evaluate("'hacked' in window")
    assert all("Content Security Policy" in said for said in complaints)
    assert len(complaints) >= 3


def test_filters_apply_to_every_table_and_chart_and_stay_in_the_address(
    opened: Opened, complaints: list[str]
) -> None:
    rows = ledger(300)
    failed = [row for row in rows if row["status"] == "FAILED"]
    page = opened(300)

    page.click("#statuses .chip:nth-of-type(2)")
    shown(page, f"{len(failed)} of 300 runs")

    assert set(texts(page, "#runs .state .state")) == {"failed"}
    assert set(texts(page, "#runs tbody .link")) == {row["name"][:16] for row in failed[:25]}
    assert text(page, "#tiles .much") == str(len(failed))
    assert f"{len(failed)} runs" in page.evaluate(
        "document.querySelector('#over-time [role=img]').ariaLabel"
    )
    assert sum(map(int, texts(page, "#failures td.num"))) == len(failed)
    assert page.evaluate("location.hash") == "#status=FAILED"

    key = failed[0]["trigger"].get("Key") or failed[0]["trigger"].get("ScheduledTime")
    page.evaluate("document.getElementById('find').focus()")
    page.keyboard.insert_text(key)
    shown(page, "1 of 300 runs")

    again = opened(300, at=page.evaluate("location.hash"))
    shown(again, "1 of 300 runs")
    again.click("#clear")
    shown(again, "300 runs")
    assert not again.evaluate("location.hash")
    assert complaints == []


def test_triggers_and_spans_of_time_filter_too(page: Page) -> None:
    rows = ledger(300)
    kinds = Counter(row["trigger"]["Kind"] for row in rows)
    page.evaluate("location.hash = '#kind=schedule&kind=manual'")
    shown(page, f"{kinds['schedule'] + kinds['manual']} of 300 runs")
    page.click("#clear")
    page.evaluate(
        "(() => { const span = document.getElementById('span'); span.value = 7 * 86400000;"
        " span.dispatchEvent(new Event('change')); })()"
    )

    newer = sum(row["started_at"] >= "2026-11-15T18:00" for row in rows)
    shown(page, f"{newer} of 300 runs")
    assert texts(page, "#runs .pages span") == [f"1–25 of {newer}"]  # noqa: RUF001


def test_dragging_over_the_bars_chooses_a_time(page: Page, complaints: list[str]) -> None:
    x, y, width, height = page.evaluate(
        "(() => { const {x, y, width, height} = document.querySelector('#over-time canvas')"
        ".getBoundingClientRect(); return [x, y, width, height]; })()"
    )

    drag(page, x + width * 0.5, y + height / 2, x + width * 0.7, y + height / 2)
    until(
        page,
        "location.hash.startsWith('#from=2026-11-0') && location.hash.includes('to=2026-11-1')",
    )
    days = page.evaluate("document.getElementById('shown').textContent.split(' ')[0]")

    assert 20 < int(days) < 150
    assert not page.evaluate("document.getElementById('own').hidden")
    assert complaints == []


def test_pressing_a_bar_chooses_its_day_and_pressing_a_run_shows_it(
    page: Page, complaints: list[str]
) -> None:
    x, y = bar_in(page, "#timeline")
    page.mouse.click(x, y)
    until(page, "document.getElementById('run').open")
    run = text(page, "#run-title")
    page.keyboard.press("Escape")
    x, y = bar_in(page, "#over-time")
    page.mouse.click(x, y)
    until(page, "location.hash !== ''")

    day = r"2026-1\d-\d\dT00%3A00%3A00.000Z"
    assert run in {row["name"] for row in ledger(300)}
    assert re.fullmatch(f"#from={day}&to={day}", page.evaluate("location.hash"))
    assert complaints == []


def bar_in(page: Page, figure: str) -> list[float]:
    """Where on the screen something is drawn in the colour of runs that succeeded."""
    return page.evaluate(
        f"(() => {{ const it = document.querySelector('{figure} canvas');"
        " it.scrollIntoView({block: 'center', behavior: 'instant'});"
        " const {width, height} = it, {x, y} = it.getBoundingClientRect();"
        " const {data} = it.getContext('2d').getImageData(0, 0, width, height);"
        " const place = data.findIndex((red, at) => at % 4 === 0 && red === 0x14"
        " && data[at + 1] === 0x89 && data[at + 2] === 0x7a && data[at + 3] === 255"
        " && data[at + 6] === 0x7a && data[at + width * 12] === 0x14);"
        " const at = place / 4; return [x + at % width + 1, y + Math.floor(at / width) + 2]; })()"
    )


def test_tables_sort_by_any_column_and_say_so(page: Page) -> None:
    took = "#runs th:nth-child(5)"
    longest = sorted((row.get("duration_seconds", -1) for row in ledger(300)), reverse=True)

    first = page.evaluate("document.querySelector('#runs th').ariaSort")
    page.click(f"{took} button")
    slowest = (
        page.evaluate(f"document.querySelector('{took}').ariaSort"),
        texts(page, "#runs td:nth-child(5)"),
    )
    page.click(f"{took} button")
    quickest = (
        page.evaluate(f"document.querySelector('{took}').ariaSort"),
        texts(page, "#runs td:nth-child(5)"),
    )

    assert first == "descending"
    assert slowest[0] == "descending"
    assert slowest[1][0] == f"{longest[0] // 3600:.0f} h {longest[0] % 3600 // 60:02.0f} min"
    assert quickest[0] == "ascending"
    assert quickest[1][0] != slowest[1][0]
    assert page.evaluate("document.querySelectorAll('#runs [aria-sort]').length") == 1
    page.click("#runs .pages button:nth-of-type(2)")
    assert texts(page, "#runs .pages span") == ["26–50 of 300"]  # noqa: RUF001


def test_the_keyboard_reaches_everything_and_a_run_opens_and_closes(page: Page) -> None:
    page.evaluate("document.body.tabIndex = -1; document.body.focus()")
    page.keyboard.press("Tab")
    skip = page.evaluate("document.activeElement.textContent")
    page.evaluate("document.querySelector('#failures tbody .link').focus()")
    page.keyboard.press("Enter")
    until(page, "document.getElementById('run').open")
    said = text(page, "#run")
    links = page.evaluate("[...document.querySelectorAll('#run a')].map((one) => one.href)")
    page.keyboard.press("Escape")
    until(page, "!document.getElementById('run').open")

    assert skip == "Skip to the charts"
    assert "landrun rerun landrun-" in said
    assert links
    assert all(link.startswith("https://eu-west-1.console.aws.amazon.com/") for link in links)
    assert page.evaluate("document.activeElement.closest('#failures') !== null")


def test_every_chart_has_a_name_a_description_and_its_numbers_as_a_table(page: Page) -> None:
    page.evaluate(
        "document.querySelectorAll('details.numbers').forEach((one) => { one.open = true; })"
    )
    until(page, "document.querySelectorAll('details.numbers table').length === 8")
    charts = page.evaluate(
        "[...document.querySelectorAll('figure')].map((one) =>"
        " [one.querySelector('h2').textContent, one.querySelector('[role=img]').ariaLabel,"
        " one.querySelectorAll('tbody tr').length])"
    )

    assert len(charts) == 8
    for title, name, rows in charts:
        assert name.startswith(title)
        assert any(character.isdigit() for character in name)
        assert rows > 5
    assert page.evaluate(
        "[...document.querySelectorAll('canvas')].every((one) => one.closest('[role=img]'))"
    )


def test_ten_thousand_runs_are_drawn_and_filtered(opened: Opened, complaints: list[str]) -> None:
    failed = sum(row["status"] == "FAILED" for row in ledger(10_000))
    page = opened(10_000)

    for said in (f"{failed:,} of 10,000 runs", "10,000 runs"):
        page.click("#statuses .chip:nth-of-type(2)")
        shown(page, said)

    assert complaints == []
