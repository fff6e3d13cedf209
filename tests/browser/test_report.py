"""The report in a browser, as whoever opens the file sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from .made_up_runs import HOSTILE, ledger
from .pages import texts, until

Opened = Callable[..., Page]


def shown(page: Page, said: str) -> None:
    """Wait until the filters have come to so many runs, and all charts have been drawn anew."""
    expect(page.locator("#shown")).to_have_text(said)
    until(page, "document.body.dataset.busy === 'no'")


@pytest.mark.parametrize(
    ("count", "how"),
    [
        pytest.param(0, {}, id="no runs"),
        pytest.param(1, {"dark": True}, id="one run, dark"),
        pytest.param(300, {"phone": True}, id="phone"),
    ],
)
def test_a_report_opens_from_disk_fits_the_window_and_complains_of_nothing(
    opened: Opened, count: int, how: dict[str, bool], complaints: list[str]
) -> None:
    page = opened(count, **how)

    assert complaints == []
    assert page.locator("canvas").count() == (8 if count else 0)
    assert page.locator("#nothing").is_visible() == (count == 0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert texts(page, "#ignored tbody td:first-child") == ["212", "41"]


@pytest.mark.parametrize("text", [HOSTILE[0], HOSTILE[1], r"\u202egpj.exe"])
def test_hostile_texts_are_shown_as_text_and_run_nothing(
    opened: Opened, text: str, complaints: list[str]
) -> None:
    page = opened(60, hostile=True, at=f"#find={quote(text)}")
    until(page, "document.body.dataset.busy === 'no'")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.locator("#runs tbody .link").first.click()

    assert any(text in key for key in texts(page, "#runs tbody .key .key"))
    expect(page.locator("#run")).to_contain_text(text)
    assert not page.evaluate("'hacked' in window")
    assert page.evaluate("document.images.length + document.scripts.length") == 3
    assert complaints == []


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
    assert texts(page, "#tiles .much")[0] == str(len(failed))
    chart = page.locator("#over-time [role=img]").get_attribute("aria-label")
    assert f"{len(failed)} runs" in str(chart)
    assert sum(map(int, texts(page, "#failures td.num"))) == len(failed)
    assert page.evaluate("location.hash") == "#status=FAILED"

    trigger = failed[0]["trigger"]
    page.locator("#find").fill(trigger.get("Key") or trigger.get("ScheduledTime"))
    shown(page, "1 of 300 runs")
    again = opened(300, at=page.evaluate("location.hash"))
    shown(again, "1 of 300 runs")
    again.click("#clear")
    shown(again, "300 runs")

    kinds = Counter(row["trigger"]["Kind"] for row in rows)
    again.evaluate("location.hash = '#kind=schedule&kind=manual'")
    shown(again, f"{kinds['schedule'] + kinds['manual']} of 300 runs")
    again.click("#clear")
    again.locator("#span").select_option(label="last 7 days")
    newer = sum(row["started_at"] >= "2026-11-15T18:00" for row in rows)
    shown(again, f"{newer} of 300 runs")
    assert complaints == []


def test_dragging_over_the_bars_chooses_a_time_and_pressing_a_bar_shows_its_run(
    page: Page, complaints: list[str]
) -> None:
    box = page.locator("#over-time canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
    page.mouse.up()
    until(page, "location.hash.startsWith('#from=2026-11-0') && location.hash.includes('&to=')")
    until(page, "document.body.dataset.busy === 'no'")
    many = int(str(page.locator("#shown").text_content()).split(" ", 1)[0])
    page.mouse.click(*bar_in(page, "#timeline"))

    assert page.locator("#run-title").text_content() in {row["name"] for row in ledger(300)}
    assert 20 < many < 150
    assert page.locator("#own").is_visible()
    assert complaints == []


def bar_in(page: Page, figure: str) -> tuple[float, float]:
    """Where on the screen something is drawn in the colour of runs that succeeded."""
    x, y = page.evaluate(
        f"(() => {{ const it = document.querySelector('{figure} canvas');"
        " it.scrollIntoView({block: 'center', behavior: 'instant'});"
        " const {width, height} = it, {x, y} = it.getBoundingClientRect();"
        " const {data} = it.getContext('2d').getImageData(0, 0, width, height);"
        " const place = data.findIndex((red, at) => at % 4 === 0 && red === 0x14"
        " && data[at + 1] === 0x89 && data[at + 2] === 0x7a && data[at + 3] === 255"
        " && data[at + 6] === 0x7a && data[at + width * 12] === 0x14);"
        " const at = place / 4; return [x + at % width + 1, y + Math.floor(at / width) + 2]; })()"
    )
    return x, y


def test_tables_sort_by_any_column_turn_pages_and_say_so(page: Page) -> None:
    longest = max(row.get("duration_seconds", 0) for row in ledger(300))
    heading, took = page.locator("#runs th:nth-child(5)"), "#runs td:nth-child(5)"
    expect(page.locator("#runs th").first).to_have_attribute("aria-sort", "descending")

    heading.get_by_role("button").click()
    slowest = texts(page, took)[0]
    expect(heading).to_have_attribute("aria-sort", "descending")
    heading.get_by_role("button").click()

    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert slowest == f"{longest // 3600:.0f} h {longest % 3600 // 60:02.0f} min"
    assert texts(page, took)[0] != slowest
    assert page.locator("#runs [aria-sort]").count() == 1
    page.locator("#runs .pages").get_by_role("button", name="Next").click()
    expect(page.locator("#runs .pages span")).to_have_text("26–50 of 300")  # noqa: RUF001


def test_the_keyboard_reaches_everything_and_a_run_opens_and_closes(page: Page) -> None:
    page.evaluate("document.body.tabIndex = -1; document.body.focus()")
    page.keyboard.press("Tab")
    skip = page.evaluate("document.activeElement.textContent")
    page.locator("#failures tbody .link").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#run")).to_contain_text("landrun rerun landrun-")
    links = page.evaluate("[...document.querySelectorAll('#run a')].map((one) => one.href)")
    page.keyboard.press("Escape")
    expect(page.locator("#run")).not_to_be_visible()

    assert skip == "Skip to the charts"
    assert len(links) == 3
    assert all(link.startswith("https://eu-west-1.console.aws.amazon.com/") for link in links)
    assert page.evaluate("document.activeElement.closest('#failures') !== null")


def test_every_chart_has_a_name_a_description_and_its_numbers_as_a_table(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    until(page, "document.querySelectorAll('details.numbers table').length === 8")

    for chart in page.locator("figure").all():
        name = str(chart.locator("[role=img]").get_attribute("aria-label"))
        assert name.startswith(str(chart.locator("h2").text_content()))
        assert any(character.isdigit() for character in name)
        assert chart.locator("tbody tr").count() > 5
        assert chart.locator("[role=img] canvas").count() == 1


def test_ten_thousand_runs_are_drawn_and_filtered(opened: Opened, complaints: list[str]) -> None:
    failed = sum(row["status"] == "FAILED" for row in ledger(10_000))
    page = opened(10_000)

    for said in (f"{failed:,} of 10,000 runs", "10,000 runs"):
        page.click("#statuses .chip:nth-of-type(2)")
        shown(page, said)

    assert complaints == []
