"""What tests do with a page besides what Playwright does."""

from __future__ import annotations

import os
import shutil
import time

from playwright.sync_api import Browser, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 30.0
"""Seconds; for a machine that has much else to do."""


def chromium_path() -> str | None:
    """Where a Chromium is: LANDRUN_CHROMIUM, or the first on the path."""
    named = [os.environ.get("LANDRUN_CHROMIUM", "")]
    return next(filter(None, (shutil.which(name) for name in [*named, *NAMES] if name)), None)


def launched(playwright: Playwright, path: str) -> Browser:
    """Start the Chromium of this machine: Playwright's own is never downloaded."""
    return playwright.chromium.launch(
        executable_path=path, args=["--no-sandbox", "--force-color-profile=srgb"]
    )


def go(page: Page, address: str) -> None:
    """Open an address, and wait until the page's script says that all is drawn."""
    page.goto(address)
    page.wait_for_selector("body[data-ready=yes]", state="attached")


def until(page: Page, expression: str, seconds: float = PATIENCE) -> None:
    """Wait until an expression is true; Playwright's own wait needs an eval, which pages forbid."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"not within {seconds} s: {expression}"
        page.wait_for_timeout(30)


def texts(page: Page, selector: str) -> list[str]:
    return page.locator(selector).all_text_contents()
