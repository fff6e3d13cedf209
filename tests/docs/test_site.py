"""The commands of all pages, run; the site, built: `make docs`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from .pages import DOCS, HEAD, PAGES, README, ROOT, distinct, name, script

pytestmark = [
    pytest.mark.skipif("LANDRUN_DOCS" not in os.environ, reason="make docs does this"),
    pytest.mark.timeout(400),
]
IGNORED = shutil.ignore_patterns(
    ".git", ".venv*", ".landrun", ".aws-sam", ".*_cache", ".cache", ".hypothesis", "__pycache__"
)
SITE = ROOT / ".landrun/site"
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
DEMO = "```sh\nmake demo\n```"
OPERATORS = [page for page in PAGES if page.parent.name == "alarms" or page.name == "operate.md"]
"""Their commands are for a stack in which things have happened; they follow the README's."""
ALONE = {
    name(page): script(TEXTS[page].replace(DEMO, ""))
    for page in PAGES
    if page not in (README, *OPERATORS)
}
HAPPENED = """
printf 'colour,size\\nred,3\\n' > .landrun/colours.csv
landrun land .landrun/colours.csv
aws sqs send-message --endpoint-url "$AWS_ENDPOINT_URL" --message-body '{cut off' \
  --queue-url "$LANDRUN_LANDING_DEAD_LETTER_QUEUE_URL" \
  --message-attributes 'Reason={DataType=String,StringValue=not JSON}'
"""
"""A run that fails, and a dead letter."""


@pytest.fixture
def checkout(tmp_path):
    """A new copy of the project, set up as ``make demo`` does it."""
    folder = tmp_path / "landrun"
    shutil.copytree(ROOT, folder, ignore=IGNORED)
    (folder / ".venv").mkdir()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv" / part).symlink_to(ROOT / ".venv-ops" / part)
    (folder / ".venv/.ops").touch()  # make must not set up this project from there
    return folder


def run(commands, project):
    """Run commands in a new terminal, where landrun comes first, and aws and jupyter are, too."""
    ours = ("AWS_", "LANDRUN_", "PYTEST_", "PYTHON", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    own = {"HOME": str(project.parent), "SCRATCH": str(project.parent), "NO_COLOR": "1"}
    path = f"{project}/.venv/bin:{os.environ['PATH']}:{ROOT}/.venv/bin"
    done = subprocess.run(
        ["sh", "-xc", HEAD + commands],
        cwd=project,
        env=kept | own | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]


def test_commands_of_the_readme_and_then_those_for_operators_work(checkout):
    operators = distinct(TEXTS[page] for page in OPERATORS)
    run(script(TEXTS[README]) + HAPPENED + operators, checkout)


@pytest.mark.parametrize("page", [page for page, commands in ALONE.items() if commands])
def test_commands_of_a_page_work_in_a_new_checkout(page, checkout):
    run(ALONE[page], checkout)


@pytest.mark.parametrize(
    ("files", "loads"),
    [
        ("*.html", r"<(?:script|img|iframe|source)[^>]+src=[\"']?(?:https?:)?//"),
        ("*.html", r"<link[^>]+href=[\"']?(?:https?:)?//"),
        ("*.css", r"(?:url\(|@import )[\"']?(?:https?:)?//"),
    ],
)
def test_nothing_of_the_site_comes_from_elsewhere(files, loads):
    found = {file: re.findall(loads, file.read_text("utf-8")) for file in SITE.rglob(files)}
    assert found
    assert [file for file in found if found[file]] == []


def test_every_page_is_built():
    built = {page.relative_to(SITE).with_suffix("") for page in SITE.rglob("*.html")}
    assert {page.relative_to(DOCS).with_suffix("") for page in PAGES[1:]} <= built
