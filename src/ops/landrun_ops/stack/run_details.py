"""All that is known of one run: by the runs table, its execution, its job and S3."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from landrun.adapters.s3_listing import ListedObject, list_objects
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.errors import ConfigurationError, InvalidS3Uri, ServiceError
from landrun.models.processing_job import ProcessingJob
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import described_change
from landrun_ops.stack.console_links import links
from landrun_ops.stack.execution_history import History, ended_as, timeline
from landrun_ops.stack.history_events import Attempt, HistoryEvent, SlotWait, Wait
from landrun_ops.stack.inputs import Input, Inputs
from landrun_ops.stack.job_logs import JobLogs
from landrun_ops.stack.run_filter import RunFilter
from landrun_ops.stack.runs_table import RunsReader, is_execution_name
from landrun_ops.stack.waiting_executions import QueuePosition, queue_position
from landrun_ops.units import spelled

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

T = TypeVar("T")

FORGOTTEN_AFTER = timedelta(days=90)
"""How long Step Functions keeps an execution that has ended (developer guide, "Quotas")."""

RERUNS_WITHIN = timedelta(days=60)
"""Reruns are searched for up to this long after a run's start."""

LISTED = 5
"""The most objects of an output that are named."""

TAIL = 5
"""Lines of a log that are shown where only the log says why a job failed."""

SAYS_NOTHING = "AlgorithmError: "
"""How SageMaker's own reason begins, for a job that wrote no exit message."""


@dataclass(frozen=True)
class ExecutionDetails:
    """What a run's execution has done so far.

    Attributes
    ----------
    events : tuple of HistoryEvent or None
        Its attempts and waits; None when they are not known, or no longer.
    ended_as : str
        The status it ended with if the runs table does not know it yet; otherwise empty.
    doing : str
        What it does now; empty when it has ended.
    not_seen : list of str
        What could not be read, and why.
    """

    events: tuple[HistoryEvent, ...] | None
    ended_as: str
    doing: str
    not_seen: list[str]


@dataclass(frozen=True)
class RunDetails(ExecutionDetails):
    """All that is known of one run.

    Attributes
    ----------
    run : RunRecord
        The row of the runs table or, before there is one, what it will be.
    recorded : bool
        Whether the table has it.
    given : Input or None
        What it reads; None when there is no manifest, or no longer.
    outputs : list of ListedObject
        The first `LISTED` objects of its output.
    reruns : list of RunRecord
        Runs that repeat it, newest first.
    tail : list of str
        The last lines of its job's log if only the log says why the job failed.
    links : Mapping
        Pages of AWS's consoles, by what they show; none on a laptop.
    """

    run: RunRecord
    recorded: bool
    given: Input | None
    outputs: list[ListedObject]
    reruns: list[RunRecord]
    tail: list[str]
    links: Mapping[str, str]


def find(stack: Stack, text: str, now: datetime) -> tuple[RunRecord, bool]:
    """Find a run in the runs table or, if it has just started, among the executions.

    Returns
    -------
    RunRecord, bool
        The run, and whether the runs table has it.

    Raises
    ------
    ConfigurationError
        When no run has that name, or several have.
    ServiceError
        When AWS refuses a call or cannot be reached.
    """
    try:
        return stack.ledger().named(text, now), True
    except ConfigurationError:
        if not is_execution_name(text):
            raise
        executions = stack.executions()
        described = executions.find(executions.arn(text))
        if described is None:
            raise
        return RunRecord.from_status_change(described_change(described)), False


def gather(stack: Stack, run: RunRecord, now: datetime, *, recorded: bool = True) -> RunDetails:
    """Read all that is known of a run, in parallel; what cannot be read is named."""
    s3, ledger = stack.client("s3"), stack.ledger()
    with ThreadPoolExecutor(3) as pool:
        reading = pool.submit(_given, run, Inputs(s3, stack.manifests_folder))
        listing = pool.submit(_outputs, run, s3)
        repeating = pool.submit(_reruns, run, ledger, now)
        execution = execution_details(stack, run, now)
        not_seen = execution.not_seen
        given = _seen("its input", reading.result, not_seen, None)
        outputs = _seen("its output", listing.result, not_seen, list[ListedObject]())
        reruns = _seen("its reruns", repeating.result, not_seen, list[RunRecord]())
    job = newest_job(run, execution.events or ())
    tail = list[str]()
    if job and _says_nothing(run):
        log = JobLogs(stack.client("logs"))
        tail = _seen("its log", lambda: log.tail(job, TAIL), not_seen, tail)
    return RunDetails(
        **vars(execution),
        run=run,
        recorded=recorded,
        given=given,
        outputs=outputs,
        reruns=reruns,
        tail=tail,
        links={} if stack.laptop else links(run, job),
    )


def _says_nothing(run: RunRecord) -> bool:
    """Return True if neither the job nor SageMaker said why it failed: its log may."""
    described = ProcessingJob.from_json(run.cause)
    nothing = described is not None and described.failed_without_reason
    return nothing or run.reason.startswith(SAYS_NOTHING)


def execution_details(stack: Stack, run: RunRecord, now: datetime) -> ExecutionDetails:
    """Read an execution's history and, while it runs, what it waits for."""
    not_seen: list[str] = []
    history = History(stack.client("stepfunctions"))
    try:
        history_events = list(history.events(run.execution_arn))
    except ServiceError as error:
        return ExecutionDetails(None, "", "", [_no_history(run, error, now)])
    events = timeline(history_events)
    ended = "" if run.finished else ended_as(history_events)
    doing = ""
    if not run.finished and not ended:
        doing = _doing(stack, run, events[-1] if events else None, now, not_seen)
    return ExecutionDetails(events, ended, doing, not_seen)


def newest_job(run: RunRecord, events: Sequence[HistoryEvent]) -> str:
    """Return the name of a run's newest Processing job; empty when it has none."""
    jobs = [one.job for one in events if isinstance(one, Attempt) and one.job]
    return jobs[-1] if jobs else run.job_name or ""


def doing(
    last: HistoryEvent | None,
    job: ProcessingJob | None,
    now: datetime,
    position: QueuePosition | None = None,
) -> str:
    """Say in words what a run that has not ended does.

    Parameters
    ----------
    last : HistoryEvent or None
        The last event of its execution.
    job : ProcessingJob or None
        The last attempt's; None when that is not known.
    position : QueuePosition or None
        Which of the waiting executions it is; None when it does not wait, or that is not known.
    """
    if last is None or (isinstance(last, SlotWait) and last.ended):
        return "asks for its Processing job"
    so_long = spelled((now - last.began).total_seconds())
    if isinstance(last, SlotWait):
        place = f", {position}" if position else ""
        trouble = f": {last.reason}" if last.reason else ""
        return f"waits for a concurrency slot{place}, for {so_long}{trouble}"
    if isinstance(last, Wait):
        what = "a quota" if last.quota else "SageMaker"
        times = "once" if last.times == 1 else f"{last.times} times"
        return f"waits for {what} for {so_long}, asked {times}: {last.reason}"
    if not isinstance(last, Attempt) or last.result != "running":
        return "waits a moment before it tries again"
    return _doing_by_job(job, now, so_long)


def _doing_by_job(job: ProcessingJob | None, now: datetime, so_long: str) -> str:
    if job is None:
        return f"its Processing job has been running for {so_long}"
    if job.ProcessingJobStatus == "Stopping":
        return "its Processing job is being stopped"
    began = job.ProcessingStartTime
    if began is None:
        return f"its Processing job is getting its instances and its input, for {so_long}"
    return f"its Processing job has been working for {spelled((now - began).total_seconds())}"


def _doing(
    stack: Stack, run: RunRecord, last: HistoryEvent | None, now: datetime, not_seen: list[str]
) -> str:
    job: ProcessingJob | None = None
    position: QueuePosition | None = None
    if isinstance(last, Attempt) and last.job:
        name, jobs = last.job, ProcessingJobs(stack.client("sagemaker"))
        job = _seen("its Processing job", lambda: jobs.describe(name), not_seen, None)
    if isinstance(last, SlotWait) and not last.ended:
        find_position = partial(queue_position, stack, run.name)
        position = _seen("its place in line", find_position, not_seen, None)
    return doing(last, job, now, position)


def _given(run: RunRecord, inputs: Inputs) -> Input | None:
    given = inputs.of_run(run)
    if given is None:
        return None
    size, key = run.trigger.get("Size"), run.trigger.get("Key")
    if given.keys == (key,) and isinstance(size, int):
        return replace(given, sizes={str(key): size})
    return given


def _outputs(run: RunRecord, s3: Any) -> list[ListedObject]:
    """List the first objects of an output, and its summary where the row has none."""
    try:
        under = S3Uri.parse(run.output_processed_message or "")
    except InvalidS3Uri:
        return []
    found = list(islice(list_objects(s3, under), LISTED))
    if run.finished and not run.summary and len(found) == LISTED:
        summary = S3Uri(under.bucket, f"{under.key}summary.json")
        found += [one for one in islice(list_objects(s3, summary), 1) if one not in found]
    return found


def _reruns(run: RunRecord, ledger: RunsReader, now: datetime) -> list[RunRecord]:
    until = min(now, run.started + RERUNS_WITHIN)
    return list(ledger.newest(until, since=run.started, only=RunFilter(rerun_of=run.name)))


def _seen(what: str, look: Callable[[], T], not_seen: list[str], instead: T) -> T:
    try:
        return look()
    except ServiceError as error:
        not_seen.append(f"could not see {what}: {error}")
        return instead


def _no_history(run: RunRecord, error: ServiceError, now: datetime) -> str:
    if error.code != "ExecutionDoesNotExist":
        return f"could not see its attempts: {error}"
    if now - run.started > FORGOTTEN_AFTER:
        return "its attempts are no longer known: Step Functions forgets them after 90 days"
    return "its attempts are not known: Step Functions has no such execution (any more)"
