"""Options and arguments as commands declare them, and how the usage line spells them."""

from typing import Annotated, Any

import typer
from typer._click.core import Context
from typer.core import TyperCommand

_BRACES = str.maketrans("", "", "{}")


class Command(TyperCommand):
    """A command whose usage line reads ``RUN…``, where Typer writes ``{RUN}...``."""

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """Return the parts of the usage line."""
        shown = (one for one in self.params if not getattr(one, "hidden", False))
        pieces = [piece for one in shown for piece in one.get_usage_pieces(ctx)]
        spelled = (piece.translate(_BRACES).replace("]...", "…]") for piece in pieces)
        return ["[OPTIONS]", *(piece.replace("...", "…") for piece in spelled)]


def argument(metavar: str, help_text: str) -> Any:
    """Declare an argument."""
    return typer.Argument(metavar=metavar, help=help_text, show_default=False)


def option(metavar: str, help_text: str, *flags: str, **more: Any) -> Any:
    """Declare an option with a value, whose default the help does not show."""
    return typer.Option(*flags, metavar=metavar, help=help_text, show_default=False, **more)


def flag(help_text: str, *flags: str) -> Any:
    """Declare an option without a value."""
    return typer.Option(*flags, help=help_text)


JsonOption = Annotated[bool, flag("Write JSON.", "--json")]
YesOption = Annotated[bool, flag("Do not ask for confirmation.", "--yes", "-y")]
OpenOption = Annotated[bool, flag("Open the page in the browser.", "--open")]
WaitOption = Annotated[bool, flag("Wait for the run's end, and show it.", "--wait")]
SinceOption = Annotated[
    str,
    option(
        "TIME",
        "A relative time such as 30m, 12h, 2d or 4w, or a timestamp such as 2026-11-22T03:00:00Z.",
    ),
]
PatienceOption = Annotated[
    float,
    typer.Option(min=1, metavar="SECONDS", help="Give up when no run starts for this long."),
]
RunArgument = Annotated[
    str,
    argument("RUN", "A run's name, or enough of its beginning or of its digits to identify it."),
]
RunsArgument = Annotated[
    list[str] | None,
    argument(
        "RUN",
        "Runs' names, or enough of their beginnings or of their digits to identify them.",
    ),
]
