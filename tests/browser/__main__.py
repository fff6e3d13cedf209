"""Writes the README's picture of the report: ``python -m browser docs/images/report.png``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from landrun_ops.web.library import chart_library
from landrun_ops.web.page import render

from .chromium import Chromium, chromium_path
from .ledgers import ledger, report_of

RUNS, WIDTH, HEIGHT = 2500, 1200, 1390


def main(picture: Path) -> None:
    path = chromium_path()
    assert path, "no Chromium here: apt-get install chromium"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(render(report_of(ledger(RUNS)), chart_library()), encoding="utf-8")
        browser = Chromium(path, Path(folder) / "profile")
        try:
            page = browser.page(WIDTH, HEIGHT)
            page.open(file.as_uri())
            page.picture(picture, whole=False)
        finally:
            browser.close()


main(Path(sys.argv[1]))
