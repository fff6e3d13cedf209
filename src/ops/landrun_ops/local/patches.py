"""Changes to moto's classes that can be taken back."""

import contextlib
from collections.abc import Callable
from typing import Any
from unittest.mock import patch


class Patches(contextlib.ExitStack):
    """Attributes and items that are set until the block ends, or until ``undo``.

    >>> class Door:
    ...     state = "shut"
    >>> with Patches() as patches:
    ...     patches.set(Door, "state", "open")
    >>> Door.state
    'shut'
    """

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Set ``owner.name``; an attribute that was inherited is inherited again afterwards."""
        self.enter_context(patch.object(owner, name, value, create=True))

    def wrap(self, owner: Any, name: str, function: Callable[..., Any]) -> None:
        """Set ``owner.name`` to what calls ``function`` with the one before and its arguments."""
        before = getattr(owner, name)
        self.set(owner, name, lambda *given, **named: function(before, *given, **named))

    def item(self, mapping: Any, key: str, value: Any) -> None:
        """Set ``mapping[key]``."""
        self.enter_context(patch.dict(mapping, {key: value}))

    def undo(self) -> None:
        """Restore everything, last change first."""
        self.close()
