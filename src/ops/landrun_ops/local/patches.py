"""Changes to moto's classes that can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Patches:
    """Attributes set on modules and classes, remembered so that ``undo`` restores them.

    >>> patches = Patches()
    >>> class Door:
    ...     state = "shut"
    >>> patches.set(Door, "state", "open")
    >>> patches.undo()
    >>> Door.state
    'shut'
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Set ``owner.name``; an attribute that was inherited is inherited again after ``undo``."""
        own = vars(owner)
        if name in own:
            before = own[name]
            self._undo.append(lambda: setattr(owner, name, before))
        else:
            self._undo.append(lambda: delattr(owner, name))
        setattr(owner, name, value)

    def item(self, mapping: Any, key: str, value: Any) -> None:
        """Set ``mapping[key]``, which must be there already."""
        before = mapping[key]
        self._undo.append(lambda: mapping.__setitem__(key, before))
        mapping[key] = value

    def undo(self) -> None:
        """Restore everything, last change first; a second call does nothing."""
        while self._undo:
            self._undo.pop()()
