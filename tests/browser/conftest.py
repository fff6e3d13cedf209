"""A browser and a laptop's stack for a session, and pages of made-up reports."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

if "LANDRUN_BROWSER" not in os.environ:  # `make test` is to stay quick, and has no Playwright
    collect_ignore_glob = ["test_*.py"]
else:
    from playwright.sync_api import Browser, Page, sync_playwright

    from landrun_ops.web.page import chart_library, render

    from .made_up_runs import report_of, runs
    from .pages import Laptop, chromium_path, go, laptop_with, launched

    library = cache(chart_library)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    assert path, "no Chromium here: apt-get install chromium, or set LANDRUN_CHROMIUM to one"
    with sync_playwright() as playwright:
        browser = launched(playwright, path)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with laptop_with(1, tmp_path_factory.mktemp("laptop")) as laptop:
        yield laptop


@pytest.fixture
def complaints() -> list[str]:
    """What the pages of a test complained of: errors and warnings on the console, exceptions."""
    return []


@pytest.fixture
def new_page(browser: Browser, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """``new_page("dark")`` or ``("phone")`` is an empty page of a browser nobody has used."""
    contexts = []

    def make(how: str = "light") -> Page:
        phone = how == "phone"
        context = browser.new_context(
            viewport={"width": 390, "height": 844} if phone else {"width": 1280, "height": 900},
            is_mobile=phone,
            has_touch=phone,
            color_scheme="dark" if how == "dark" else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: said.type != "log" and complaints.append(said.text))
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def opened(new_page: Callable[..., Page], tmp_path: Path) -> Callable[..., Page]:
    """``opened(300, at="#status=FAILED")`` is a page of a report about so many runs, drawn."""

    def open_(count: int, how: str = "light", *, at: str = "", hostile: bool = False) -> Page:
        page, file = new_page(how), tmp_path / "report.html"
        file.write_text(
            render(report_of(runs(count, hostile=hostile)), library()), encoding="utf-8"
        )
        go(page, file.as_uri() + at)
        return page

    return open_


@pytest.fixture
def page(opened: Callable[..., Page]) -> Page:
    """A page of 300 runs."""
    return opened(300)
