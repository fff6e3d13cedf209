"""``landrun show``: everything about one run."""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from shlex import quote
from typing import TYPE_CHECKING, Any

from landrun.clock import utc_now
from landrun.models.job_summary import in_order
from landrun.sanitize import one_line, shown
from landrun_ops.cli import options
from landrun_ops.cli.console import Sheet, console, show_json, stack_options
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.units import size_text, spelled

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord
    from landrun_ops.stack.history_events import Attempt, HistoryEvent
    from landrun_ops.stack.run_details import RunDetails

FIRST_OBJECTS, FIRST_HOSTS = 3, 10
"""Objects of the input, and hosts of the job, that are named; --json has all."""

REASON, LOG_LINE, HOST_NAME = 200, 500, 40
"""Characters of a reason in the timeline, of a line of the log, and of a host's name."""

COUNTABLE = 10**15
"""Larger numbers are no counts."""

KINDS = {"Attempt": "attempt", "Wait": "wait", "SlotWait": "slot-wait", "Redrive": "redrive"}
"""What --json calls the events of the timeline."""

_BY_OTHERS = {
    "ABORTED": "somebody stopped the execution",
    "TIMED_OUT": "the execution ran into its time limit",
}
_REDRIVABLE_DAYS = 14
"""Days within which an execution can be redriven (Step Functions API, RedriveExecution)."""

_DENIED = re.compile(r"access ?denied|forbidden|not authorized|\b403\b", re.IGNORECASE)


@on_stack
def show(target: Target, run: options.RunArgument, *, json: options.JsonOption = False) -> int:
    """Show one run: what started it, what it read, did, waited for and wrote, and what next.

    --json writes its row of the runs table with more facts added. Exits with 1 when the run
    failed.

    Example: landrun show 3f5d8f02
    """
    # Late, here and below: boto3 and rich take longer to import than --help may take.
    from landrun_ops.stack import run_details  # noqa: PLC0415

    now = utc_now()
    stack = target.find()
    row, recorded = run_details.find(stack, run, now)
    found = run_details.gather(stack, row, now, recorded=recorded)
    if json:
        show_json(as_json(found))
    else:
        screen = console()
        page = sheet(found, screen.width, now, stack_options(target), laptop=stack.laptop)
        for line in page.lines:
            screen.print(line, soft_wrap=True)
    return 1 if status_of(found) in ("FAILED", "TIMED_OUT", "ABORTED") else 0


def sheet(found: RunDetails, width: int, now: datetime, where: str, *, laptop: bool) -> Sheet:
    """Lay out a run in lines of ``width`` columns; only commands and links are longer.

    Parameters
    ----------
    where : str
        The options by which commands find the stack, after a space.
    laptop : bool
        Whether it is on a laptop's AWS.
    """
    from landrun_ops.cli.tables import STYLES, counts_text  # noqa: PLC0415

    page, why = Sheet(width), why_text(found)
    style = STYLES.get(status_of(found), "red")
    page.title(found.run.name, _verdict(found, now), f"bold {style}")
    page.gap()
    page.fact("why", why, style="red")
    page.fact("role", _refused_role(found, why))
    for line in found.tail:
        page.more(one_line(line.expandtabs(), LOG_LINE), 0)
    page.fact("now", found.doing, style="cyan")
    page.fact("trigger", *_trigger(found.run))
    page.fact("when", _when(found.run))
    _input(page, found)
    _timeline(page, found, why)
    page.fact("rows", counts_text(found.run))
    page.fact("", *_summary_problems(found), style="yellow")
    _hosts(page, found.run, why)
    _output(page, found)
    page.fact("reruns", *(f"{again.name}: {again.status}" for again in found.reruns))
    page.fact("not seen", *found.not_seen, style="yellow")
    page.gap()
    if found.links:
        page.heading("In AWS's consoles:")
        for what, address in found.links.items():
            page.as_is(what, address, f"link {address}")
        page.gap()
    for label, command in commands(found, now, where, laptop=laptop).items():
        page.as_is(label, command)
    return page


def why_text(found: RunDetails) -> str:
    """Say why a run failed; empty when it did not."""
    run = found.run
    if not run.finished or run.succeeded:
        return ""
    if run.status in _BY_OTHERS:  # whatever its last job had said before
        from landrun_ops.stack.execution_history import plain  # noqa: PLC0415

        said = plain(run.error, run.cause)
        return one_line(": ".join(filter(None, (_BY_OTHERS[run.status], said))))
    return _cause(run) or "the run gave no reason"


def _cause(run: RunRecord) -> str:
    from landrun_ops.stack.execution_history import plain  # noqa: PLC0415

    return run.reason if run.exit_message else plain(run.error, run.cause)


def _refused_role(found: RunDetails, why: str) -> str:
    """Name the role of a job that failed for a permission; empty for other runs."""
    if not _DENIED.search(why):
        return ""
    try:
        job = json_module.loads(str(found.run.cause))
    except ValueError:
        return ""
    return one_line(str(job.get("RoleArn") or "")) if isinstance(job, dict) else ""


def commands(found: RunDetails, now: datetime, where: str, *, laptop: bool) -> dict[str, str]:
    """Return what to type next, by what it does."""
    name = found.run.name
    if not found.run.finished:
        follow = {"log": f"landrun logs {name} --follow{where}"}
        return follow if found.ended_as else follow | {"stop": f"landrun stop {name}{where}"}
    given = {"log": f"landrun logs {name}{where}", "again": f"landrun rerun {name}{where}"}
    stopped = found.run.stopped
    late = stopped is None or (now - stopped).days >= _REDRIVABLE_DAYS
    if found.run.can_be_redriven and not late:
        arn = found.run.execution_arn
        region = "" if laptop else f" --region {quote(arn.split(':')[3])}"
        given["resume"] = (
            f"aws stepfunctions redrive-execution{region} --execution-arn {quote(arn)}"
        )
    return given


def as_json(found: RunDetails) -> dict[str, Any]:
    """Return a run's row with all else that is known of it; see docs/reference/runs-table.md."""
    given = found.given
    read = given and {"bucket": given.bucket, "objects": len(given.keys), "bytes": given.bytes}
    return {
        **found.run.attributes(),
        "recorded": found.recorded,
        "ended_as": found.ended_as or None,
        "doing": found.doing or None,
        "why": why_text(found) or None,
        "log_tail": found.tail,
        "input": read and {**read, "keys": list(given.keys) if given else []},
        "timeline": None if found.events is None else [_event(one) for one in found.events],
        "outputs": [{"key": one.key, "bytes": one.size} for one in found.outputs],
        "summary_problems": _summary_problems(found),
        "reruns": [{"name": one.name, "status": one.status} for one in found.reruns],
        "links": dict(found.links),
        "not_seen": found.not_seen,
    }


def _event(event: HistoryEvent) -> dict[str, Any]:
    said = asdict(event)
    for name in ("began", "ended"):
        said |= {name: said[name].isoformat()} if said.get(name) else {}
    return {"kind": KINDS[type(event).__name__], **said}


def status_of(found: RunDetails) -> str:
    """Return a run's status; WAITING while it waits for a concurrency slot."""
    from landrun_ops.cli.tables import WAITING  # noqa: PLC0415
    from landrun_ops.stack.history_events import SlotWait  # noqa: PLC0415

    last = found.events[-1] if found.events else None
    status = found.ended_as or found.run.status
    waits = isinstance(last, SlotWait) and last.ended is None
    return WAITING if waits and status == "RUNNING" else status


def _verdict(found: RunDetails, now: datetime) -> str:
    run, status = found.run, status_of(found)
    if found.ended_as:
        return f"{status}, not in the runs table yet"
    if not run.finished:
        so_long = f" for {spelled((now - run.started).total_seconds())}"
        late = "" if found.recorded else ", not in the runs table yet"
        return f"{status}{so_long}{late}"
    if run.duration_seconds is None:
        return status
    return f"{status} {'in' if run.succeeded else 'after'} {spelled(run.duration_seconds)}"


def _trigger(run: RunRecord) -> list[str]:
    from landrun_ops.cli.tables import person  # noqa: PLC0415

    trigger = run.trigger
    match trigger.get("Kind"):
        case "object-created":
            size = trigger.get("Size")
            known = f"{size_text(size)} at " if isinstance(size, int) else ""
            return [
                f"landed: s3://{trigger.get('Bucket')}/{trigger.get('Key')}",
                f"{known}{_time(trigger.get('EventTime'))}",
                f"version {trigger['VersionId']}" if trigger.get("VersionId") else "",
            ]
        case "schedule":
            part = f", part {trigger['Part']} of its runs" if trigger.get("Part") else ""
            schedule = str(trigger.get("ScheduleArn", "")).rpartition(":schedule/")[2]
            return [f"tick of {_time(trigger.get('ScheduledTime'))}{part}", f"schedule {schedule}"]
        case "manual":
            who = f"by hand, by {person(str(trigger.get('StartedBy', '')))}"
            again = trigger.get("RerunOf")
            return [f"rerun of {again}", who] if again else [who]
        case "outside":
            return ["by hand, outside landrun", "its jobs are named JobNamePrefix-<uuid>"]
    return ["not known"]


def _when(run: RunRecord) -> str:
    begin, redrives = _time(run.started_at), run.redrive_count
    times = "once" if redrives == 1 else f"{redrives} times"
    span = _span(begin, _time(run.stopped_at)) if run.stopped_at else f"since {begin}"
    return f"{span}, resumed {times}" if redrives else span


def _span(begin: str, end: str) -> str:
    """Spell two times, the day once where it is the same."""
    day, utc = len("2026-11-22 "), " UTC"
    same = begin[:day] == end[:day] and begin.endswith(utc)
    return f"{begin.removesuffix(utc)} to {end[day:]}" if same else f"{begin} to {end}"


def _time(text: object) -> str:
    """Spell a time of a row, or whatever stands for it."""
    time = str(text or "?")
    return f"{time[:19].replace('T', ' ')} UTC" if time.endswith("Z") else time


def _input(page: Sheet, found: RunDetails) -> None:
    uri, given = str(found.run.input_message), found.given
    if given is None:
        unseen = any("its input" in line for line in found.not_seen)
        gone = "nothing is there (any more)" if not uri.endswith("/") else ""
        page.as_is("reads", uri)
        page.fact("", "" if unseen or not uri else gone)
        return
    size = "" if given.bytes is None else f", {size_text(given.bytes)}"
    if found.run.trigger.get("Kind") != "object-created" or len(given.keys) != 1:
        page.fact("reads", f"{_count(len(given.keys), 'object')} of {given.bucket}{size}")
        for key in given.keys[:FIRST_OBJECTS]:
            page.more(key, 2, style="")
        if len(given.keys) > FIRST_OBJECTS:
            page.more(f"and {len(given.keys) - FIRST_OBJECTS} more", 2)
    if given.manifest != uri:
        page.as_is("input", uri)
    if given.manifest:
        page.as_is("manifest", given.manifest)
    for key in found.run.input_also_matches:
        page.fact("also", f"{key}, which begins the same", style="yellow")


def _timeline(page: Sheet, found: RunDetails, why: str) -> None:
    label, day = "timeline", str(found.run.started_at)[:10]
    for event in found.events or ():
        at = event.began.strftime("%H:%M:%S")
        if f"{event.began:%Y-%m-%d}" != day:
            at = f"{event.began:%m-%d} {at}"
        page.fact(label, f"{at}  {_event_text(event)}")
        said = getattr(event, "reason", "")
        if said and said != why and said not in found.doing:
            page.more(one_line(said, REASON), len(at) + 2)
        label = ""
    if found.events == () and found.run.finished:
        page.fact(label, "no Processing job was asked for")


def _event_text(event: HistoryEvent) -> str:
    from landrun_ops.stack.history_events import Redrive, SlotWait, Wait  # noqa: PLC0415

    if isinstance(event, Redrive):
        return "resumed from where it had failed"
    so_long = spelled((event.ended - event.began).total_seconds()) if event.ended else ""
    if isinstance(event, SlotWait):
        if not so_long:
            return "waits for a concurrency slot"
        lost = "" if event.acquired else ", and did not get one"
        return f"waited for a concurrency slot, {so_long}{lost}"
    if isinstance(event, Wait):
        often = "once" if event.times == 1 else f"{event.times} times"
        what = f"waited {often} for a quota" if event.quota else f"refused by SageMaker {often}"
        return f"{what}, {so_long}" if so_long else f"{what}, and waits"
    how = f"{event.result} after {so_long}" if so_long else event.result
    return f"attempt {event.number}: {how}{_job(event)}"


def _job(attempt: Attempt) -> str:
    instances = f", {attempt.instances} instances" if attempt.instances > 1 else ""
    return f" (job {attempt.job}{instances})" if attempt.job else f" ({attempt.task})"


def _summary_problems(found: RunDetails) -> list[str]:
    """Say what of the run's outcome its row does not hold, or holds wrongly."""
    run, left_out = found.run, found.run.left_out or ()
    problems = []
    if left_out:
        names = ", ".join(map(str, left_out))
        problems.append(f"left out of its row, too large or nested too deep: {names}")
    there = any(one.key.endswith("/summary.json") for one in found.outputs)
    if there and run.finished and not run.summary and "summary" not in left_out:
        problems.append(
            "summary.json is left out: it is no JSON object, too large, or nested too deep"
        )
    wrong = [
        f"{name} is {shown(value, 20)}"
        for name, value in run.summary.items()
        if name in ("rows_in", "rows_out", "duplicates", "empty", "rejected")
        and _number(value) is None
    ]
    if wrong:
        problems.append(f"no counts: {', '.join(wrong)}")
    if run.output_problem:
        problems.append(str(run.output_problem))
    return [one_line(problem) for problem in problems]


def _hosts(page: Sheet, run: RunRecord, why: str) -> None:
    """Say how a run's work was shared, and what is wrong with it; nothing of a run of one host."""
    shards = run.summary.get("shards")
    shards = shards if isinstance(shards, Mapping) else {}
    lines = [
        f"{one_line(host, HOST_NAME)}: {', '.join(_host_facts(shards[host])) or 'said nothing'}"
        for host in in_order(shards)[:FIRST_HOSTS]
    ]
    page.fact("hosts", *lines)
    if len(shards) > FIRST_HOSTS:
        page.more(f"and {len(shards) - FIRST_HOSTS} more", 0)
    if run.summary.get("duplicates_within") == "shard":
        page.more("duplicates are those within a host's own files", 0)
    problem = one_line(str(run.summary.get("problem") or ""))
    page.fact("", "" if problem == why else problem, style="yellow")


def _host_facts(shard: object) -> Iterator[str]:
    shard = shard if isinstance(shard, Mapping) else {}
    files, size, seconds = (_number(shard.get(name)) for name in ("files", "bytes", "seconds"))
    if files == 0:
        yield "got no file"
        return
    if files is not None:
        yield f"{files:,.0f} file{'' if files == 1 else 's'}"
    if size is not None:
        yield size_text(size)
    for name, words in (("rows_in", "in"), ("rows_out", "out")):
        if (count := _number(shard.get(name))) is not None:
            yield f"{count:,.0f} {words}"
    if seconds is not None:
        yield spelled(seconds)


def _number(value: object) -> float | None:
    """Return a number that counts something: neither negative, NaN nor too large."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < COUNTABLE else None


def _output(page: Sheet, found: RunDetails) -> None:
    run = found.run
    if not run.output_processed_message:
        return
    page.as_is("output", run.output_processed_message)
    objects, folder = run.output_objects or 0, run.output_processed_message.split("/", 3)[3]
    if run.output_objects is not None and run.output_bytes is not None:
        page.more(f"{_count(objects, 'object')}, {size_text(run.output_bytes)}", 0, style="")
    for one in found.outputs:
        page.more(f"{one.key.removeprefix(folder)}  {size_text(one.size)}", 2)
    if objects > len(found.outputs) > 0:
        page.more(f"and {objects - len(found.outputs)} more", 2)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
