"""``landrun explain``: what became of one object, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from landrun_ops.cli import options
from landrun_ops.cli import target as places
from landrun_ops.cli.console import stack_options


@places.on_stack
def explain(
    target: places.Target,
    uri: Annotated[
        str,
        typer.Argument(metavar="URI", help="The object, as s3://bucket/key.", show_default=False),
    ],
    *,
    version_id: Annotated[
        str,
        typer.Option(
            "--version-id",
            metavar="ID",
            help="One of its versions; else the newest.",
            show_default=False,
        ),
    ] = "",
    json: options.JsonOption = False,
) -> int:
    """Say which run processed an object, or why none did, and what to do.

    Example: landrun explain s3://bucket/incoming/orders.jsonl
    """
    stack = target.find()
    # Late, like all that takes longer to import than --help may take.
    from landrun_ops.cli.explain_run import run_explain  # noqa: PLC0415

    return run_explain(stack, uri, version_id, options=stack_options(target), json=json)
