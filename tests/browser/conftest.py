"""A browser and a laptop's stack for a session, and pages of made-up reports."""

import contextlib
import json
import os
import shutil
import sys
from functools import cache
from pathlib import Path

import pytest

from landrun_ops.local import LocalAws
from landrun_ops.web.page import chart_library, render
from laptop_stack import LaptopStack
from local.commands import shell
from local.laptop import staying

from .made_up_runs import report_of, runs

if "LANDRUN_BROWSER" not in os.environ:  # `make test` is to stay quick, and has no Playwright
    collect_ignore_glob = ["test_*.py"]
else:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)  # of a machine that has much else to do

WINDOWS = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
library = cache(chart_library)


@pytest.fixture(scope="session")
def browser():
    """The Chromium of this machine: Playwright's own is never downloaded."""
    names = (os.environ.get("LANDRUN_CHROMIUM", "chromium"), "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    assert path, "no Chromium here: apt-get install chromium, or set LANDRUN_CHROMIUM to one"
    options = ["--no-sandbox", "--force-color-profile=srgb"]
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=options) as browser,
    ):
        yield browser


@pytest.fixture
def complaints():
    """What the pages of a test complained of: errors and warnings on the console, exceptions."""
    return []


@pytest.fixture
def new_page(browser, complaints):
    """``new_page("dark")`` or ``("phone")`` is an empty page of a browser nobody has used."""
    with contextlib.ExitStack() as pages:

        def make(how="light"):
            page = pages.enter_context(browser.new_page(**WINDOWS[how]))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: said.type != "log" and complaints.append(said.text))
            return page

        yield make


@pytest.fixture
def drawn(new_page, complaints):
    """``drawn(address, "dark")`` is a page that is drawn; none may complain by the test's end."""

    def go(address, how="light"):
        page = new_page(how)
        page.goto(address)
        page.wait_for_selector("body[data-ready=yes]:not([data-busy=yes])", state="attached")
        return page

    yield go
    assert complaints == []


@pytest.fixture
def opened(drawn, tmp_path):
    """``opened(300, at="#status=FAILED")`` is the page of a report about so many runs."""

    def open_(count, how="light", *, at="", hostile=False):
        file = tmp_path / "report.html"
        file.write_text(render(report_of(runs(count, hostile=hostile)), library()), "utf-8")
        return drawn(file.as_uri() + at, how)

    return open_


def fits_the_window(page, name):
    """Whether nothing of a page is wider; takes a picture if LANDRUN_PICTURES has a folder."""
    if folder := os.environ.get("LANDRUN_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture(scope="session")
def laptop(root, tmp_path_factory):
    """A laptop's stack of one slot, whose jobs begin to work when ``go_ahead`` is there."""
    folder = tmp_path_factory.mktemp("laptop")
    job, go_ahead = folder / "job.sh", folder / "go"
    job.write_text(
        f"while [ ! -e {go_ahead} ]; do sleep 0.1; done\n"
        f'exec {sys.executable} {root}/src/processing/preprocess.py "$@"\n'
    )
    options = ["--parameter", f"JobEntrypoint={json.dumps(['/bin/sh', str(job)])}"]
    options += ["--parameter", "MaxConcurrentRuns=1", "--state-dir", str(folder / "state")]
    up = ("local", "up", *options)
    with staying(shell(), folder, *up, cwd=root, ready="live page: (.+)\n") as (_, address):
        stack = LaptopStack(LocalAws.attach(folder / "state"))
        stack.address, stack.go_ahead = address, go_ahead
        yield stack
