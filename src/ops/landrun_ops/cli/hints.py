"""What is said beside a command's answer, and the commands that are named to go on with."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import typer

from landrun.sanitize import printable
from landrun_ops.shell import quoted

if TYPE_CHECKING:
    from landrun_ops.cli.target import Target


def note(line: str) -> None:
    """Write one line to stderr that is no complaint."""
    typer.echo(printable(line), err=True)


def typed(target: Target, *words: str) -> str:
    """Spell a command about the same stack, as it is to be typed."""
    return f"landrun {' '.join(map(quoted, words))}{stack_options(target)}"


def stack_options(target: Target) -> str:
    """Spell the options by which the next command finds the same stack, with a space before."""
    given = {
        "--stack": _unless_known(target.stack, "LANDRUN_STACK"),
        "--profile": target.profile,
        "--region": target.region,
        "--project": str(target.project or ""),
        "--state-dir": _unless_known(str(target.state_dir or ""), "LANDRUN_STATE_DIR"),
    }
    return "".join(f" {name} {shlex.quote(value)}" for name, value in given.items() if value)


def _unless_known(value: str, variable: str) -> str:
    return "" if value == os.environ.get(variable) else value
