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

FAILED = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})
"""How a run ends otherwise than well."""

LOOKED_FOR = 1000
"""Objects of a manifest that are looked for before it runs again."""


_NAMESPACE = uuid.UUID("8c1f6f0e-5a0f-4f0b-9a54-6f0f0c2b7d13")

CLOCK_SKEW = timedelta(seconds=5)
"""How far this clock and Step Functions' may be apart."""


@dataclass(frozen=True, slots=True)
class Started:
    """A run that repeats another.

    Attributes
    ----------
    name, rerun_of : str
        The new run, and the one before.
    execution_arn : str
        Its execution.
    """

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
    mended, under_way : int
        How many others failed, and were run again since: with success, or still running.
    """

    runs: tuple[RunRecord, ...]
    mended: int = 0
    under_way: int = 0


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


class Rerunner:
    """Starts runs again.

    Parameters
    ----------
    executions
        The door to the state machine.
    output : S3Uri
        Where outputs lie, one folder a run.
    prefix : str
        What names of runs begin with.
    started_by : str
        Who asks.
    """

    def __init__(self, executions: Executions, output: S3Uri, prefix: str, started_by: str) -> None:
        self._executions = executions
        self._output = output
        self._prefix = prefix
        self._started_by = started_by

    def start(self, run: RunRecord, input_message: str, *, once: bool = False) -> Started:
        """Start a run over the input of another, with an output folder of its own.

        Parameters
        ----------
        run : RunRecord
            The other.
        input_message : str
            Its input, in the format that the stack passes today.
        once : bool
            Whether this failure of it is to be run again once only, whoever asks how often: then
            the new name is made from it, as that of a landing's run is. Else it is random.

        Raises
        ------
        AlreadyStarted
            When it has been, with ``once``.
        ServiceError
            When Step Functions refuses the call or cannot be reached.
        """
        name = manual_run_name(self._prefix, _of_failure(run) if once else None)
        asked_at = utc_now()
        started = self._executions.start(
            ExecutionInput(
                PreprocessingJobName=name,
                InputMessage=input_message,
                OutputProcessedMessage=f"{self._output}{name}/",
                Trigger=ManualTrigger(StartedBy=self._started_by, RerunOf=run.name),
            )
        )
        if once and started.started_at < asked_at - CLOCK_SKEW:
            raise AlreadyStarted(name)
        return Started(name, run.name, started.arn)


def _of_failure(run: RunRecord) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, f"{run.name}/{run.redrive_count}")


def input_message_of(run: RunRecord) -> str:
    """Give the S3 URI of what a run read.

    Raises
    ------
    ConfigurationError
        When the ledger does not have it.
    """
    uri = run.input_message
    if not isinstance(uri, str) or not uri:
        raise ConfigurationError(
            f"the ledger does not say what {run.name} read: start it with landrun start"
        )
    return uri


def check(runs: Sequence[RunRecord]) -> None:
    """Refuse runs that still run: their objects would be processed twice at once.

    Raises
    ------
    ConfigurationError
        When one does, or the ledger does not say what one read.
    """
    for run in runs:
        if not run.finished:
            raise ConfigurationError(
                f"{run.name} is still {run.status or 'running'}: wait for its end (landrun logs"
                f" {run.name} --follow) or stop it first"
            )
        input_message_of(run)


def choose(runs: Iterable[RunRecord]) -> Choice:
    """Choose what to run again among the runs of a time, with what repeated them in it.

    A run, its reruns and theirs stand for one piece of work: it is left out when one of them
    succeeded or runs, else the newest is run again.

    Parameters
    ----------
    runs : iterable of RunRecord
        All that started in that time, whatever became of them, newest first.
    """
    by_name = {run.name: run for run in runs}
    families: dict[str, list[RunRecord]] = {}
    for run in by_name.values():
        families.setdefault(_first(run, by_name), []).append(run)
    again: list[RunRecord] = []
    mended = under_way = 0
    for family in families.values():
        failed = [run for run in family if run.status in FAILED]
        if not failed:
            continue
        if any(run.succeeded for run in family):
            mended += 1
        elif any(not run.finished for run in family):
            under_way += 1
        else:
            again.append(failed[0])
    return Choice(tuple(reversed(again)), mended, under_way)


def _first(run: RunRecord, by_name: dict[str, RunRecord]) -> str:
    """Name the run that a run goes back to, by whatever it repeats; however they go round."""
    name, passed = run.name, {run.name}
    while name in by_name:
        before = by_name[name].rerun_of
        if not isinstance(before, str) or before in passed:
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
