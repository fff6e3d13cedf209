"""What runs a Processing script on one host: a subprocess here; in Docker, see docker_container."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

# Where SageMaker and the user's image put things; both stand for folders of this machine here.
OPT_ML = "/opt/ml"
OPT_PROGRAM = "/opt/program"

_PATH = re.compile(
    r"""(?:^|(?<=file://)|(?<=[\s=:,;'"(\[{@]))   # where a path begins
        (?P<folder>/opt/(?:ml|program))
        (?=$|[/\s:,;'")\]}])                       # and its folder's name ends""",
    re.VERBOSE,
)
_PYTHON = re.compile(r"(?:/usr(?:/local)?/bin/)?python(?:3(?:\.\d+)?)?")


class ContainerStartError(Exception):
    """The command could not be started at all; the message says why."""


class Container(Protocol):
    """One host of a job: ``start`` once, ``wait`` for its end, ``stop`` and ``discard`` always."""

    def start(self) -> None:
        """Start the command; raise ``ContainerStartError`` when that is not possible."""

    def wait(self, seconds: float) -> int | None:
        """Exit code as a shell gives it (137 for a SIGKILL); None when still running."""

    def stop(self, grace: float) -> None:
        """End it and all its children: SIGTERM, ``grace`` seconds later SIGKILL."""

    def collect(self) -> None:
        """Bring what it wrote to the job's folders, once it has ended."""

    def discard(self) -> None:
        """Leave nothing of it behind; what was not collected is lost."""


class ProcessContainer:
    """A subprocess in a session of its own, its output in a file.

    Parameters
    ----------
    command
        Program and arguments, paths of this machine.
    environment
        All of it: nothing is inherited.
    folder
        Working directory.
    log
        File that receives stdout and stderr.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._folder = folder
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """See ``Container``."""
        try:
            with self._log.open("wb") as output:
                self._process = self._popen(output)
        except (OSError, ValueError) as error:
            raise ContainerStartError(f"cannot run {self._command[0]!r}: {error}") from error

    def _popen(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - running the user's script is what a job is
            self._command,
            env=self._environment,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self, seconds: float) -> int | None:
        """See ``Container``."""
        if self._process is None:
            return None
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return code if code >= 0 else 128 - code

    def stop(self, grace: float) -> None:
        """See ``Container``; also ends children that outlive the script."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            self.wait(grace)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def collect(self) -> None:
        """See ``Container``; it wrote to the job's folders itself."""

    def discard(self) -> None:
        """See ``Container``; nothing is left of a process."""

    def _signal(self, number: signal.Signals) -> None:
        # The group's id is the leader's pid; macOS refuses to signal a group of zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process is not None:
                os.killpg(self._process.pid, number)


def rewrite(text: str, *, opt_ml: Path, program: Path) -> str:
    """Give each path under ``/opt/ml`` or ``/opt/program`` in ``text`` its place on this machine.

    Only where a path begins, so that ``s3://bucket/opt/ml/x`` stays as it is.

    >>> rewrite("--input=/opt/ml/processing/in", opt_ml=Path("/t/ml"), program=Path("/p"))
    '--input=/t/ml/processing/in'
    """
    folders = {OPT_ML: str(opt_ml), OPT_PROGRAM: str(program)}
    return _PATH.sub(lambda found: folders[found["folder"]], text)


def command_line(words: Sequence[str], *, python: str, opt_ml: Path, program: Path) -> list[str]:
    """Turn an entrypoint and its arguments into a command of this machine.

    ``python``, ``python3`` and their like become the interpreter ``python``.
    """
    line = [rewrite(word, opt_ml=opt_ml, program=program) for word in words]
    if line and _PYTHON.fullmatch(line[0]):
        line[0] = python
    return line
