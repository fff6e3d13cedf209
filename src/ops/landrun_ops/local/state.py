"""The state folder: which process is up, its environment, and processes left by a killed one."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landrun_ops.local.errors import LocalAwsError, NotUpError

ENVIRONMENT_FILE = "env.json"


def default_state_dir(project: Path) -> Path:
    """Return the folder in which the laptop's AWS of ``project`` keeps its state."""
    return project / ".landrun" / "local"


@contextlib.contextmanager
def held(state_dir: Path) -> Iterator[list[str]]:
    """Lock ``state_dir`` for the block; yield lines about a killed process that had it before.

    Raises LocalAwsError when another process holds it, or it is no folder.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        folder = os.open(state_dir, os.O_RDONLY)
    except OSError as error:
        why = f"{state_dir} cannot be the state folder: {error.strerror}"
        raise LocalAwsError(f"{why}; name another with --state-dir") from error
    file = state_dir / ENVIRONMENT_FILE
    with contextlib.ExitStack() as closing:
        closing.callback(os.close, folder)
        if not _try_lock(folder):
            pid = _read(state_dir).get("pid", "unknown")
            raise LocalAwsError(
                f"the laptop's AWS is already up in {state_dir} (process {pid});"
                " stop it with Ctrl-C there, or give another state folder"
            )
        found = ["the laptop's AWS was killed here: it starts empty"] if file.exists() else []
        found += Processes(state_dir).end_leftovers()
        closing.callback(file.unlink, missing_ok=True)
        write(state_dir, {})
        yield found


def write(state_dir: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` and this process's id for `read`; with an ``environment`` once it is up."""
    replace(state_dir / ENVIRONMENT_FILE, json.dumps({"pid": os.getpid(), **content}, indent=2))


def replace(file: Path, text: str) -> None:
    """Write a file atomically; only the user may read it, because it holds the access key."""
    unfinished = file.with_name(f"{file.name}.new")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600, exist_ok=False)
    unfinished.write_text(f"{text}\n", encoding="utf-8")
    unfinished.replace(file)


def read(state_dir: Path) -> dict[str, Any]:
    """Return the content written by the laptop's AWS that is up there; NotUpError if none is."""
    if not _is_held(state_dir):
        raise NotUpError(
            f"the laptop's AWS is not up in {state_dir}; start it with: landrun local up"
        )
    content = _read(state_dir)
    if "environment" not in content:
        raise NotUpError(
            f"the laptop's AWS in {state_dir} is not ready, or its {ENVIRONMENT_FILE} is damaged:"
            " wait, or stop it with Ctrl-C and start it with: landrun local up"
        )
    return content


def read_environment(state_dir: Path) -> dict[str, str]:
    """Return the environment by which SDKs find it; raises NotUpError if none is up."""
    environment: dict[str, str] = read(state_dir)["environment"]
    return environment


class Processes:
    """Records the processes that the laptop's AWS starts, so that the next start can end leftovers.

    Each has a file with its start time, so that no other process that got its id is ended.
    """

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "processes"

    def add(self, pid: int) -> None:
        """Record a process that leads a group of its own."""
        self._folder.mkdir(exist_ok=True)
        replace(self._folder / str(pid), _start_time(pid))

    def remove(self, pid: int) -> None:
        """Forget a process that has ended."""
        (self._folder / str(pid)).unlink(missing_ok=True)

    def end_leftovers(self) -> list[str]:
        """Kill recorded processes that still run, and return a line about them."""
        ended = []
        for file in sorted(self._folder.glob("[0-9]*")):
            with contextlib.suppress(OSError, ValueError):
                pid, started = int(file.name), file.read_text(encoding="utf-8").strip()
                if started and started == _start_time(pid):
                    os.killpg(pid, signal.SIGKILL)
                    ended.append(str(pid))
            file.unlink(missing_ok=True)
        return [f"ended what it had left running: {', '.join(ended)}"] if ended else []


def _start_time(pid: int) -> str:
    """Return when a process started, as ps says it; empty when there is none."""
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603


def _read(state_dir: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((state_dir / ENVIRONMENT_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _is_held(state_dir: Path) -> bool:
    try:
        folder = os.open(state_dir, os.O_RDONLY)
    except OSError:
        return False
    is_free = _try_lock(folder)
    os.close(folder)
    return not is_free


def _try_lock(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
