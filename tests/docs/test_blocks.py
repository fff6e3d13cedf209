"""What is read out of pages, and how their scripts are made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .blocks import blocks, script

PAGE = """\
<!-- not run: needs an AWS account -->
```sh
sam deploy
```

<!-- exits: 0 3 -->
```sh
exit_with() { return "$1"; }
exit_with 3
```

```json
{}
```

```sh
echo RUNS s3://BUCKET/KEY
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def run(page: Path) -> subprocess.CompletedProcess[str]:
    env = {"LANDRUN_LANDING_BUCKET": "landings", "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        ["sh", "-c", script(page)], env=env, capture_output=True, text=True, check=False
    )


def test_blocks_are_found_with_their_place_and_how_they_are_run() -> None:
    assert [(one.line, one.language, one.not_run, one.exits) for one in blocks(PAGE)] == [
        (3, "sh", "needs an AWS account", (0,)),
        (8, "sh", None, (0, 3)),
        (13, "json", None, (0,)),
        (17, "sh", None, (0,)),
    ]


def test_a_script_runs_what_is_to_be_run_with_the_readers_own_names(page: Path) -> None:
    done = run(page)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[-2] == "RUNS s3://landings/incoming/orders.jsonl"
    assert "sam deploy" not in script(page)


def test_what_stays_is_ended_with_the_script(page: Path) -> None:
    page.write_text(
        "<!-- stays -->\n```sh\nsh -c 'echo up; exec sleep 60'\n```\n\n```sh\necho on\n```\n"
    )
    env = {"SCRATCH": str(page.parent), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["sh", "-c", script(page)], env=env, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.stdout.endswith("on\n"), done.stderr
    assert (page.parent / "3").read_text(encoding="utf-8") == "up\n"


def test_what_should_stay_and_does_not_ends_the_script(page: Path) -> None:
    page.write_text("<!-- stays -->\n```sh\nsh -c 'echo no >&2; exit 1'\n```\n", encoding="utf-8")
    env = {"SCRATCH": str(page.parent), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["sh", "-c", script(page)], env=env, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "no\n"
