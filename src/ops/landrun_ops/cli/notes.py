"""What is said beside a command's answer, and the commands that are named to go on with."""

from __future__ import annotations

import os
from shlex import quote
from typing import TYPE_CHECKING

import typer

from landrun.outside import printable

if TYPE_CHECKING:
    from landrun_ops.cli.places import Target


def note(line: str) -> None:
    """Write one line to stderr that is no complaint."""
    typer.echo(printable(line), err=True)


def stack_options(target: Target) -> str:
    """Spell the options by which the next command finds the same stack, with a space before."""
    given = {"--profile": target.profile, "--region": target.region}
    if target.stack != os.environ.get("LANDRUN_STACK", ""):
        given = {"--stack": target.stack, **given}
    return "".join(f" {name} {quote(value)}" for name, value in given.items() if value)
