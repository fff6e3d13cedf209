"""A host's output, shipped to CloudWatch Logs while it is written."""

import contextlib
import logging
import time
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from landrun.models.processing_job import LOG_GROUP

_BATCH: Final = 1000
_LONGEST: Final = 200_000  # CloudWatch takes 256 KB per event
_log = logging.getLogger(__name__)


class LogStream:
    """Follows a file, which it makes, and puts its lines into the stream ``name`` of `LOG_GROUP`.

    When shipping fails, the job goes on, and the file has everything.
    """

    def __init__(self, logs: Any, name: str, path: Path) -> None:
        self._logs = logs
        self._stream = {"logGroupName": LOG_GROUP, "logStreamName": name}
        self._path = path
        self._path.touch()
        self._at = 0
        self._created = False

    def ship(self, *, last: bool = False) -> None:
        """Send the lines that are complete; with ``last``, the rest as well."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        if not last:
            data = data[: data.rfind(b"\n") + 1]
        self._at += len(data)
        lines = data.decode(errors="replace").split("\n")
        lines = [line[:_LONGEST] for line in lines if line.strip()]  # CloudWatch takes no empty one
        try:
            for start in range(0, len(lines), _BATCH):
                self._put(lines[start : start + _BATCH])
        except (ClientError, BotoCoreError) as error:
            name = self._stream["logStreamName"]
            _log.warning("%s: log lines not shipped: %s", name, error)

    def note(self, text: str) -> None:
        """Add a line of the laptop's own to the file, shipped with the rest."""
        with self._path.open("ab") as file:
            file.write(f"{text}\n".encode())

    def _put(self, lines: list[str]) -> None:
        if not self._created:
            with contextlib.suppress(self._logs.exceptions.ResourceAlreadyExistsException):
                self._logs.create_log_group(logGroupName=LOG_GROUP)
            self._logs.create_log_stream(**self._stream)
            self._created = True
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines]
        self._logs.put_log_events(**self._stream, logEvents=events)
