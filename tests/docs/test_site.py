"""The commands of all pages, run; the site, built: `make docs`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from .conftest import environment
from .pages import PAGES, ROOT, name, script

pytestmark = [
    pytest.mark.skipif("LANDRUN_DOCS" not in os.environ, reason="make docs does this"),
    pytest.mark.timeout(400),
]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
ON_A_STACK = [page for page, text in TEXTS.items() if "\n<!-- laptop -->\n" in text]
ELSEWHERE = [page for page, text in TEXTS.items() if script(text) and page not in ON_A_STACK]


@pytest.mark.parametrize("page", ELSEWHERE, ids=name)
def test_commands_work_in_a_new_checkout(
    page: Path, checkout: Callable[[], Path], tmp_path: Path
) -> None:
    project = checkout()
    run(page, project, environment(project, tmp_path))


@pytest.mark.parametrize("page", ON_A_STACK, ids=name)
def test_commands_work_on_a_stack_in_which_things_have_happened(
    page: Path, busy: tuple[Path, Mapping[str, str]], tmp_path: Path
) -> None:
    project, surroundings = busy
    run(page, project, {**surroundings, "SCRATCH": str(tmp_path)})


def run(page: Path, project: Path, env: Mapping[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-c", script(TEXTS[page])],
        cwd=project,
        env=env,
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
    command = [ROOT / ".venv-docs/bin/zensical", "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=built, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return built / ".landrun/site"


@pytest.mark.parametrize(
    ("files", "loads"),
    [
        ("*.html", r"<(?:script|img|iframe|source)[^>]+src=[\"']?(?:https?:)?//"),
        ("*.html", r"<link[^>]+href=[\"']?(?:https?:)?//"),
        ("*.css", r"(?:url\(|@import )[\"']?(?:https?:)?//"),
    ],
)
def test_nothing_of_the_site_comes_from_elsewhere(site: Path, files: str, loads: str) -> None:
    found = {
        file: re.findall(loads, file.read_text(encoding="utf-8")) for file in site.rglob(files)
    }
    assert found
    assert [file for file in found if found[file]] == []


def test_every_page_is_built(site: Path) -> None:
    built = {page.relative_to(site).with_suffix("").as_posix() for page in site.rglob("*.html")}
    wanted = {page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in PAGES[1:]}
    assert wanted <= built
