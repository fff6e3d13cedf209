"""Docker's command line, which builds with BuildKit and knows where credentials are kept."""

import shutil
import subprocess
from collections.abc import Sequence

from landrun.errors import LandrunError

STDERR = 2
"""File descriptor to which Docker's progress is written."""


class DockerError(LandrunError):
    """Docker is not installed, does not answer, or refused a command."""


class Docker:
    """Runs Docker's command line; raises DockerError when a command fails."""

    def __init__(self, program: str = "docker") -> None:
        self._program = program

    def __call__(self, *words: str, stdin: str = "") -> str:
        """Run ``docker words…`` and return what it wrote to stdout, without surrounding space."""
        command = self._command(words)
        done = subprocess.run(  # noqa: S603 - the words are a list, no shell reads them
            command, input=stdin.encode(), capture_output=True, start_new_session=True, check=False
        )
        if done.returncode:
            raise DockerError(f"docker {words[0]}: {_reason(done.stderr.decode(errors='replace'))}")
        return done.stdout.decode(errors="replace").strip()

    def show(self, *words: str, environment: dict[str, str] | None = None) -> None:
        """Run ``docker words…``, all that it writes going to our stderr."""
        done = subprocess.run(self._command(words), env=environment, stdout=STDERR, check=False)  # noqa: S603
        if done.returncode:
            raise DockerError(f"docker {words[0]} failed; what it wrote says why")

    def _command(self, words: Sequence[str]) -> list[str]:
        program = shutil.which(self._program)
        if program is None:
            raise DockerError(f"there is no {self._program} here: install Docker and start it")
        return [program, *words]


def _reason(stderr: str) -> str:
    """Return the last line of Docker's error output, without its usage hint and prefix.

    >>> _reason("Error response from daemon: no such image")
    'no such image'
    """
    lines = [line for line in stderr.splitlines() if line.strip() and "--help" not in line]
    return lines[-1].removeprefix("Error response from daemon: ").strip() if lines else "failed"
