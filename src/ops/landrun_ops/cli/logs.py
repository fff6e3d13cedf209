"""``landrun logs``: what a run's Processing jobs wrote."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from landrun.errors import ConfigurationError
from landrun.sanitize import plain_json, printable
from landrun_ops.cli import options
from landrun_ops.cli.console import note
from landrun_ops.cli.target import Target, on_stack

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord
    from landrun_ops.stack.job_logs import Line
    from landrun_ops.stack.run_details import ExecutionDetails
    from landrun_ops.stack.run_progress import RunProgress
    from landrun_ops.stack.stack import Stack

PAUSE = 0.5
"""Seconds between looks once the run has ended."""

LATE = 6.0
"""Seconds after a run's end in which the last lines of its log may still come."""


@on_stack
def logs(
    target: Target,
    run: options.RunArgument,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Stay until the run has ended.")
    ] = False,
    attempt: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Only this attempt; else all.", show_default=False),
    ] = None,
    timestamps: Annotated[
        bool, typer.Option("--timestamps", "-t", help="Begin each line with its time, in UTC.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Write a JSON object a line.")] = False,
) -> None:
    """Show the log of a run's Processing jobs, all attempts and instances in the order of time.

    Only the log goes to stdout. A line begins with its instance where a job has several.

    Example: landrun logs 3f5d8f02 --follow
    """
    # Late, here and below: boto3 takes longer to import than --help may take.
    from landrun_ops.stack import run_details  # noqa: PLC0415
    from landrun_ops.stack.history_events import attempts  # noqa: PLC0415
    from landrun_ops.stack.job_logs import JobLogs  # noqa: PLC0415

    now = datetime.now(UTC)
    stack = target.find()
    row, _ = run_details.find(stack, run, now)
    done = run_details.execution_details(stack, row, now)
    log = JobLogs(stack.client("logs"))
    tried = attempts(done.events or ())
    jobs = [one.job for one in tried] if done.events is not None else log.jobs(common_prefix(row))
    prefix = attempt_prefix(row, jobs, attempt)
    several = any(one.instances > 1 for one in tried)
    several |= stack.parameters.get("InstanceCount", "1") != "1"
    printer = Printer(jobs, json=json, timestamps=timestamps, instances=several)
    running = not row.finished and not done.ended_as
    if follow and running:
        _follow(stack, row, lambda more: log.follow(prefix, more), printer)
        return
    printer.show(log.lines(prefix))
    if not printer.shown:
        note(why_none(row, done, running=running))
    elif running:
        note(f"the run goes on: landrun logs {row.name} --follow stays until it has ended")


def common_prefix(run: RunRecord) -> str:
    """Return what the names of all the run's log streams begin with.

    A customer's own state machine may name its jobs otherwise: then only the last is known.
    """
    job = str(run.job_name or "")
    return f"{run.name}-" if not job or job.startswith(f"{run.name}-") else f"{job}/"


def attempt_prefix(run: RunRecord, jobs: list[str], attempt: int | None) -> str:
    """Return what the names of an attempt's log streams begin with; of all, where it is None.

    Raises
    ------
    ConfigurationError
        When there is no such attempt.
    """
    if attempt is None:
        return common_prefix(run)
    if attempt > len(jobs):
        known = {0: "no attempt", 1: "one attempt"}.get(len(jobs), f"{len(jobs)} attempts")
        raise ConfigurationError(f"{run.name} has {known}: leave --attempt {attempt} out")
    return f"{jobs[attempt - 1]}/"


class Printer:
    """Writes lines of a log to stdout, one at a time, and to stderr where an attempt begins.

    Parameters
    ----------
    jobs : list of str
        The known Processing jobs, the first attempt's first.
    json, timestamps, instances : bool
        Whether to write JSON, or to begin lines with their times and instances.
    """

    def __init__(self, jobs: list[str], *, json: bool, timestamps: bool, instances: bool) -> None:
        self._jobs = list(jobs)
        self._json = json
        self._timestamps = timestamps
        self._instances = instances
        self._last = self._first = ""
        self.shown = 0

    def show(self, lines: Iterable[Line]) -> None:
        """Write events as they come; each may be several lines."""
        for line in lines:
            self.shown += 1
            if line.job not in self._jobs:
                self._jobs.append(line.job)
            self._instances |= line.instance not in ("", self._first or line.instance)
            self._first = line.instance
            number = self._jobs.index(line.job) + 1
            # Buffered: a log may have a million lines.
            sys.stdout.writelines(self._json_line(line, number) if self._json else self._text(line))
        sys.stdout.flush()

    def _text(self, line: Line) -> Iterator[str]:
        if line.job != self._last and (self._last or len(self._jobs) > 1):
            sys.stdout.flush()
            note(f"attempt {self._jobs.index(line.job) + 1}, job {line.job}:")
        self._last = line.job
        head = f"{line.instance}  " if self._instances else ""
        if self._timestamps:
            at = line.time.isoformat(" ", "milliseconds").removesuffix("+00:00")
            head = f"{at} {head}"
        for text in line.message.expandtabs().splitlines() or [""]:
            yield f"{printable(head + text)}\n"

    @staticmethod
    def _json_line(line: Line, attempt: int) -> Iterator[str]:
        found = {
            "time": line.time.isoformat(timespec="milliseconds"),
            "attempt": attempt,
            "job": line.job,
            "instance": line.instance,
            "message": line.message,
        }
        yield f"{plain_json(found)}\n"


def why_none(run: RunRecord, done: ExecutionDetails, *, running: bool) -> str:
    """Say why there is no line of a log."""
    from landrun_ops.stack.history_events import attempts  # noqa: PLC0415

    if running or done.doing:
        return f"no log yet: {done.doing or 'the run goes on'}"
    if done.events is not None and not any(one.job for one in attempts(done.events)):
        return f"no log: the run had no Processing job{f': {run.reason}' if run.reason else ''}"
    return (
        "no log: the job wrote nothing, or CloudWatch Logs no longer keeps it (retention of"
        " /aws/sagemaker/ProcessingJobs)"
    )


# ---- Following


def _follow(
    stack: Stack,
    run: RunRecord,
    lines: Callable[[Callable[[], bool]], Iterator[Line]],
    printer: Printer,
) -> None:
    from landrun_ops.stack.run_progress import Watcher, follow  # noqa: PLC0415

    watcher = Watcher(stack, run.execution_arn)
    ending = Ending(
        follow(watcher.look, clock=time.monotonic, sleep=time.sleep),
        time.sleep,
        1.0 if stack.laptop else LATE,
    )

    def more() -> bool:
        goes_on = ending()
        if not printer.shown and ending.news:
            note(f"no log yet: {ending.news}")
        return goes_on

    for line in lines(more):
        printer.show([line])
    note(f"{run.name} {ending.words}")


class Ending:
    """Waits between looks at a log, and says whether to look again: until a run has ended.

    Parameters
    ----------
    looks : iterator of RunProgress
        Waits, and gives how far the run is; the last one is its end.
    sleep : callable
        Waits so many seconds.
    late : float
        Seconds after the end in which lines may still come.

    Attributes
    ----------
    news : str
        What the run does, if that has changed since the last look.
    """

    def __init__(
        self, looks: Iterator[RunProgress], sleep: Callable[[float], None], late: float
    ) -> None:
        self._looks, self._sleep, self._late = looks, sleep, late
        self._last: RunProgress | None = None
        self.news = ""

    def __call__(self) -> bool:
        """Wait, and return whether to look again."""
        before, now, self.news = self._last, next(self._looks, None), ""
        if now is None:
            self._sleep(PAUSE)
            self._late -= PAUSE
            return self._late > 0
        self._last = now
        same = before and (before.phase, before.note) == (now.phase, now.note)
        if not same and now.phase.name != "ENDED":
            self.news = ": ".join(filter(None, (now.phase.value, now.note)))
        return True

    @property
    def words(self) -> str:
        """How the run ended."""
        if self._last is None:
            return "has ended"
        return ": ".join(filter(None, (self._last.status, self._last.reason)))
