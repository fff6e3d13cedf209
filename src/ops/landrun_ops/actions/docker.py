"""The one door to Docker: its command line, which is where contexts and credentials are kept."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

from landrun.errors import LandrunError

STDERR = 2
"""The number of the file that our own complaints go to."""


class DockerError(LandrunError):
    """Docker is not there, does not answer, or refused; says so in its words and what to do."""


class Docker:
    """Docker's client.

    Parameters
    ----------
    program
        Its name or path; Docker's own, as podman has no ``volume-nocopy`` nor ``volume-label``.
    """

    def __init__(self, program: str = "docker") -> None:
        self._program = program

    def __call__(
        self, *words: str, stdin: str | None = None, environment: dict[str, str] | None = None
    ) -> str:
        """Run ``docker words…`` and give what it wrote to stdout, without surrounding space.

        Raises DockerError when it ends with another exit code than 0.
        """
        done = subprocess.run(  # noqa: S603 - the words are a list, no shell reads them
            self.command(words),
            input=stdin,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise DockerError(f"docker {words[0]}: {_told(done.stderr)}")
        return done.stdout.strip()

    def show(self, *words: str, environment: dict[str, str] | None = None) -> None:
        """Run ``docker words…``, all that it writes going to our stderr.

        Raises DockerError when it ends with another exit code than 0.
        """
        done = subprocess.run(self.command(words), env=environment, stdout=STDERR, check=False)  # noqa: S603
        if done.returncode:
            raise DockerError(f"docker {words[0]} failed; what it wrote says why")

    def start(self, *words: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start ``docker words…``, all that it writes going to ``output``."""
        return self._popen(words, stdout=output, stderr=subprocess.STDOUT)

    @contextlib.contextmanager
    def stream(self, *words: str, into: bool) -> Iterator[IO[bytes]]:
        """Yield what ``docker words…`` reads (``into``) or writes; at the end it is closed.

        Raises DockerError when Docker fails, or its end of the stream does.
        """
        piped = {"stdin": subprocess.PIPE} if into else {"stdout": subprocess.PIPE}
        with tempfile.TemporaryFile() as said:
            process = self._popen(words, stderr=said, **piped)
            try:
                # Closing it ends docker, whatever happened.
                with cast("IO[bytes]", process.stdin or process.stdout) as stream:
                    yield stream
            except (BrokenPipeError, tarfile.ReadError) as error:
                process.wait()
                raise DockerError(f"docker {words[0]}: {_said(said) or error}") from error
            finally:
                process.wait()
            if process.returncode:
                raise DockerError(f"docker {words[0]}: {_said(said)}")

    def _popen(self, words: Sequence[str], **streams: Any) -> subprocess.Popen[bytes]:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        # In a session of its own: a Ctrl-C is for us to handle.
        process: Any = subprocess.Popen(  # noqa: S603
            self.command(words), start_new_session=True, **(quiet | streams)
        )
        return cast("subprocess.Popen[bytes]", process)

    def check(self, image: str, remedy: str) -> None:
        """Raise ``DockerError`` unless Docker answers and has the image; ``remedy`` gets it."""
        self("version", "--format", "{{.Server.Version}}")
        if not self("image", "ls", "--quiet", image):
            raise DockerError(f"Docker has no image {image}: {remedy}")

    def command(self, words: Sequence[str]) -> list[str]:
        """Give the words of a command; raise ``DockerError`` when there is no such program."""
        program = shutil.which(self._program)
        if program is None:
            raise DockerError(f"there is no {self._program} here: install Docker and start it")
        return [program, *words]


def _told(stderr: str) -> str:
    """Pick what matters of what Docker wrote: not its usage, nor who says it.

    >>> _told("Error response from daemon: no such image")
    'no such image'
    """
    lines = [line for line in stderr.splitlines() if line.strip() and "--help" not in line]
    return lines[-1].removeprefix("Error response from daemon: ").strip() if lines else "failed"


def _said(stderr: IO[bytes]) -> str:
    stderr.seek(0)
    return _told(stderr.read().decode(errors="replace"))
