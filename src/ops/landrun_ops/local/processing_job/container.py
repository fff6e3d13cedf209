"""Runs a Processing script on one host: in a subprocess here, in Docker in docker_container."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

# Where SageMaker and the user's image put things; both stand for folders of this machine here.
OPT_ML: Final = "/opt/ml"
OPT_PROGRAM: Final = "/opt/program"

_PATH: Final = re.compile(
    r"""(?:^|(?<=file://)|(?<=[\s=:,;'"(\[{@]))   # where a path begins
        (?P<folder>/opt/(?:ml|program))
        (?=$|[/\s:,;'")\]}])                       # and its folder's name ends""",
    re.VERBOSE,
)
_PYTHON: Final = re.compile(r"(?:/usr(?:/local)?/bin/)?python(?:3(?:\.\d+)?)?")
_SUPERVISOR: Final = Path(__file__).with_name("supervisor.py")


class ContainerStartError(Exception):
    """The command could not be started at all; the message says why."""


class Container(Protocol):
    """One host of a job; of what it started nothing is left once it is stopped."""

    def start(self) -> None:
        """Start the command. Raises ContainerStartError when that is not possible."""

    def wait(self, seconds: float) -> int | None:
        """Exit code as a shell gives it (137 for a SIGKILL); None when still running."""

    def stop(self) -> None:
        """End it and all its children: SIGTERM, later SIGKILL."""

    def collect(self) -> None:
        """Bring what it wrote to the job's folders."""

    def discard(self) -> None:
        """Leave nothing of it behind; what was not collected is lost."""


class Subprocess(Container):
    """A host that is a process here: nothing of it outlives the script or this process.

    It runs in ``folder``, with ``environment`` and nothing else, and writes into ``log``; ``grace``
    are the seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        log: Path,
        grace: float,
    ) -> None:
        self._command = command
        self._environment = dict(environment)
        self._folder = folder
        self._log = log
        self._grace = grace
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the command. Raises ContainerStartError when that is not possible."""
        program = self._command[0]
        if not shutil.which(program, path=self._environment.get("PATH")):
            raise ContainerStartError(f"cannot run {program!r}: there is no such program")
        supervisor = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(self._grace)]
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - running the user's script is a job
                [*supervisor, *self._command],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, seconds: float) -> int | None:
        """Exit code as a shell gives it (137 for a SIGKILL); None when still running."""
        if self._process is None:
            return None
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return code if code >= 0 else 128 - code

    def stop(self) -> None:
        """End it and all its children: SIGTERM, later SIGKILL."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self.wait(self._grace + 5) is None:
            self._process.kill()
            self._process.wait()

    def collect(self) -> None:
        """Do nothing: it has written to the job's folders itself."""

    def discard(self) -> None:
        """Do nothing: all that it had are the job's folders."""


def rewrite(text: str, opt_ml: Path, program: Path) -> str:
    """Replace each path under ``/opt/ml`` or ``/opt/program`` in ``text`` by this machine's.

    Only where a path begins, so that ``s3://bucket/opt/ml/x`` stays as it is.

    >>> rewrite("--input=/opt/ml/processing/in", Path("/t/ml"), Path("/p"))
    '--input=/t/ml/processing/in'
    """
    folders = {OPT_ML: str(opt_ml), OPT_PROGRAM: str(program)}
    return _PATH.sub(lambda found: folders[found["folder"]], text)


def is_python(program: str) -> bool:
    """Whether an entrypoint's program is the image's Python, which is another one here."""
    return _PYTHON.fullmatch(program) is not None
