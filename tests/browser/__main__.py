"""Writes the README's picture of the report: ``python -m browser docs/images/report.png``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from landrun_ops.web.library import chart_library
from landrun_ops.web.page import render

from .ledgers import ledger, report_of
from .pages import chromium_path, go, launched

RUNS, WIDTH, HEIGHT = 2500, 1200, 1390


def main(picture: Path) -> None:
    path = chromium_path()
    assert path, "no Chromium here: apt-get install chromium"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(render(report_of(ledger(RUNS)), chart_library()), encoding="utf-8")
        with sync_playwright() as playwright:
            browser = launched(playwright, path)
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            go(page, file.as_uri())
            page.screenshot(path=picture)
            browser.close()


main(Path(sys.argv[1]))
