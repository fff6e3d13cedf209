"""The laptop's AWS as commands bring it up: troubles are lines, details are in a file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from landrun_ops.actions.docker import Docker
    from landrun_ops.local import LocalAws

LOG_FILE = "aws.log"


@contextmanager
def laptop(
    project: Path,
    state_dir: Path,
    report: Callable[[str], None],
    *,
    port: int = 0,
    listen: Sequence[str] = (),
    parameters: Mapping[str, str],
    docker: Docker | None = None,
    enforce_iam: bool = False,
) -> Iterator[LocalAws]:
    """Bring the laptop's AWS up for the block.

    Raises LocalAwsError when it does not start; says why and what to do.

    Parameters
    ----------
    project : Path
        The folder of template.yaml.
    state_dir : Path
        Where its state goes, and what its parts log.
    report : Callable
        Takes a line for each trouble while it is up.
    port : int
        Where to listen; 0 takes a free one.
    listen : Sequence[str]
        Names of hosts by which containers, and so other machines, reach it; none: nobody else does.
    parameters : Mapping[str, str]
        The template's parameters that are not to have their defaults.
    docker : Docker, optional
        Runs Processing jobs in their image; else they are subprocesses.
    enforce_iam : bool
        Whether what the template's roles do not allow is refused.
    """
    # Late: it takes seconds to import.
    from landrun_ops.local import LocalAws  # noqa: PLC0415

    with (
        ExitStack() as outlasting,
        LocalAws.up(
            project,
            port=port,
            listen=listen,
            parameters=parameters,
            state_dir=state_dir,
            report=report,
            docker=docker,
            enforce_iam=enforce_iam,
        ) as aws,
    ):
        # Not before: the file may belong to another that is up. Not shorter: closing logs, too.
        outlasting.enter_context(_logged(state_dir / LOG_FILE, report))
        yield aws


class _Lines(logging.Handler):
    def __init__(self, report: Callable[[str], None], details: Path) -> None:
        super().__init__(logging.ERROR)
        self._report, self._details = report, details

    def emit(self, record: logging.LogRecord) -> None:
        reason = f": {record.exc_info[1]!r}" if record.exc_info else ""
        self._report(f"{record.getMessage()}{reason} (see {self._details})")


@contextmanager
def _logged(path: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Send what moto and its like log to a file, and our own errors to people as well."""
    root, ours = logging.getLogger(), logging.getLogger("landrun_ops")
    file = logging.FileHandler(path, mode="w", encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    lines = _Lines(report, path)
    root.addHandler(file)
    ours.addHandler(lines)
    try:
        yield
    finally:
        ours.removeHandler(lines)
        root.removeHandler(file)
        file.close()
