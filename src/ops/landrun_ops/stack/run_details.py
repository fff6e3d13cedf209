"""One run whole: what the ledger, the execution, its job and S3 know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from landrun.adapters.s3_listing import ListedObject, list_objects
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.errors import ConfigurationError, InvalidS3Uri, ServiceError
from landrun.models.processing_job import ProcessingJob
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import described_change
from landrun_ops.durations import spelled
from landrun_ops.stack.console_links import links
from landrun_ops.stack.execution_history import History, ended_as, timeline
from landrun_ops.stack.history_events import Attempt, HistoryEvent, SlotWait, Wait
from landrun_ops.stack.inputs import Input, Inputs
from landrun_ops.stack.job_logs import JobLogs
from landrun_ops.stack.run_filter import Only
from landrun_ops.stack.runs_table import is_execution_name
from landrun_ops.stack.waiting_executions import InLine, place_of

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

T = TypeVar("T")

FORGOTTEN_AFTER = timedelta(days=90)
"""Step Functions keeps a closed execution so long (Step Functions developer guide, "Quotas")."""

RERUNS_WITHIN = timedelta(days=60)
"""How long after a run's start reruns of it are looked for."""

MOST_SIZED = 200
"""Objects of a run's input whose sizes are asked for, one by one, when nothing else tells them."""

LISTED = 5
"""Objects of an output that are named."""

TAIL = 5
"""Lines of a log that are shown where it alone says why a job failed."""

SAYS_NOTHING = "AlgorithmError: "
"""How SageMaker's own reason begins, which it gives for a job that left no words of its own."""


@dataclass(frozen=True)
class OneRun:
    """All that is known of one run.

    Attributes
    ----------
    run : RunRecord
        The ledger's row or, before there is one, what it will be.
    recorded : bool
        Whether the ledger has it.
    moments : tuple or None
        What the execution did and waited for; None when that is not known (any more).
    ended_as : str
        The status that the execution ended with, where the ledger does not know of it yet.
    doing : str
        What it does now; empty when it has ended.
    given : Input or None
        What it reads; None when the manifest is not there (any more), or is none.
    outputs : list
        The first `LISTED` objects of its output.
    reruns : list of RunRecord
        Runs that repeat it, newest first.
    tail : list of str
        The last lines of its job's log, where the job said nothing else of why it failed.
    links : Mapping
        Pages of AWS's consoles, by what they show; none on a laptop.
    not_seen : list of str
        What could not be looked at, and why.
    """

    run: RunRecord
    recorded: bool
    moments: tuple[HistoryEvent, ...] | None
    ended_as: str
    doing: str
    given: Input | None
    outputs: list[ListedObject]
    reruns: list[RunRecord]
    tail: list[str]
    links: Mapping[str, str]
    not_seen: list[str]


def find(stack: Stack, text: str, now: datetime) -> tuple[RunRecord, bool]:
    """Find a run in the ledger or, for one that has just started, among the executions.

    Returns
    -------
    RunRecord, bool
        And whether the ledger has it.

    Raises
    ------
    ConfigurationError
        When there is none of that name, or more than one.
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


def gather(stack: Stack, run: RunRecord, now: datetime, *, recorded: bool = True) -> OneRun:
    """Look at all that is known of a run, side by side; what may not be seen is said."""
    s3, ledger = stack.client("s3"), stack.ledger()
    not_seen: list[str] = []
    with ThreadPoolExecutor(3) as pool:
        reading = pool.submit(_given, run, Inputs(s3, stack.manifests_folder))
        listing = pool.submit(_outputs, run, s3)
        repeating = pool.submit(_reruns, run, ledger, now)
        done = course(stack, run, now)
        not_seen.extend(done.not_seen)
        given = _seen("its input", reading.result, not_seen, None)
        outputs = _seen("its output", listing.result, not_seen, list[ListedObject]())
        reruns = _seen("its reruns", repeating.result, not_seen, list[RunRecord]())
    job = newest_job(run, done.moments or ())
    tail = list[str]()
    if job and _says_nothing(run):
        log = JobLogs(stack.client("logs"))
        tail = _seen("its log", lambda: log.tail(job, TAIL), not_seen, tail)
    return OneRun(
        run=run,
        recorded=recorded,
        moments=done.moments,
        ended_as=done.ended_as,
        doing=done.doing,
        given=given,
        outputs=outputs,
        reruns=reruns,
        tail=tail,
        links={} if stack.laptop else links(run, job),
        not_seen=not_seen,
    )


def _says_nothing(run: RunRecord) -> bool:
    """Return True if neither the job nor SageMaker said why it failed: its log may."""
    described = ProcessingJob.from_json(run.cause)
    nothing = described is not None and described.failed_without_reason
    return nothing or run.reason.startswith(SAYS_NOTHING)


@dataclass(frozen=True)
class Course:
    """What became of a run so far; see `OneRun`."""

    moments: tuple[HistoryEvent, ...] | None
    ended_as: str
    doing: str
    not_seen: list[str]


def course(stack: Stack, run: RunRecord, now: datetime) -> Course:
    """Read what an execution did and waited for and, while it runs, look at what it does."""
    not_seen: list[str] = []
    history = History(stack.client("stepfunctions"))
    try:
        events = list(history.events(str(run.execution_arn)))
    except ServiceError as error:
        return Course(None, "", "", [_no_history(run, error, now)])
    moments, ended = timeline(events), "" if run.finished else ended_as(events)
    doing = ""
    if not run.finished and not ended:
        doing = _doing(stack, run, moments, now, not_seen)
    return Course(moments, ended, doing, not_seen)


def newest_job(run: RunRecord, moments: Sequence[HistoryEvent]) -> str:
    """Name the newest Processing job of a run; empty when it has none."""
    jobs = [one.job for one in moments if isinstance(one, Attempt) and one.job]
    return jobs[-1] if jobs else str(run.job_name or "")


def doing(
    last: HistoryEvent | None,
    job: ProcessingJob | None,
    now: datetime,
    in_line: InLine | None = None,
) -> str:
    """Say in words what a run that has not ended does.

    Parameters
    ----------
    last : HistoryEvent or None
        The last of its moments.
    job : ProcessingJob or None
        The last attempt's; None when that is not known.
    in_line : InLine or None
        Its place, where it waits for a slot; None when that is not known.
    """
    if last is None or (isinstance(last, SlotWait) and last.ended):
        return "asks for its Processing job"
    for_so_long = f"for {spelled((now - last.began).total_seconds())}"
    if isinstance(last, SlotWait):
        place = f", {in_line}" if in_line else ""
        trouble = f": {last.reason}" if last.reason else ""
        return f"waits for a concurrency slot{place}, {for_so_long}{trouble}"
    if isinstance(last, Wait):
        what = "a quota" if last.quota else "SageMaker"
        return f"waits for {what} {for_so_long}, asked {_times(last.times)}: {last.reason}"
    if not isinstance(last, Attempt) or last.result != "running":
        return "waits a moment before it tries again"
    return _working(job, now, for_so_long)


def _working(job: ProcessingJob | None, now: datetime, for_so_long: str) -> str:
    if job is None:
        return f"its Processing job has been running {for_so_long}"
    if job.ProcessingJobStatus == "Stopping":
        return "its Processing job is being stopped"
    began = job.ProcessingStartTime
    if began:
        return f"its Processing job has been working for {spelled((now - began).total_seconds())}"
    return f"its Processing job is getting its instances and its input, {for_so_long}"


def _doing(
    stack: Stack,
    run: RunRecord,
    moments: Sequence[HistoryEvent],
    now: datetime,
    not_seen: list[str],
) -> str:
    last = moments[-1] if moments else None
    job: ProcessingJob | None = None
    in_line = None
    if isinstance(last, Attempt) and last.job:
        name, jobs = last.job, ProcessingJobs(stack.client("sagemaker"))
        job = _seen("its Processing job", lambda: jobs.describe(name), not_seen, None)
    if isinstance(last, SlotWait) and not last.ended:
        in_line = _seen("its place in line", lambda: place_of(stack, run.name), not_seen, None)
    return doing(last, job, now, in_line)


def _given(run: RunRecord, inputs: Inputs) -> Input | None:
    given = inputs.of_run(run)
    if given is None:
        return None
    size, key = run.trigger.get("Size"), run.trigger.get("Key")
    if given.keys == (key,) and isinstance(size, int):
        return replace(given, sizes={str(key): size})
    return inputs.sized(given, MOST_SIZED)


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


def _reruns(run: RunRecord, ledger: Any, now: datetime) -> list[RunRecord]:
    start = run.started
    until = min(now, start + RERUNS_WITHIN)
    return list(ledger.newest(until, since=start, only=Only(rerun_of=run.name)))


def _seen(what: str, look: Callable[[], T], not_seen: list[str], instead: T) -> T:
    try:
        return look()
    except ServiceError as error:
        not_seen.append(f"could not see {what}: {error}")
        return instead


def _no_history(run: RunRecord, error: ServiceError, now: datetime) -> str:
    start = run.started
    if error.code != "ExecutionDoesNotExist":
        return f"could not see its attempts: {error}"
    if start and now - start > FORGOTTEN_AFTER:
        return "its attempts are no longer known: Step Functions forgets them after 90 days"
    return "its attempts are not known: Step Functions has no such execution (any more)"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
