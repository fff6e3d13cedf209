"""Usage lines as people read them: ``RUN…`` and ``URI``, where typer writes ``{RUN}...``."""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperCommand


class Command(TyperCommand):
    """A command whose usage line has its arguments in capitals, optional ones in brackets."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002  (TyperCommand's)
        """Return the parts of the usage line."""
        arguments = [one for one in self.params if isinstance(one, TyperArgument)]
        pieces = [self.options_metavar] if self.options_metavar else []
        return [*pieces, *(_spelled(one) for one in arguments if not one.hidden)]


def _spelled(argument: TyperArgument) -> str:
    name = f"{argument.metavar or argument.name}{'' if argument.nargs == 1 else '…'}"
    return name if argument.required else f"[{name}]"
