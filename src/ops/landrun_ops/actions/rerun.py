"""Run the same input again, under a new name that is linked to the run before."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from landrun.adapters.step_functions import Executions
from landrun.clock import utc_now
from landrun.errors import AlreadyStarted, ConfigurationError
from landrun.models.run import ExecutionInput, ManualTrigger, manual_run_name
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun_ops.stack.inputs import Inputs

STOPPED = "ABORTED"
"""The status of a run that somebody has stopped."""

FAILED = frozenset({"FAILED", "TIMED_OUT", STOPPED})
"""Statuses of a run that has ended, and not well."""

LOOKED_FOR = 1000
"""Objects of a manifest that are looked for before it runs again."""


_NAMESPACE = uuid.UUID("8c1f6f0e-5a0f-4f0b-9a54-6f0f0c2b7d13")

CLOCK_SKEW = timedelta(seconds=5)
"""How far this clock and Step Functions' may be apart."""


@dataclass(frozen=True, slots=True)
class Started:
    """A run that repeats another, ``rerun_of``."""

    name: str
    rerun_of: str
    execution_arn: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the runs that failed are to run again.

    Attributes
    ----------
    runs : tuple of RunRecord
        The oldest first.
    repaired, under_way, stopped : int
        How many others are left out: a rerun succeeded, a rerun is running, somebody stopped them.
    """

    runs: tuple[RunRecord, ...]
    repaired: int = 0
    under_way: int = 0
    stopped: int = 0


@dataclass(frozen=True, slots=True)
class Missing:
    """What a run would no longer find.

    Attributes
    ----------
    everything : bool
        Whether nothing lies at the URI that the run read: a manifest, an object or a prefix.
    objects : tuple of str
        Keys of objects that are gone, among the first `LOOKED_FOR`.
    of : int
        How many objects the run read.
    """

    everything: bool = False
    objects: tuple[str, ...] = ()
    of: int = 0


@dataclass(frozen=True)
class Rerunner:
    """Starts runs again.

    Attributes
    ----------
    output : S3Uri
        Where outputs lie, one folder a run.
    prefix : str
        What names of runs begin with.
    started_by : str
        Who asks.
    """

    executions: Executions
    output: S3Uri
    prefix: str
    started_by: str

    def start(self, run: RunRecord, input_message: str, *, once: bool = False) -> Started:
        """Start a run over the input of another, with an output folder of its own.

        Parameters
        ----------
        input_message : str
            The other's input, in the format that the stack passes today.
        once : bool
            Whether this failure is to be run again only once, however often that is asked: the
            name is then made from it, like that of a landing's run. Otherwise it is random.

        Raises
        ------
        AlreadyStarted
            When it has been, with ``once``.
        ServiceError
            When Step Functions refuses the call or cannot be reached.
        """
        name = manual_run_name(self.prefix, _of_failure(run) if once else None)
        asked_at = utc_now()
        started = self.executions.start(
            ExecutionInput(
                PreprocessingJobName=name,
                InputMessage=input_message,
                OutputProcessedMessage=f"{self.output}{name}/",
                Trigger=ManualTrigger(StartedBy=self.started_by, RerunOf=run.name),
            )
        )
        if once and started.started_at < asked_at - CLOCK_SKEW:
            raise AlreadyStarted(name)
        return Started(name, run.name, started.arn)


def _of_failure(run: RunRecord) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, f"{run.name}/{run.redrive_count}")


def input_message_of(run: RunRecord) -> str:
    """Return the S3 URI of what a run read.

    Raises
    ------
    ConfigurationError
        When the runs table does not have it.
    """
    uri = run.input_message
    if not isinstance(uri, str) or not uri:
        raise ConfigurationError(
            f"the runs table does not say what {run.name} read: use landrun start"
        )
    return uri


def check(runs: Sequence[RunRecord]) -> None:
    """Refuse runs that still run: their objects would be processed twice at once.

    Raises
    ------
    ConfigurationError
        When one does, or the runs table does not say what one read.
    """
    for run in runs:
        if not run.finished:
            raise ConfigurationError(
                f"{run.name} is still {run.status or 'running'}: wait for its end (landrun logs"
                f" {run.name} --follow) or stop it with landrun stop"
            )
        input_message_of(run)


def choose(runs: Iterable[RunRecord], *, aborted: bool = False) -> Choice:
    """Choose what to run again among the runs of a time, with what repeated them in it.

    A run, its reruns and theirs are one piece of work. It is left out if one of them succeeded or
    is running, or if somebody stopped the newest; otherwise the newest is run again.

    Parameters
    ----------
    runs : iterable of RunRecord
        All that started in that time, newest first.
    aborted : bool
        Whether to run again what somebody stopped.
    """
    by_name = {run.name: run for run in runs}
    families: dict[str, list[RunRecord]] = {}
    for run in by_name.values():
        families.setdefault(_first(run, by_name), []).append(run)
    again: list[RunRecord] = []
    repaired = under_way = stopped = 0
    for family in families.values():
        failed = [run for run in family if run.status in FAILED]
        if not failed:
            continue
        if any(run.succeeded for run in family):
            repaired += 1
        elif any(not run.finished for run in family):
            under_way += 1
        elif failed[0].status == STOPPED and not aborted:
            stopped += 1
        else:
            again.append(failed[0])
    return Choice(tuple(reversed(again)), repaired, under_way, stopped)


def _first(run: RunRecord, by_name: dict[str, RunRecord]) -> str:
    """Return the run that a run goes back to through what it repeats, even in a circle."""
    name, passed = run.name, {run.name}
    while name in by_name:
        before = by_name[name].rerun_of
        if not before or before in passed:
            return name
        passed.add(before)
        name = before
    return name


def missing(run: RunRecord, inputs: Inputs) -> Missing:
    """Look for what a run would read again.

    Raises
    ------
    ServiceError
        When S3 refuses a call or cannot be reached.
    """
    uri = input_message_of(run)
    if uri.endswith("/"):  # an S3Prefix reads whatever lies there then
        return Missing()
    given = inputs.of_run(run)
    if given is None:
        return Missing(everything=True)
    gone = inputs.gone(given, LOOKED_FOR)
    return Missing(objects=tuple(gone), of=len(given.keys))
