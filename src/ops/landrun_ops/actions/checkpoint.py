"""Where a long command stands, in a file of its own, so that the same command can go on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from landrun.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Place:
    """How far it has come.

    Attributes
    ----------
    after : str
        The last key that was sent.
    sent : int
        How many were.
    began : str
        When, ISO 8601 in UTC.
    """

    after: str
    sent: int
    began: str


class Bookmark:
    """The place of one command over one thing; whoever is killed leaves it.

    Parameters
    ----------
    folder : Path
        See `folder`.
    what : str
        Which command it is and over what: another ``what`` has a bookmark of its own.
    """

    def __init__(self, folder: Path, what: str) -> None:
        self.path = folder / f"backfill-{hashlib.sha256(what.encode()).hexdigest()[:16]}.json"
        self._what = what

    def read(self) -> Place | None:
        """Say where it stands; None where it is at its beginning."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            return Place(str(content["after"]), int(content["sent"]), str(content["began"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def move(self, place: Place) -> None:
        """Note where it stands, whole or not at all.

        Raises
        ------
        ConfigurationError
            When the file cannot be written; names it.
        """
        unfinished = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"what": self._what, **asdict(place)}, indent=2)
            unfinished.write_text(f"{text}\n", encoding="utf-8")
            unfinished.replace(self.path)
        except OSError as error:
            raise ConfigurationError(
                f"cannot note how far it has come in {self.path}: {error.strerror};"
                " let XDG_STATE_HOME name a folder that can be written to"
            ) from error

    def remove(self) -> None:
        """Forget the place: the command begins anew."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Name the folder of landrun's state (XDG Base Directory Specification)."""
    home = environment.get("XDG_STATE_HOME") or ""
    base = Path(home) if home.startswith("/") else Path.home() / ".local" / "state"
    return base / "landrun"
