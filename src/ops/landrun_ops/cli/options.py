"""Options and arguments that several commands have, and how the usage line spells them."""

from __future__ import annotations

from typing import Annotated

import typer
from typer._click.core import Context
from typer.core import TyperCommand

_BRACES = str.maketrans("", "", "{}")


class Command(TyperCommand):
    """A command whose usage line reads ``RUN…``, where Typer writes ``{RUN}...``."""

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """Return the parts of the usage line."""
        shown = [one for one in self.params if not getattr(one, "hidden", False)]
        pieces = [piece for one in shown for piece in one.get_usage_pieces(ctx)]
        spelled = (piece.translate(_BRACES).replace("]...", "…]") for piece in pieces)
        return ["[OPTIONS]", *(piece.replace("...", "…") for piece in spelled)]


JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
SinceOption = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="TIME",
        help="A relative time such as 30m, 12h, 2d or 4w, or a timestamp such as"
        " 2026-11-22T03:00:00Z.",
        show_default=False,
    ),
]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run's name, or enough of its beginning or of its digits to identify it.",
        show_default=False,
    ),
]
RunsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RUN",
        help="Runs' names, or enough of their beginnings or of their digits to identify them.",
        show_default=False,
    ),
]
