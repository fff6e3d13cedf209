"""A console on which no text moves the cursor, colours what follows, or turns it round."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from landrun.sanitize import printable


class Screen(Console):
    """Rich's console; Rich itself lets escape sequences in a text through to the terminal."""

    def print(self, *objects: Any, **how: Any) -> None:
        """Print, with what is not printable in a text, line breaks apart, shown as escapes."""
        super().print(*(_plain(one) for one in objects), **how)


def _plain(one: Any) -> Any:
    return "\n".join(map(printable, one.split("\n"))) if isinstance(one, str) else one
