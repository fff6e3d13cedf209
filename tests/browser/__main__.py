"""Writes the pictures of the report and of the live page: ``python -m browser docs/images``."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from landrun_ops.web.page import chart_library, render

from .made_up_runs import report_of, runs
from .pages import chromium_path, go, laptop_with, launched

LANDINGS, PAUSE = 14, 7
"""How many files land for the picture of the live page, and the seconds between two of them."""

ROWS = b"id,sender,text\n" + b"".join(b"%d,mira,order %d\n" % (row, row % 90) for row in range(120))
OTHERS = {2: ("stock.csv", b"colour,size\nred,3\n"), 3: ("returns.parquet", b"PAR0")}


def main(folder: Path) -> None:
    path = chromium_path()
    assert path, "no Chromium here: apt-get install chromium"
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as work:
        page = launched(playwright, path).new_page(viewport={"width": 1200, "height": 1390})
        file = Path(work) / "report.html"
        file.write_text(render(report_of(runs(2500)), chart_library()), encoding="utf-8")
        go(page, file.as_uri())
        page.screenshot(path=folder / "report.png")
        with laptop_with(2, Path(work)) as laptop:
            laptop.go_ahead.touch()
            go(page, laptop.address)
            for number in range(LANDINGS):
                name, body = OTHERS.get(number % 5, ("orders.csv", ROWS))
                laptop.land(**{f"{number:02}-{name}": body})
                time.sleep(PAUSE)
            laptop.land(**{f"night/orders-{number}.csv": ROWS for number in range(6)})
            expect(page.locator("#statuses")).to_contain_text("waiting", timeout=30_000)
            page.set_viewport_size({"width": 1200, "height": 1150})
            page.screenshot(path=folder / "live-page.png")


main(Path(sys.argv[1]))
