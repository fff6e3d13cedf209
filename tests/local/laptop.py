"""The laptop's AWS in a process of its own, and what a test can do to it while it is up."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from landrun_ops.local import LocalAws

UP = Path(__file__).with_name("up.py")


def processing_job(command: str) -> dict[str, Any]:
    """A request for a job that runs a command of the shell."""
    return {
        "ProcessingJobName": f"job-{uuid.uuid4().hex}",
        "RoleArn": "arn:aws:iam::123456789012:role/any",
        "AppSpecification": {
            "ImageUri": "any",
            "ContainerEntrypoint": ["/bin/sh", "-c", command],
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            }
        },
    }


class Laptop:
    """``LocalAws.up`` in a process of its own; ``said`` is what it wrote to stderr.

    An execution's waits before retries are ``pace`` as long as on AWS: nobody tests ten seconds.
    """

    def __init__(
        self,
        project: Path,
        state_dir: Path,
        parameters: Mapping[str, str],
        port: int = 0,
        *,
        pace: float = 0.05,
    ) -> None:
        self.state_dir = state_dir
        self.errors = state_dir.with_name(f"{state_dir.name}.stderr")
        self.errors.parent.mkdir(parents=True, exist_ok=True)
        arguments = json.dumps([str(project), str(state_dir), port, dict(parameters), pace])
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(UP), arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert self.process.stdout is not None
        self.is_up = self.process.stdout.readline() == b'"ready"\n'

    @property
    def said(self) -> str:
        return self.errors.read_text(encoding="utf-8")

    @property
    def aws(self) -> LocalAws:
        assert self.is_up, self.said
        return LocalAws.attach(self.state_dir)

    def ask_to_stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(by)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        self.ask_to_stop(by)
        code = self.process.wait(40)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        return code

    @contextlib.contextmanager
    def quota(self, most: int) -> Iterator[None]:
        """No more than so many Processing instances at once."""
        self._tell(quota=most)
        try:
            yield
        finally:
            self._tell(quota=None)

    @contextlib.contextmanager
    def refused(self, operation: str) -> Iterator[None]:
        """Refuse every call of an operation; see up.py for how to name one."""
        self._tell(refuse=operation)
        try:
            yield
        finally:
            self._tell(refuse=None)

    def _tell(self, **command: Any) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()
        self.process.stdout.readline()
