"""``landrun show``: show everything about one run."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from shlex import quote
from typing import Any

from pydantic_core import to_jsonable_python
from rich.table import Table
from rich.text import Text

from landrun.clock import utc_now
from landrun.sanitize import one_line, printable
from landrun_ops.cli import options
from landrun_ops.cli.console import console, show_json, stack_options
from landrun_ops.cli.tables import STYLES, counts_text, trigger_text
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.history_events import Attempt, HistoryEvent, Redrive, SlotWait
from landrun_ops.stack.run_details import RunDetails, find, gather
from landrun_ops.units import count, size_text, spelled

FIRST_OBJECTS = 3
"""Objects of the input that are named; --json has all."""

REASON, LOG_LINE = 200, 500
"""Characters of a reason in the timeline, and of a line of the log."""

REDRIVABLE_DAYS = 14
"""Days within which an execution can be redriven (Step Functions API, RedriveExecution)."""

_COLOURS = {"why": "red", "now": "cyan", "also reads": "yellow", "problems": "yellow"}
_COLOURS |= {"not seen": "yellow", "log ends": "dim"}


@on_stack
def show(target: Target, run: options.RunArgument, *, json: options.JsonOption = False) -> int:
    """Show one run: its trigger, input, timeline, output, and the commands for the next step.

    --json writes its row of the runs table with more facts added. Exits with 1 when the run
    failed.

    Example: landrun show 3f5d8f02
    """
    now = utc_now()
    stack = target.find()
    row, recorded = find(stack, run, now)
    found = gather(stack, row, now, recorded=recorded)
    if json:
        show_json(as_json(found))
    else:
        print_run(found, commands(found, now, stack_options(target), laptop=stack.laptop), now)
    return 1 if found.status in ("FAILED", "TIMED_OUT", "ABORTED") else 0


def print_run(found: RunDetails, commands: Mapping[str, str], now: datetime) -> None:
    """Print a run; commands, URIs and links are not wrapped, so that they can be copied."""
    screen, run = console(), found.run
    verdict = Text(_verdict(found, now), style=f"bold {STYLES.get(found.status, 'red')}")
    screen.print(Text.assemble((printable(run.name), "bold"), "  ", verdict), soft_wrap=True)
    screen.print()
    grid = Table.grid(padding=(0, 2))
    for label, lines in facts(found).items():
        for number, line in enumerate(filter(None, lines)):
            words = Text(printable(line), style=_COLOURS.get(label, ""))
            grid.add_row(Text("" if number else label, style="dim"), words)
    screen.print(grid)
    manifest = found.input.manifest if found.input else ""
    uris = {
        "input": run.input_message if run.input_message != manifest else "",
        "manifest": manifest,
        "output": run.output_processed_message,
    }
    for group in filter(None, (uris, found.links, commands)):
        screen.print()
        for label, text in group.items():
            if text:
                screen.print(f"{label:<9} {text}", soft_wrap=True)


def facts(found: RunDetails) -> dict[str, list[str]]:
    """Return the facts about a run as lines, by label; a label may have no lines."""
    run = found.run
    left_out = ("Kind", "Key", "Sequencer")
    more = [f"{name} {value}" for name, value in run.trigger.items() if name not in left_out]
    end = f" to {run.stopped_at}" if run.stopped_at else ""
    redrives = f", resumed {count(run.redrive_count, 'time')}" if run.redrive_count else ""
    reads = ["not known: there is no manifest, or it could not be read"]
    if read := found.input:
        first = [f"s3://{read.bucket}/{key}" for key in read.keys[:FIRST_OBJECTS]]
        reads = _objects(len(read.keys), read.bytes, first)
    names = [one.key.partition(f"/{run.name}/")[2] or one.key for one in found.outputs]
    written = run.output_objects
    return {
        "why": [found.why],
        "now": [found.doing],
        "trigger": [trigger_text(run), ", ".join(more)],
        "when": [f"{run.started_at}{end}{redrives}"],
        "reads": reads,
        "also reads": [f"{key}, which begins the same" for key in run.input_also_matches],
        "timeline": _timeline(found),
        "rows": [counts_text(run)],
        "wrote": _objects(written, run.output_bytes, names) if written is not None else [],
        "problems": found.problems,
        "reruns": [f"{again.name}: {again.status}" for again in found.reruns],
        "not seen": found.not_seen,
        "log ends": [one_line(line.expandtabs(), LOG_LINE) for line in found.tail],
    }


def commands(found: RunDetails, now: datetime, where: str, *, laptop: bool) -> dict[str, str]:
    """Return the next commands by their purpose; ``where`` are the options that name the stack."""
    run, name = found.run, found.run.name
    if not run.finished:
        follow = {"log": f"landrun logs {name} --follow{where}"}
        return follow if found.ended_as else follow | {"stop": f"landrun stop {name}{where}"}
    typed = {"log": f"landrun logs {name}{where}", "again": f"landrun rerun {name}{where}"}
    if run.can_be_redriven and run.stopped and (now - run.stopped).days < REDRIVABLE_DAYS:
        arn = run.execution_arn
        region = "" if laptop else f" --region {quote(arn.split(':')[3])}"
        typed["resume"] = (
            f"aws stepfunctions redrive-execution{region} --execution-arn {quote(arn)}"
        )
    return typed


def as_json(found: RunDetails) -> dict[str, Any]:
    """Return a run's row with the further facts of docs/reference/runs-table.md."""
    read = found.input
    keys = {"objects": len(read.keys), "keys": read.keys} if read else {}
    return {
        **found.run.attributes(),
        "recorded": found.recorded,
        "ended_as": found.ended_as or None,
        "doing": found.doing or None,
        "why": found.why or None,
        "log_tail": found.tail,
        "input": read and keys | {"bucket": read.bucket, "bytes": read.bytes},
        "timeline": to_jsonable_python(found.events),
        "outputs": [{"key": one.key, "bytes": one.size} for one in found.outputs],
        "summary_problems": found.problems,
        "reruns": [{"name": one.name, "status": one.status} for one in found.reruns],
        "links": found.links,
        "not_seen": found.not_seen,
    }


def _verdict(found: RunDetails, now: datetime) -> str:
    run, seconds = found.run, found.run.duration_seconds
    lasted = spelled((now - run.started).total_seconds() if seconds is None else seconds)
    how = "after" if run.finished or found.ended_as else "for"
    late = "" if found.recorded and not found.ended_as else " (not in the runs table yet)"
    return f"{found.status} {how} {lasted}{late}"


def _timeline(found: RunDetails) -> list[str]:
    if found.events == () and found.run.finished:
        return ["no Processing job was asked for"]
    lines = []
    for event in found.events or ():
        reason = one_line(getattr(event, "reason", ""), REASON)
        said = f": {reason}" if reason and reason not in found.why else ""
        lines.append(f"{event.began:%m-%d %H:%M:%S}  {_event_text(event)}{said}")
    return lines


def _event_text(event: HistoryEvent) -> str:
    if isinstance(event, Redrive):
        return "resumed from where it had failed"
    took = spelled((event.ended - event.began).total_seconds()) if event.ended else ""
    if isinstance(event, Attempt):
        instances = f", {event.instances} instances" if event.instances > 1 else ""
        how = f"{event.result} after {took}" if took else event.result
        return f"attempt {event.number}: {how} ({event.job or event.task}{instances})"
    if isinstance(event, SlotWait):
        what = "a concurrency slot"
    else:
        what = f"{'a quota' if event.quota else 'SageMaker'}, refused {count(event.times, 'time')}"
    return f"waited for {what}, {took or 'and waits'}"


def _objects(total: int, size: int | None, names: Sequence[str]) -> list[str]:
    """Return the number of objects, and some of their keys."""
    bytes_ = "" if size is None else f", {size_text(size)}"
    more = f"  and {total - len(names):,} more" if 0 < len(names) < total else ""
    return [f"{count(total, 'object')}{bytes_}", *(f"  {name}" for name in names), more]
