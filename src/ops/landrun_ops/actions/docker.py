"""The one door to Docker: its command line, which is where contexts and credentials are kept."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from typing import IO, Any

from landrun.errors import LandrunError

STDERR = 2
"""The number of the file that our own complaints go to."""


class DockerError(LandrunError):
    """Docker is not there, does not answer, or refused; says so in its words and what to do."""


class Docker:
    """Docker's client; not podman, which has no ``volume-nocopy`` nor ``volume-label``.

    Every call raises DockerError when Docker is not there, or ends with another exit code than 0.
    """

    def __init__(self, program: str = "docker") -> None:
        self._program = program

    def __call__(
        self, *words: str, stdin: str | None = None, environment: dict[str, str] | None = None
    ) -> str:
        """Run ``docker words…`` and return what it wrote to stdout, without surrounding space."""
        given = None if stdin is None else stdin.encode()
        done = self._run(words, input=given, stdout=subprocess.PIPE, env=environment)
        return done.stdout.decode(errors="replace").strip()

    def copy(self, source: str, target: str, archive: IO[bytes]) -> None:
        """Run ``docker cp``; ``-`` is the tar archive, read as the source or written as target."""
        at = {"stdin": archive} if source == "-" else {"stdout": archive}
        archive.seek(0)
        self._run(("cp", source, target), **at)
        archive.seek(0)

    def show(self, *words: str, environment: dict[str, str] | None = None) -> None:
        """Run ``docker words…``, all that it writes going to our stderr."""
        done = subprocess.run(self._command(words), env=environment, stdout=STDERR, check=False)  # noqa: S603
        if done.returncode:
            raise DockerError(f"docker {words[0]} failed; what it wrote says why")

    def start(self, *words: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start ``docker words…``, all that it writes going to ``output``."""
        return subprocess.Popen(  # noqa: S603
            self._command(words),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for us to handle
        )

    def check(self, image: str, remedy: str) -> None:
        """Raise ``DockerError`` unless Docker answers and has the image; ``remedy`` gets it."""
        self("version", "--format", "{{.Server.Version}}")
        if not self("image", "ls", "--quiet", image):
            raise DockerError(f"Docker has no image {image}: {remedy}")

    def _run(self, words: Sequence[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        command = self._command(words)
        done = subprocess.run(  # noqa: S603 - the words are a list, no shell reads them
            command, stderr=subprocess.PIPE, start_new_session=True, check=False, **options
        )
        if done.returncode:
            raise DockerError(f"docker {words[0]}: {_reason(done.stderr.decode(errors='replace'))}")
        return done

    def _command(self, words: Sequence[str]) -> list[str]:
        program = shutil.which(self._program)
        if program is None:
            raise DockerError(f"there is no {self._program} here: install Docker and start it")
        return [program, *words]


def _reason(stderr: str) -> str:
    """Pick what matters of what Docker wrote: not its usage, nor who says it.

    >>> _reason("Error response from daemon: no such image")
    'no such image'
    """
    lines = [line for line in stderr.splitlines() if line.strip() and "--help" not in line]
    return lines[-1].removeprefix("Error response from daemon: ").strip() if lines else "failed"
