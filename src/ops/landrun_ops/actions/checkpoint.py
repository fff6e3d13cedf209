"""How far a long command has come, in a file, so that the same command can continue."""

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
class Progress:
    """The last key that was sent, how many were sent, and since when (ISO 8601 in UTC)."""

    after: str
    sent: int
    began: str


class Checkpoint:
    """The progress of one command; it survives whatever ends the command.

    Parameters
    ----------
    folder : Path
        See `folder`.
    what : str
        The command and what it is about: another ``what`` has a checkpoint of its own.
    """

    def __init__(self, folder: Path, what: str) -> None:
        self.path = folder / f"backfill-{hashlib.sha256(what.encode()).hexdigest()[:16]}.json"
        self._what = what

    def read(self) -> Progress | None:
        """Return the progress; None at the beginning, or if the file cannot be read."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            return Progress(str(content["after"]), int(content["sent"]), str(content["began"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, progress: Progress) -> None:
        """Write the progress, whole or not at all.

        Raises
        ------
        ConfigurationError
            When the file cannot be written; names it.
        """
        unfinished = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"what": self._what, **asdict(progress)}, indent=2)
            unfinished.write_text(f"{text}\n", encoding="utf-8")
            unfinished.replace(self.path)
        except OSError as error:
            raise ConfigurationError(
                f"cannot note how far it has come in {self.path}: {error.strerror};"
                " let XDG_STATE_HOME name a folder that can be written to"
            ) from error

    def remove(self) -> None:
        """Forget the progress: the command begins anew."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of landrun's state (XDG Base Directory Specification)."""
    home = environment.get("XDG_STATE_HOME") or ""
    base = Path(home) if home.startswith("/") else Path.home() / ".local" / "state"
    return base / "landrun"
