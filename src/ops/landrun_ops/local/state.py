"""The state folder: who is up, and the environment that other processes use to reach it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landrun_ops.local.errors import AlreadyUpError, NotUpError

ENVIRONMENT_FILE = "env.json"


def default_state_dir(project: Path) -> Path:
    """Return the folder in which the laptop's AWS of ``project`` keeps its state."""
    return project / ".landrun" / "local"


@contextlib.contextmanager
def held(state_dir: Path) -> Iterator[None]:
    """Hold ``state_dir`` for this process alone; the hold ends with the process, however it ends.

    Raises
    ------
    AlreadyUpError
        When another process holds it.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    folder = os.open(state_dir, os.O_RDONLY)
    try:
        if not _try_lock(folder):
            raise AlreadyUpError(_whose(state_dir))
        (state_dir / ENVIRONMENT_FILE).unlink(missing_ok=True)
        try:
            yield
        finally:
            (state_dir / ENVIRONMENT_FILE).unlink(missing_ok=True)
    finally:
        os.close(folder)


def write(state_dir: Path, content: Mapping[str, Any]) -> None:
    """Leave ``content``, which has an ``environment``, and this process's id for :func:`read`.

    The environment has the key to the laptop's AWS: nobody but the user may read the file.
    """
    unfinished = state_dir / f"{ENVIRONMENT_FILE}.new"
    text = json.dumps({"pid": os.getpid(), **content}, indent=2)
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600, exist_ok=False)
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(state_dir / ENVIRONMENT_FILE)


def read(state_dir: Path) -> dict[str, Any]:
    """Return what the laptop's AWS that is up in ``state_dir`` has written there.

    Raises
    ------
    NotUpError
        When none is up there, or the one that was has gone without closing.
    """
    content = _read(state_dir)
    if content is None or not _is_held(state_dir):
        raise NotUpError(
            f"the laptop's AWS is not up in {state_dir}; start it with: landrun local up"
        )
    return content


def read_environment(state_dir: Path) -> dict[str, str]:
    """Return the environment that leads SDKs and CLIs to what is up in ``state_dir``.

    Raises
    ------
    NotUpError
        When none is up there, or the one that was has gone without closing.
    """
    environment: dict[str, str] = read(state_dir)["environment"]
    return environment


def _read(state_dir: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((state_dir / ENVIRONMENT_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return content if isinstance(content, dict) else None


def _is_held(state_dir: Path) -> bool:
    folder = os.open(state_dir, os.O_RDONLY)
    try:
        return not _try_lock(folder)
    finally:
        os.close(folder)


def _try_lock(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _whose(state_dir: Path) -> str:
    other = _read(state_dir) or {}
    who = f" (process {other['pid']})" if other else ""
    return (
        f"the laptop's AWS is already up in {state_dir}{who}; "
        "stop it with Ctrl-C there, or give another state folder"
    )
