"""The commands of all pages, run; the site, built: `make docs`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from .blocks import is_for_laptop, script
from .conftest import environment
from .project import ROOT, name, pages

pytestmark = [
    pytest.mark.skipif("LANDRUN_DOCS" not in os.environ, reason="make docs does this"),
    pytest.mark.timeout(400),
]

WITH_COMMANDS = [page for page in pages() if script(page)]


@pytest.mark.parametrize(
    "page", [page for page in WITH_COMMANDS if not is_for_laptop(page)], ids=name
)
def test_commands_work_in_a_new_checkout(
    page: Path, checkout: Callable[[], Path], tmp_path: Path
) -> None:
    project = checkout()
    run(page, project, environment(project, tmp_path))


@pytest.mark.parametrize("page", [page for page in WITH_COMMANDS if is_for_laptop(page)], ids=name)
def test_commands_work_on_a_stack_in_which_things_have_happened(
    page: Path, busy: tuple[Path, Mapping[str, str]], tmp_path: Path
) -> None:
    project, surroundings = busy
    run(page, project, {**surroundings, "SCRATCH": str(tmp_path)})


def run(page: Path, project: Path, env: Mapping[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-c", script(page)],
        cwd=project,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{name(page)} ends with {done.returncode}:\n{done.stdout[-6000:]}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly."""
    built = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", built / "docs")
    shutil.copy(ROOT / "mkdocs.yml", built)
    done = subprocess.run(
        [ROOT / ".venv-docs/bin/zensical", "build", "--strict", "--clean"],
        cwd=built,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return built / ".landrun/site"


def test_nothing_of_the_site_comes_from_elsewhere(site: Path) -> None:
    loads = re.compile(
        r"<(?:script|img|iframe|source)[^>]+src=[\"']?(?:https?:)?//|<link[^>]+href=[\"']?(?:https?:)?//"
    )
    found = {
        page.relative_to(site).as_posix(): text
        for page in site.rglob("*.html")
        if (text := loads.findall(page.read_text(encoding="utf-8")))
    }
    styles = [
        style.name
        for style in site.rglob("*.css")
        if re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//", style.read_text(encoding="utf-8"))
    ]
    assert (found, styles) == ({}, [])


def test_every_page_is_built(site: Path) -> None:
    built = {page.relative_to(site).with_suffix("").as_posix() for page in site.rglob("*.html")}
    wanted = {page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in pages()[1:]}
    assert wanted <= built
