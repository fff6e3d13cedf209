"""One run laid out for the screen, and as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import datetime
from shlex import quote
from typing import Any

from landrun.models.run_record import RunRecord
from landrun.sanitize import one_line
from landrun_ops.cli.fact_sheet import Sheet
from landrun_ops.cli.host_sheet import show_hosts
from landrun_ops.cli.tables import person
from landrun_ops.durations import spelled
from landrun_ops.sizes import size_text
from landrun_ops.stack.execution_history import plain
from landrun_ops.stack.history_events import Attempt, Moment, Redrive, Turn, Wait
from landrun_ops.stack.run_details import OneRun

FIRST_OBJECTS = 3
"""Objects of the input that are named."""

COUNTS = {
    "rows_in": "in",
    "rows_out": "out",
    "duplicates": "duplicates",
    "empty": "empty",
    "rejected": "rejected",
}
"""What the counts of a summary are called here."""

_STYLES = {"SUCCEEDED": "bold green", "RUNNING": "bold cyan", "PENDING_REDRIVE": "bold cyan"}
_BY_OTHERS = {
    "ABORTED": "somebody stopped the execution",
    "TIMED_OUT": "the execution ran into its time limit",
}
_REDRIVABLE_DAYS = 14
"""Days within which an execution can be redriven (Step Functions API, RedriveExecution)."""


def sheet(found: OneRun, width: int, now: datetime, where: str, *, laptop: bool) -> Sheet:
    """Lay out a run in lines of ``width`` columns; only commands and links are longer.

    Parameters
    ----------
    where : str
        The options by which commands find the stack, with a space before.
    laptop : bool
        Whether it is on a laptop's AWS.
    """
    page = Sheet(width)
    why = reason(found)
    page.title(found.run.name, _verdict(found, now), _STYLES.get(_status(found), "bold red"))
    page.gap()
    page.fact("why", why, style="red")
    page.fact("role", _refused_role(found, why))
    for line in found.tail:
        page.more(line.expandtabs(), 0)
    page.fact("now", found.doing, style="cyan")
    page.fact("trigger", *_trigger(found.run))
    page.fact("when", _when(found.run))
    _input(page, found)
    _timeline(page, found, why, wide=width >= WIDE)
    _output(page, found)
    page.fact("reruns", *(f"{again.name}: {again.status}" for again in found.reruns))
    for line in found.not_seen:
        page.fact("not seen", line, style="yellow")
    page.gap()
    if found.links:
        page.heading("In AWS's consoles:")
    for what, address in found.links.items():
        page.as_is(what, address, f"link {address}")
    if found.links:
        page.gap()
    for label, command in commands(found, now, where, laptop=laptop).items():
        page.as_is(label, command)
    return page


_DENIED = re.compile(r"access ?denied|forbidden|not authorized|\b403\b", re.IGNORECASE)

REASON = 200
"""Characters of a reason in the timeline; --json has it whole."""

WIDE = 120
"""Columns from which Processing jobs are named whole."""


def reason(found: OneRun) -> str:
    """Say why a run failed; empty when it did not."""
    row = found.run.attributes()
    if not found.run.finished or found.run.succeeded:
        return ""
    said = plain(row.get("error"), row.get("cause"))
    if found.run.status in _BY_OTHERS:  # whatever its last job had said before
        return one_line(": ".join(filter(None, (_BY_OTHERS[found.run.status], said))))
    return one_line(str(row.get("exit_message") or said)) or "nobody said why"


def _refused_role(found: OneRun, why: str) -> str:
    """Name the role of a job that failed for a permission; empty for other runs."""
    if not _DENIED.search(why):
        return ""
    try:
        job = json.loads(str(found.run.reason))
    except ValueError:
        return ""
    return one_line(str(job.get("RoleArn") or "")) if isinstance(job, dict) else ""


def commands(found: OneRun, now: datetime, where: str, *, laptop: bool) -> dict[str, str]:
    """Give what to type next, by what it does."""
    name, row = found.run.name, found.run.attributes()
    given = {"log": f"landrun logs {name}{where}"}
    if not found.run.finished:
        return {"log": f"landrun logs {name} --follow{where}"}
    given["again"] = f"landrun rerun {name}{where}"
    stopped = found.run.stopped
    late = stopped is None or (now - stopped).days >= _REDRIVABLE_DAYS
    if found.run.can_be_redriven and not late and row.get("execution_arn"):
        arn = str(row["execution_arn"])
        region = "" if laptop else f" --region {quote(arn.split(':')[3])}"
        given["redrive"] = (
            f"aws stepfunctions redrive-execution{region} --execution-arn {quote(arn)}"
        )
    return given


def as_json(found: OneRun) -> dict[str, Any]:
    """Give all that is known of a run as JSON has it."""
    given = found.given
    read = given and {"bucket": given.bucket, "objects": len(given.keys), "bytes": given.bytes}
    return {
        "run": found.run.attributes(),
        "recorded": found.recorded,
        "ended_as": found.ended_as or None,
        "doing": found.doing or None,
        "why": reason(found) or None,
        "log_tail": found.tail,
        "input": read and {**read, "keys": list(given.keys) if given else []},
        "timeline": None if found.moments is None else [_moment(one) for one in found.moments],
        "output": [{"key": one.key, "bytes": one.size} for one in found.outputs],
        "reruns": [{"name": one.name, "status": one.status} for one in found.reruns],
        "links": dict(found.links),
        "not_seen": found.not_seen,
    }


def _moment(moment: Moment) -> dict[str, Any]:
    kind = type(moment).__name__.lower()
    said = asdict(moment)
    for name in ("began", "ended"):
        said |= {name: said[name].isoformat()} if said.get(name) else {}
    return {"kind": kind, **said}


def _status(found: OneRun) -> str:
    return found.ended_as or found.run.status


def _verdict(found: OneRun, now: datetime) -> str:
    if found.ended_as:
        return f"{found.ended_as}, which the ledger does not know yet"
    run, start = found.run, found.run.started
    if not run.finished:
        so_long = f" for {spelled((now - start).total_seconds())}" if start else ""
        late = "" if found.recorded else ", not in the ledger yet"
        return f"{run.status or 'not known'}{so_long}{late}"
    took = (
        ""
        if run.duration_seconds is None
        else f"{'in' if run.succeeded else 'after'} {spelled(run.duration_seconds)}"
    )
    return f"{run.status} {took}".rstrip()


def _trigger(run: RunRecord) -> list[str]:
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
    row = run.attributes()
    begin, end = _time(row.get("started_at")), row.get("stopped_at")
    redrives = row.get("redrive_count") or 0
    times = "once" if redrives == 1 else f"{redrives} times"
    span = _span(begin, _time(end)) if end else f"since {begin}"
    return f"{span}, redriven {times}" if redrives else span


def _span(begin: str, end: str) -> str:
    """Spell two times, the day once where it is the same."""
    day, utc = len("2026-11-22 "), " UTC"
    same = begin[:day] == end[:day] and begin.endswith(utc)
    return f"{begin.removesuffix(utc)} to {end[day:]}" if same else f"{begin} to {end}"


def _time(text: object) -> str:
    """Spell a time of a row, or whatever stands for it."""
    time = str(text or "?")
    return f"{time[:19].replace('T', ' ')} UTC" if time.endswith("Z") else time


def _input(page: Sheet, found: OneRun) -> None:
    uri, given = str(found.run.input_message), found.given
    if given is None:
        unseen = any("its input" in line for line in found.not_seen)
        gone = "nothing is there (any more)" if not uri.endswith("/") else ""
        page.fact("reads", uri, "" if unseen or not uri else gone)
        return
    size = "" if given.bytes is None else f", {size_text(given.bytes)}"
    if found.run.trigger.get("Kind") != "object-created" or len(given.keys) != 1:
        page.fact("reads", f"{_count(len(given.keys), 'object')} of {given.bucket}{size}")
        for key in given.keys[:FIRST_OBJECTS]:
            page.more(key, 2, style="")
        if len(given.keys) > FIRST_OBJECTS:
            page.more(f"and {len(given.keys) - FIRST_OBJECTS} more", 2)
    if given.manifest != uri:
        page.fact("input", uri)
    if given.manifest:
        page.fact("manifest", given.manifest)
    for key in found.run.input_also_matches:
        page.fact("also reads", f"{key}, which begins the same", style="yellow")


def _timeline(page: Sheet, found: OneRun, why: str, *, wide: bool) -> None:
    label, day = "timeline", str(found.run.started_at)[:10]
    for moment in found.moments or ():
        at = moment.began.strftime("%H:%M:%S")
        if f"{moment.began:%Y-%m-%d}" != day:
            at = f"{moment.began:%m-%d} {at}"
        page.fact(label, f"{at}  {_said(moment, wide=wide)}")
        said = getattr(moment, "reason", "")
        if said and said != why and said not in found.doing:
            page.more(one_line(said, REASON), len(at) + 2)
        label = ""
    if found.moments == () and found.run.finished:
        page.fact(label, "no Processing job was asked for")


def _said(moment: Moment, *, wide: bool) -> str:
    if isinstance(moment, Redrive):
        return "redriven: let go on from where it had failed"
    so_long = f"{spelled((moment.ended - moment.began).total_seconds())}" if moment.ended else ""
    if isinstance(moment, Turn):
        return _turn(moment, so_long)
    if isinstance(moment, Wait):
        often = "once" if moment.times == 1 else f"{moment.times} times"
        what = f"waited {often} for a quota" if moment.quota else f"refused by SageMaker {often}"
        return f"{what}, {so_long}" if so_long else f"{what}, and waits"
    how = f"{moment.result} after {so_long}" if so_long else moment.result
    return f"attempt {moment.number}: {how}{_named(moment, wide=wide)}"


def _turn(turn: Turn, so_long: str) -> str:
    if not so_long:
        return "waits its turn"
    return f"waited its turn, {so_long}{'' if turn.given else ', and did not get it'}"


def _named(attempt: Attempt, *, wide: bool) -> str:
    if not attempt.job:
        return f" ({attempt.task})"
    instances = f", {attempt.instances} instances" if attempt.instances > 1 else ""
    job = attempt.job if wide else f"…-{attempt.job.rpartition('-')[2]}"
    return f" (job {job}{instances})"


def _output(page: Sheet, found: OneRun) -> None:
    row, run = found.run.attributes(), found.run
    counts = {words: run.count(name) for name, words in COUNTS.items()}
    known = [f"{count:,} {words}" for words, count in counts.items() if count is not None]
    page.fact("rows", ", ".join(known))
    show_hosts(page, run)
    if not run.output_processed_message:
        return
    page.fact("output", run.output_processed_message)
    folder = run.output_processed_message.split("/", 3)[3]
    objects, size = row.get("output_objects"), row.get("output_bytes")
    if isinstance(objects, int) and isinstance(size, int):
        page.more(f"{_count(objects, 'object')}, {size_text(size)}", 0, style="")
    for one in found.outputs:
        page.more(
            f"{one.key.removeprefix(folder)}  {size_text(one.size)}",
            2,
        )
    if isinstance(objects, int) and objects > len(found.outputs) > 0:
        page.more(f"and {objects - len(found.outputs)} more", 2)
    if row.get("output_problem"):
        page.fact("", one_line(str(row["output_problem"])), style="yellow")


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
