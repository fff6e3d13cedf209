"""Everything known about one run, from the runs table, its execution, its job and S3."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from landrun.adapters.s3_listing import ListedObject, list_objects
from landrun.errors import ConfigurationError, InvalidS3Uri, ServiceError
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import described_change
from landrun.sanitize import one_line
from landrun_ops.stack.console_links import links
from landrun_ops.stack.history_events import (
    BY_OTHERS,
    WAITING,
    HistoryEvent,
    SlotWait,
    attempts,
    plain,
)
from landrun_ops.stack.inputs import Input, Inputs
from landrun_ops.stack.job_logs import JobLogs
from landrun_ops.stack.run_progress import Phase, Watcher
from landrun_ops.stack.runs_table import RunFilter, is_execution_name
from landrun_ops.stack.stack import Stack
from landrun_ops.units import spelled

T = TypeVar("T")

RERUNS_WITHIN = timedelta(days=60)
"""Reruns are searched for up to this long after a run's start."""

LISTED = 5
"""Objects of an output that are listed."""

TAIL = 5
"""Lines of the log of a failed job that are shown."""


@dataclass(frozen=True)
class ExecutionDetails:
    """What a run's execution has done so far.

    ``events`` is None when its attempts and waits are not known, or no longer. ``ended_as`` is the
    status it ended with if the runs table does not know it yet, ``doing`` what it does if it has
    not ended, and ``not_seen`` what could not be read, and why.
    """

    events: Sequence[HistoryEvent] | None
    ended_as: str
    doing: str
    not_seen: list[str]


@dataclass(frozen=True)
class RunDetails(ExecutionDetails):
    """Everything known about one run.

    ``recorded`` says whether the runs table has it, ``outputs`` are the first objects of its
    output, ``tail`` is the end of a failed job's log, and ``links`` are pages of AWS's consoles.
    """

    run: RunRecord
    recorded: bool
    input: Input | None
    outputs: list[ListedObject]
    reruns: list[RunRecord]
    tail: list[str]
    links: Mapping[str, str]

    @property
    def status(self) -> str:
        """The newest known status; WAITING while the run waits for a concurrency slot."""
        last = self.events[-1] if self.events else None
        status = self.ended_as or self.run.status
        waits = isinstance(last, SlotWait) and last.ended is None
        return WAITING if waits and status == "RUNNING" else status

    @property
    def why(self) -> str:
        """Why it failed; empty when it did not."""
        return why_failed(self.run)

    @property
    def problems(self) -> list[str]:
        """Which facts of the outcome the row lacks, and why."""
        left_out = ", ".join(self.run.left_out)
        said = f"left out of its row, too large or nested too deep: {left_out}" if left_out else ""
        problems = (said, self.run.output_problem, str(self.run.summary.get("problem") or ""))
        return [one_line(one) for one in problems if one and one != self.why]


def why_failed(run: RunRecord) -> str:
    """Return why a run failed, in its most specific message; empty if it did not fail."""
    if not run.finished or run.succeeded:
        return ""
    if run.status in BY_OTHERS:  # whatever its last job had said before
        said = plain(run.error, run.cause)
        return one_line(": ".join(filter(None, (BY_OTHERS[run.status], said))))
    said = run.reason if run.exit_message else plain(run.error, run.cause)
    return said or "the run gave no reason"


def find(stack: Stack, text: str, now: datetime) -> tuple[RunRecord, bool]:
    """Find a run in the runs table or, if it has just started, among the executions.

    Returns whether the runs table has it, too. Raises ConfigurationError when no run has that
    name, or several have, and ServiceError when AWS refuses a call or cannot be reached.
    """
    try:
        return stack.runs_reader().named(text, now), True
    except ConfigurationError:
        if not is_execution_name(text):
            raise
        executions = stack.executions()
        described = executions.find(executions.arn(text))
        if described is None:
            raise
        return RunRecord.from_status_change(described_change(described)), False


def gather(stack: Stack, run: RunRecord, now: datetime, *, recorded: bool = True) -> RunDetails:
    """Read everything about a run in parallel; parts that cannot be read are named."""
    s3, runs = stack.client("s3"), stack.runs_reader()
    until = min(now, run.started + RERUNS_WITHIN)
    with ThreadPoolExecutor(3) as pool:
        reading = pool.submit(Inputs(s3, stack.manifests_folder).of_run, run)
        listing = pool.submit(_outputs, run, s3)
        reruns_of = RunFilter(rerun_of=run.name)
        repeating = pool.submit(lambda: list(runs.newest(until, since=run.started, only=reruns_of)))
        execution = execution_details(stack, run, now)
        not_seen = execution.not_seen
        read = _seen("its input", reading.result, not_seen, None)
        outputs = _seen("its output", listing.result, not_seen, list[ListedObject]())
        reruns = _seen("its reruns", repeating.result, not_seen, list[RunRecord]())
    job, tail = newest_job(run, execution.events or ()), list[str]()
    if job and run.finished and not run.succeeded:
        log = JobLogs(stack.client("logs"))
        tail = _seen("its log", lambda: log.tail(job, TAIL), not_seen, tail)
    return RunDetails(
        **vars(execution),
        run=run,
        recorded=recorded,
        input=read,
        outputs=outputs,
        reruns=reruns,
        tail=tail,
        links={} if stack.laptop else links(run, job),
    )


def execution_details(stack: Stack, run: RunRecord, now: datetime) -> ExecutionDetails:
    """Read an execution's history and, while it runs, what it does or waits for."""
    try:
        progress = Watcher(stack, run.execution_arn).look()
    except ServiceError as error:
        gone = error.code == "ExecutionDoesNotExist"
        why = "Step Functions forgets executions after 90 days" if gone else str(error)
        return ExecutionDetails(None, "", "", [f"could not see its attempts: {why}"])
    ended_as, doing = "", ""
    if not run.finished and progress.phase is Phase.ENDED:
        ended_as = progress.status
    elif not run.finished:
        so_long = spelled(max(0.0, (now - progress.since).total_seconds()))
        note = f" ({progress.note})" if progress.note else ""
        doing = f"is {progress.phase.value} for {so_long}{note}"
    return ExecutionDetails(progress.events, ended_as, doing, [])


def newest_job(run: RunRecord, events: Sequence[HistoryEvent]) -> str:
    """Return the name of a run's newest Processing job; empty when it has none."""
    jobs = [one.job for one in attempts(events) if one.job]
    return jobs[-1] if jobs else run.job_name or ""


def _outputs(run: RunRecord, s3: Any) -> list[ListedObject]:
    try:
        under = S3Uri.parse(run.output_processed_message or "")
    except InvalidS3Uri:
        return []
    return list(islice(list_objects(s3, under), LISTED))


def _seen(what: str, look: Callable[[], T], not_seen: list[str], instead: T) -> T:
    try:
        return look()
    except ServiceError as error:
        not_seen.append(f"could not see {what}: {error}")
        return instead
