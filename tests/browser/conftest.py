"""A browser for a session, and pages of made-up reports in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

if "LANDRUN_BROWSER" not in os.environ:  # `make test` is to stay quick, and has no Playwright
    collect_ignore_glob = ["test_*.py"]
else:
    from playwright.sync_api import Browser, Page, sync_playwright

    from landrun_ops.web.page import chart_library, render

    from .made_up_runs import ledger, report_of
    from .pages import chromium_path, go, launched


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        said = "no Chromium here: apt-get install chromium, or set LANDRUN_CHROMIUM to one"
        assert not os.environ.get("CI"), said
        pytest.skip(said)
    with sync_playwright() as playwright:
        browser = launched(playwright, path)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the pages of a test complained of: errors and warnings on the console, exceptions."""
    return []


@pytest.fixture
def new_page(browser: Browser, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """``new_page(dark=True, phone=True)`` is an empty page of a browser that nobody has used."""
    contexts = []

    def make(*, dark: bool = False, phone: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": 390, "height": 844} if phone else {"width": 1280, "height": 900},
            is_mobile=phone,
            has_touch=phone,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: said.type != "log" and complaints.append(said.text))
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``written(300, hostile=True)`` is the file of a report about so many runs."""
    files: dict[Any, Path] = {}
    library = chart_library()

    def write(count: int, *, hostile: bool = False) -> Path:
        if (count, hostile) not in files:
            file = files[count, hostile] = tmp_path_factory.mktemp("report") / "report.html"
            page = render(report_of(ledger(count, hostile=hostile)), library)
            file.write_text(page, encoding="utf-8")
        return files[count, hostile]

    return write


@pytest.fixture
def opened(new_page: Callable[..., Page], written: Callable[..., Path]) -> Callable[..., Page]:
    """``opened(300, at="#status=FAILED", dark=True)`` is a page of a report, drawn."""

    def open_(count: int, *, hostile: bool = False, at: str = "", **how: bool) -> Page:
        page = new_page(**how)
        go(page, written(count, hostile=hostile).as_uri() + at)
        return page

    return open_


@pytest.fixture
def page(opened: Callable[..., Page]) -> Page:
    """A page of 300 runs."""
    return opened(300)
