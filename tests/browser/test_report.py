"""The report in a browser, as whoever opens the file sees it."""

from collections import Counter
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from .conftest import fits_the_window
from .made_up_runs import HOSTILE, runs


def texts(page, selector):
    return page.locator(selector).all_text_contents()


def shown(page, said):
    """Wait until the filters have come to so many runs, and all charts have been drawn anew."""
    expect(page.locator("#shown")).to_have_text(said)
    expect(page.locator("body")).to_have_attribute("data-busy", "no")


@pytest.mark.parametrize(
    ("count", "how"), [(0, "light"), (1, "dark"), (300, "phone"), (10_000, "light")]
)
def test_a_report_opens_from_disk_fits_the_window_and_complains_of_nothing(opened, count, how):
    page = opened(count, how)

    for part in ("canvas", "figure [role=img][aria-label]"):
        assert page.locator(part).count() == (8 if count else 0)
    assert page.locator("#nothing").is_visible() == (count == 0)
    assert fits_the_window(page, f"report-{count}-{how}")
    assert texts(page, "#ignored tbody td:first-child") == ["212", "41"]


@pytest.mark.parametrize("text", [HOSTILE[0], HOSTILE[1], r"\u202egpj.exe"])
def test_hostile_texts_are_shown_as_text_run_nothing_and_no_request_leaves(
    opened, text, complaints
):
    page = opened(60, at=f"#find={quote(text)}", hostile=True)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.locator("#runs tbody .link").first.click()

    expect(page.locator("#run")).to_contain_text(text)
    assert not page.evaluate("'hacked' in window")
    assert page.evaluate("document.images.length + document.scripts.length") == 3
    assert complaints == []
    assert page.evaluate("fetch('https://example.com/').then(() => 'sent', () => 'refused')") == (
        "refused"
    )
    assert all("Content Security Policy" in said for said in complaints)
    complaints.clear()


def test_filters_apply_to_every_table_and_chart_and_stay_in_the_address(opened):
    rows = runs(300)
    failed = [row for row in rows if row["status"] == "FAILED"]
    kinds = Counter(row["trigger"]["Kind"] for row in rows)
    page = opened(300)

    page.click("#statuses .chip:nth-of-type(2)")
    shown(page, f"{len(failed)} of 300 runs")
    chart = page.locator("#over-time [role=img]").get_attribute("aria-label")
    assert set(texts(page, "#runs tbody .link")) == {row["name"][:16] for row in failed[:25]}
    assert texts(page, "#tiles .much")[0] == str(len(failed))
    assert f"{len(failed)} runs" in chart
    assert sum(map(int, texts(page, "#failures td.num"))) == len(failed)

    page.locator("#find").fill(failed[0]["name"])
    shown(page, "1 of 300 runs")
    again = opened(300, at=page.evaluate("location.hash"))
    shown(again, "1 of 300 runs")
    again.click("#clear")
    shown(again, "300 runs")
    again.evaluate("location.hash = '#kind=schedule&kind=manual'")
    shown(again, f"{kinds['schedule'] + kinds['manual']} of 300 runs")
    again.click("#clear")
    again.locator("#span").select_option(label="last 7 days")
    shown(again, f"{sum(row['started_at'] >= '2026-11-15T18:00' for row in rows)} of 300 runs")


def test_a_run_opens_by_its_bar_and_by_keyboard_with_commands_and_links(opened):
    page, [row] = opened(1), runs(1)
    page.locator("#timeline canvas").click()
    expect(page.locator("#run-title")).to_have_text(row["name"])
    page.keyboard.press("Escape")
    expect(page.locator("#run")).not_to_be_visible()
    page.locator("#runs tbody .link").focus()
    page.keyboard.press("Enter")

    expect(page.locator("#run")).to_contain_text(f"landrun show {row['name']} --stack landrun")
    links = page.evaluate("[...document.querySelectorAll('#run a')].map((one) => one.href)")
    assert len(links) == 3
    assert all(link.startswith("https://us-east-1.console.aws.amazon.com/") for link in links)


def test_tables_sort_by_any_column_turn_pages_and_say_so(opened):
    page = opened(300)
    longest = round(max(row.get("duration_seconds", 0) for row in runs(300)))
    heading, took = page.locator("#runs th:nth-child(5)"), "#runs td:nth-child(5)"
    expect(page.locator("#runs th").first).to_have_attribute("aria-sort", "descending")

    for order in ("descending", "ascending"):
        heading.get_by_role("button").click()
        expect(heading).to_have_attribute("aria-sort", order)
        slowest_first = texts(page, took)[0] == f"{longest // 60} min {longest % 60:02} s"
        assert slowest_first == (order == "descending")
    assert page.locator("#runs [aria-sort]").count() == 1
    page.locator("#runs .pages").get_by_role("button", name="Next").click()
    expect(page.locator("#runs .pages span")).to_have_text("26–50 of 300")  # noqa: RUF001
