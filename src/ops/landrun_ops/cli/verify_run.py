"""One verification from the beginning to the end, on the screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from landrun.errors import ConfigurationError
from landrun_ops.cli.demo_run import follow_shown
from landrun_ops.cli.progress import shown
from landrun_ops.demo import Journey, Stack, Stage
from landrun_ops.invoking import invoke, patient_config
from landrun_ops.runs import Run

LONGEST_JOB = 777_600.0
"""Seconds that a Processing job may take at most."""


class Ticked:
    """A stack as seen by whoever waits for a tick's runs: each stands for the file that landed.

    Parameters
    ----------
    stack : Stack
        The stack.
    names : frozenset of str
        The runs that the tick started.
    key : str
        The key of the file.
    """

    def __init__(self, stack: Stack, names: frozenset[str], key: str) -> None:
        self._stack = stack
        self._names = names
        self._key = key
        self.processing = stack.processing
        self.refusals = stack.refusals

    def runs(self) -> Iterator[Run]:
        """Give the rows of the ledger."""
        for run in self._stack.runs():
            if run.name in self._names:
                yield Run({**run.attributes, "trigger": {**run.trigger, "Key": self._key}})
            else:
                yield run


def run_verify(
    file: Path,
    client: Callable[..., Any],
    outputs: Mapping[str, str],
    *,
    name: str,
    patience: float,
) -> Journey:
    """Land ``file`` and follow it until its run is on record.

    Parameters
    ----------
    client : Callable
        Gives the boto3 client of a service, with botocore's settings where given.
    outputs : Mapping[str, str]
        The stack's.
    name : str
        What makes the key the only one of its kind.

    Raises
    ------
    ConfigurationError
        When there is no such file, or nothing in it.
    Stalled
        When nothing happens for longer than ``patience``.
    """
    if not file.is_file() or not file.stat().st_size:
        raise ConfigurationError(f"{file} is no file with data: give a file of messages")
    key = f"{outputs['LandingPrefix']}landrun-verify-{name}{''.join(file.suffixes)}"
    stack, journey = Stack(client, outputs), Journey(path=file, name=file.name, key=key)
    screen = Console(stderr=True)
    with shown(screen, [journey], live=screen.is_terminal) as progress:
        progress.doing(f"landing s3://{outputs['LandingBucket']}/{key}")
        stack.upload(journey)
        journey.stage = Stage.LANDED
        progress.moved(journey)
        observed: Stack | Ticked = stack
        if outputs["StartOn"] == "schedule":
            progress.doing("firing a tick")
            observed = Ticked(stack, _tick(client, outputs, patience), key)
        follow_shown(observed, [journey], progress, patience, LONGEST_JOB)
    return journey


def _tick(
    client: Callable[..., Any], outputs: Mapping[str, str], patience: float
) -> frozenset[str]:
    """Fire ticks until one starts runs: an event takes a moment to be recorded as a landing."""
    lambda_client = client("lambda", patient_config())
    began = time.monotonic()
    while time.monotonic() - began < patience:
        due = datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
        event = {"ScheduleArn": outputs["ScheduleArn"], "ScheduledTime": due}
        done = invoke(lambda_client, "ScheduleFunction", outputs["ScheduleFunction"], event)
        runs = done.get("Runs", [done])
        names = frozenset(one["PreprocessingJobName"] for one in runs if one.get("Objects"))
        if names:
            return names
        time.sleep(1)
    raise ConfigurationError(
        f"no tick found the file within {patience:.0f} s: look at ObjectCreatedFunction's log"
    )
