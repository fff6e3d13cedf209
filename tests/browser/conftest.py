"""A browser for a session, and pages of generated ledgers in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.web.library import chart_library
from landrun_ops.web.page import render

from .chromium import Chromium, Page, chromium_path
from .ledgers import ledger, report_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the browser to `make browser`: `make test` is to stay quick."""
    if "LANDRUN_BROWSER" in os.environ:
        return
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.skip(reason="make browser does this"))


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    path = chromium_path()
    if path is None:
        said = "no Chromium here: apt-get install chromium, or set LANDRUN_CHROMIUM to one"
        assert not os.environ.get("CI"), said
        pytest.skip(said)
    browser = Chromium(path, tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def library() -> str:
    return chart_library()


@pytest.fixture(scope="session")
def written(library: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``written(300, hostile=True)`` is the file of a report about so many runs."""
    files: dict[Any, Path] = {}

    def write(count: int, *, hostile: bool = False) -> Path:
        if (count, hostile) not in files:
            file = tmp_path_factory.mktemp("report") / "report.html"
            page = render(report_of(ledger(count, hostile=hostile)), library)
            file.write_text(page, encoding="utf-8")
            files[count, hostile] = file
        return files[count, hostile]

    return write


@pytest.fixture
def opened(browser: Chromium, written: Callable[..., Path]) -> Iterator[Callable[..., Page]]:
    """``opened(300, at="#status=FAILED", dark=True)`` is a page of a report, drawn."""
    pages: list[Page] = []

    def open_(
        count: int, *, hostile: bool = False, at: str = "", dark: bool = False, phone: bool = False
    ) -> Page:
        page = browser.page(dark=dark)
        pages.append(page)
        if phone:
            page.resize(390, 844, phone=True)
        page.open(written(count, hostile=hostile).as_uri() + at)
        return page

    yield open_
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def page_of_300(browser: Chromium, written: Callable[..., Path]) -> Iterator[Page]:
    page = browser.page()
    page.open(written(300).as_uri())
    yield page
    page.close()


@pytest.fixture
def page(page_of_300: Page) -> Page:
    """A page of 300 runs that others have used before: nothing is filtered, open or focused."""
    page_of_300.look(
        "document.getElementById('run').close(); document.activeElement.blur();"
        " document.querySelectorAll('details').forEach((one) => { one.open = false; });"
        " window.scrollTo(0, 0); document.getElementById('clear').click();"
    )
    page_of_300.wait("document.body.dataset.busy === 'no'")
    return page_of_300
