"""Options and arguments that several commands have, with one meaning and one wording."""

from __future__ import annotations

from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
SinceOption = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="TIME",
        help="How long ago, as 30m, 12h, 2d or 4w; or a time, as 2026-11-22T03:00:00Z.",
        show_default=False,
    ),
]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run's name, or as much of its beginning, or of its digits', as is clear.",
        show_default=False,
    ),
]
RunsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RUN",
        help="Names of runs, or as much of their beginnings, or of their digits', as is clear.",
        show_default=False,
    ),
]
