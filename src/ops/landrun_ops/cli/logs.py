"""``landrun logs``: show the log of a run's Processing jobs."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Annotated

from landrun.clock import utc_now
from landrun.models.run_record import RunRecord
from landrun.sanitize import plain_json, printable
from landrun_ops.cli import options
from landrun_ops.cli.console import note
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.history_events import attempts
from landrun_ops.stack.job_logs import JobLogs, Line
from landrun_ops.stack.run_details import execution_details, find
from landrun_ops.stack.run_progress import Phase, RunProgress, Watcher, repeated

PAUSE = 0.5
"""Seconds between reads once the run has ended."""

LATE, LATE_ON_LAPTOP = 6.0, 1.0
"""Seconds after a run's end in which the last log lines may still arrive."""


@on_stack
def logs(
    target: Target,
    run: options.RunArgument,
    *,
    follow: Annotated[
        bool, options.flag("Follow the log until the run ends.", "--follow", "-f")
    ] = False,
    timestamps: Annotated[
        bool, options.flag("Begin each line with its time, in UTC.", "--timestamps", "-t")
    ] = False,
    json: Annotated[bool, options.flag("Write one JSON object per line.", "--json")] = False,
) -> None:
    """Show the log of a run's Processing jobs: all attempts and instances, in chronological order.

    Only the log goes to stdout. If a job has several instances, each line begins with its instance.

    Example: landrun logs 3f5d8f02 --follow
    """
    now = utc_now()
    stack = target.find()
    row, _ = find(stack, run, now)
    done = execution_details(stack, row, now)
    log, tried = JobLogs(stack.client("logs")), attempts(done.events or ())
    jobs = [one.job for one in tried]
    prefix = log_prefix(row)
    several = stack.parameters.get("InstanceCount", "1") != "1"
    instances = several or any(one.instances > 1 for one in tried)
    running = not row.finished and not done.ended_as
    lines = log.lines(prefix)
    if follow and running:
        look = Watcher(stack, row.execution_arn).look
        looks = repeated(look, clock=time.monotonic, sleep=time.sleep)
        late = LATE_ON_LAPTOP if stack.laptop else LATE
        lines = log.follow(prefix, pauses(row.name, looks, late))
    shown = write(lines, jobs, json=json, timestamps=timestamps, instances=instances)
    if running and not follow:
        doing = done.doing or "goes on"
        note(f"the run {doing}: landrun logs {row.name} --follow stays until it has ended")
    elif not shown:
        note(
            f"no log: the job wrote nothing, there was none ({row.reason or 'no reason is known'}),"
            " or CloudWatch Logs no longer keeps it (retention of /aws/sagemaker/ProcessingJobs)"
        )


def log_prefix(run: RunRecord) -> str:
    """Return the common prefix of the names of a run's log streams.

    A customer's own state machine may name its jobs differently; then only the last is known.
    """
    named_as_run = not run.job_name or run.job_name.startswith(f"{run.name}-")
    return f"{run.name}-" if named_as_run else f"{run.job_name}/"


def write(
    lines: Iterable[Line], jobs: list[str], *, json: bool, timestamps: bool, instances: bool
) -> int:
    """Write lines to stdout, and headings of attempts to stderr; return the number of lines.

    ``jobs`` are the known Processing jobs, the first attempt's first.
    """
    last, shown = "", 0
    for line in lines:
        shown += 1
        if line.job not in jobs:
            jobs.append(line.job)
        attempt = jobs.index(line.job) + 1
        at = line.time.isoformat(timespec="milliseconds")
        if json:
            names = {"time": at, "attempt": attempt, "job": line.job, "instance": line.instance}
            sys.stdout.write(f"{plain_json(names | {'message': line.message})}\n")
            continue
        if line.job != last and (last or len(jobs) > 1):
            sys.stdout.flush()
            note(f"attempt {attempt}, job {line.job}:")
        last = line.job
        head = f"{at[:23].replace('T', ' ')} " if timestamps else ""
        head += f"{line.instance}  " if instances else ""
        for text in line.message.expandtabs().splitlines() or [""]:
            sys.stdout.write(f"{printable(head + text)}\n")
    sys.stdout.flush()
    return shown


def pauses(name: str, looks: Iterable[RunProgress], late: float) -> Iterator[None]:
    """Wait between reads of a run's log, until it has ended and its last lines have arrived.

    Reports on stderr what the run is doing, and how it ends.
    """
    said = ""
    for progress in looks:
        sys.stdout.flush()
        if progress.phase is Phase.ENDED:
            break
        if str(progress) != said:
            note(f"{name} is {progress}")
        said = str(progress)
        yield
    for _ in range(round(late / PAUSE)):
        sys.stdout.flush()
        time.sleep(PAUSE)
        yield
    note(f"{name} {': '.join(filter(None, (progress.status, progress.reason)))}")
