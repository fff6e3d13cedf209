"""cfn-lint, on the template and on what it translates to: inside SAM resources it sees nothing.

The translation takes five seconds each time: `make scan` looks at it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.local.template import translate

scan_runs_it = pytest.mark.skipif("LANDRUN_SCAN" not in os.environ, reason="make scan runs it")

CFN_LINT = Path(sysconfig.get_path("scripts")) / "cfn-lint"


def lint(*templates: Path) -> list[str]:
    """Give what cfn-lint finds, as ``E3002 message``."""
    done = subprocess.run(
        [CFN_LINT, "--format", "json", "--regions", "us-east-1", "--", *templates],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return [f"{one['Rule']['Id']} {one['Message']}" for one in found]


@pytest.fixture
def lint_translated(template_path: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """Lint the translation, after a mistake was planted in it where one is given."""

    def lint_with(plant: Callable[[dict[str, Any]], None] | None = None) -> list[str]:
        template = translate(template_path, {}).template
        if plant:
            plant(template["Resources"])
        path = tmp_path / "translated.json"
        path.write_text(json.dumps(template), encoding="utf-8")
        return lint(path)

    return lint_with


def test_cfn_lint_finds_nothing_in_any_part_of_the_template(root: Path) -> None:
    parts = sorted((root / "src/stacks").glob("*.yaml"))
    assert [part.stem for part in parts] == [
        "monitoring",
        "notifications",
        "processing",
        "roles",
        "storage",
    ]
    assert lint(root / "template.yaml", *parts) == []


@scan_runs_it
def test_cfn_lint_finds_nothing_in_the_translation(
    lint_translated: Callable[..., list[str]],
) -> None:
    """Parameters do not change it: what they choose among is in it. `make scan` lints results."""
    assert lint_translated() == []


@scan_runs_it
def test_cfn_lint_sees_a_mistake_in_the_translation(
    lint_translated: Callable[..., list[str]],
) -> None:
    def plant(resources: dict[str, Any]) -> None:
        resources["ObjectCreatedFunction"]["Properties"]["MemorySze"] = 512

    assert any("MemorySze" in finding for finding in lint_translated(plant))
