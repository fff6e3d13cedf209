"""Writes the pictures of the report and of the live page: ``python -m browser docs/images``."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from landrun_ops.local import LocalAws
from landrun_ops.web.library import chart_library
from landrun_ops.web.page import render

from .ledgers import ledger, report_of
from .pages import chromium_path, go, launched, until

RUNS, WIDTH, HEIGHT = 2500, 1200, 1390
LANDINGS, PAUSE = 14, 7
"""How many files land for the picture of the live page, and the seconds between two of them."""


def main(folder: Path) -> None:
    path = chromium_path()
    assert path, "no Chromium here: apt-get install chromium"
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as work:
        page = launched(playwright, path).new_page(viewport={"width": WIDTH, "height": HEIGHT})
        file = Path(work) / "report.html"
        file.write_text(render(report_of(ledger(RUNS)), chart_library()), encoding="utf-8")
        go(page, file.as_uri())
        page.screenshot(path=folder / "report.png")
        with laptop(Path(work) / "state") as (aws, address):
            go(page, address)
            land(aws)
            until(page, "document.getElementById('now').innerText.includes('2 of 2')")
            until(page, "document.getElementById('statuses').innerText.includes('waiting')")
            page.set_viewport_size({"width": WIDTH, "height": 1150})
            page.screenshot(path=folder / "live-page.png")


@contextmanager
def laptop(state: Path) -> Iterator[tuple[LocalAws, str]]:
    """A laptop's stack with two slots, and the address of its live page."""
    command = [sys.executable, "-m", "landrun_ops", "local", "up", "--state-dir", state]
    command += ["--parameter", "MaxConcurrentRuns=2"]
    up = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert up.stdout
    try:
        up.stdout.readline()
        address = up.stdout.readline().removeprefix("live page: ").strip()
        yield LocalAws.attach(state), address
    finally:
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=60)


def land(aws: LocalAws) -> None:
    """Land files little by little, some of which no job can read; then many at once."""
    rows = "id,sender,text\n" + "".join(f"{row},mira,order {row % 90}\n" for row in range(120))
    for number in range(LANDINGS):
        if number % 5 == 3:
            put(aws, f"returns-{number:02}.parquet", b"PAR0")
        elif number % 4 == 2:
            put(aws, f"stock-{number:02}.csv", b"colour,size\nred,3\n")
        else:
            put(aws, f"orders-{number:02}.csv", rows.encode())
        time.sleep(PAUSE)
    for number in range(6):
        put(aws, f"night/orders-{number}.csv", rows.encode())


def put(aws: LocalAws, name: str, body: bytes) -> None:
    s3, bucket = aws.client("s3"), aws.outputs["LandingBucket"]
    s3.put_object(Bucket=bucket, Key=f"incoming/{name}", Body=body)


main(Path(sys.argv[1]))
