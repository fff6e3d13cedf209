"""One verification from the beginning to the end, on the screen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from landrun.errors import ConfigurationError
from landrun.models.run_record import RunRecord
from landrun_ops.actions.demo import Journey, Stage
from landrun_ops.actions.demo import Stack as Watched
from landrun_ops.actions.invoke import invoke, patient_config
from landrun_ops.cli.demo_progress import shown
from landrun_ops.cli.demo_run import follow_shown
from landrun_ops.cli.follow import outcome
from landrun_ops.cli.screen import Screen
from landrun_ops.stack.stack import Stack

LONGEST_JOB = 777_600.0
"""Seconds that a Processing job may take at most."""


class Ticked:
    """A stack as seen by whoever waits for a tick's runs: each stands for the file that landed.

    Parameters
    ----------
    stack : landrun_ops.actions.demo.Stack
        The stack.
    names : frozenset of str
        The runs that the tick started.
    key : str
        The key of the file.
    """

    def __init__(self, stack: Watched, names: frozenset[str], key: str) -> None:
        self._stack = stack
        self._names = names
        self._key = key
        self.processing = stack.processing
        self.refusals = stack.refusals

    def runs(self) -> Iterator[RunRecord]:
        """Give the rows of the ledger."""
        for run in self._stack.runs():
            if run.name in self._names:
                yield run.model_copy(update={"trigger": {**run.trigger, "Key": self._key}})
            else:
                yield run


def run_verify(file: Path, stack: Stack, *, name: str, patience: float) -> Journey:
    """Land ``file`` and follow it until its run is on record.

    Parameters
    ----------
    stack : Stack
        Where.
    name : str
        What makes the key the only one of its kind.
    patience : float
        Seconds without any change after which to give up.

    Raises
    ------
    ConfigurationError
        When there is no such file, or nothing in it.
    Stalled
        When nothing happens for longer than ``patience``.
    """
    if not file.is_file() or not file.stat().st_size:
        raise ConfigurationError(f"{file} is no file with data: give a file of messages")
    key = f"{stack.landing.key}landrun-verify-{name}{''.join(file.suffixes)}"
    watched, journey = Watched(stack.client, stack.outputs), Journey(file, file.name, key)
    screen = Screen(stderr=True, highlight=False, markup=False, emoji=False)
    with shown(screen, [journey], live=screen.is_terminal) as progress:
        progress.doing(f"landing s3://{stack.landing.bucket}/{key}")
        watched.upload(journey)
        journey.stage = Stage.LANDED
        progress.moved(journey)
        observed: Watched | Ticked = watched
        if stack.output("StartOn") == "schedule":
            progress.doing("firing a tick")
            observed = Ticked(watched, _tick(stack, patience), key)
        follow_shown(observed, [journey], progress, patience, LONGEST_JOB)
    return journey


def verdict(run: RunRecord) -> str:
    """Say whether a stack works, by a run that succeeded: its own summary says what it read."""
    if run.count("rows_in") is None:
        return (
            f"the run succeeded; what it read is unknown: {run.name} {outcome(run)}, and its job"
            " left no summary.json with rows_in"
        )
    return f"it works: {run.name} {outcome(run)}"


def nothing_read(run: RunRecord) -> str:
    """Say that a run succeeded without reading anything; empty when it read something."""
    if not run.succeeded or run.count("rows_in") != 0:
        return ""
    return (
        f"the run succeeded, but read nothing: {run.name} {outcome(run)}; see landrun doctor, and"
        f" landrun show {run.name}"
    )


def _tick(stack: Stack, patience: float) -> frozenset[str]:
    """Fire ticks until one starts runs: an event takes a moment to be recorded as a landing."""
    lambda_client = stack.client("lambda", patient_config())
    began = time.monotonic()
    while time.monotonic() - began < patience:
        due = datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
        event = {"ScheduleArn": stack.output("ScheduleArn"), "ScheduledTime": due}
        function = stack.output("ScheduleFunction")
        done = invoke(lambda_client, "ScheduleFunction", function, event)
        runs = done.get("Runs", [done])
        names = frozenset(one["PreprocessingJobName"] for one in runs if one.get("Objects"))
        if names:
            return names
        time.sleep(1)
    raise ConfigurationError(
        f"no tick found the file within {patience:.0f} s: look at ObjectCreatedFunction's log"
    )
