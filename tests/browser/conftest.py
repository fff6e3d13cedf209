"""A browser and a laptop's stack for a session, and pages of made-up reports."""

from __future__ import annotations

import os
import shutil
from functools import cache

import pytest

if "LANDRUN_BROWSER" not in os.environ:  # `make test` is to stay quick, and has no Playwright
    collect_ignore_glob = ["test_*.py"]
else:
    from playwright.sync_api import sync_playwright

    from landrun_ops.web.page import chart_library, render

    from .made_up_runs import report_of, runs
    from .pages import go, started

    library = cache(chart_library)


@pytest.fixture(scope="session")
def browser():
    """The Chromium of this machine: Playwright's own is never downloaded."""
    names = (os.environ.get("LANDRUN_CHROMIUM", "chromium"), "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    assert path, "no Chromium here: apt-get install chromium, or set LANDRUN_CHROMIUM to one"
    options = ["--no-sandbox", "--force-color-profile=srgb"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def laptop(tmp_path_factory):
    with started(tmp_path_factory.mktemp("laptop")) as laptop:
        yield laptop


@pytest.fixture
def complaints():
    """What the pages of a test complained of: errors and warnings on the console, exceptions."""
    return []


@pytest.fixture
def new_page(browser, complaints):
    """``new_page("dark")`` or ``("phone")`` is an empty page of a browser nobody has used."""
    contexts = []

    def make(how="light"):
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
def opened(new_page, tmp_path):
    """``opened(300, at="#status=FAILED")`` is a page of a report about so many runs, drawn."""

    def open_(count, how="light", *, at="", hostile=False):
        page, file = new_page(how), tmp_path / "report.html"
        found = report_of(runs(count, hostile=hostile))
        file.write_text(render(found, library()), encoding="utf-8")
        go(page, file.as_uri() + at)
        return page

    return open_
