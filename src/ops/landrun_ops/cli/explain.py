"""``landrun explain``: what became of one object, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from rich.table import Column, Table

from landrun.models.s3_uri import S3Uri
from landrun.sanitize import printable
from landrun_ops.cli import options
from landrun_ops.cli.console import console, counted, show_json, stack_options
from landrun_ops.cli.tables import trigger_text
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.activity import next_tick
from landrun_ops.stack.inputs import Reader
from landrun_ops.stack.object_status import Facts, ObjectStatus, decide, gather
from landrun_ops.stack.stack import Stack
from landrun_ops.units import size_text


@on_stack
def explain(
    target: Target,
    uri: Annotated[str, options.argument("URI", "The object, as s3://bucket/key.")],
    *,
    version_id: Annotated[
        str, options.option("ID", "The object's version. Default: the newest.")
    ] = "",
    json: options.JsonOption = False,
) -> int:
    r"""Say which run processed an object, or why none did, and what to do.

    Keys are exact, and not URL-encoded; bash writes a control character as $'s3://bucket/a\x01b'.
    Exits with 2 when something could not be read, so that a run may have been missed.

    Example: landrun explain s3://bucket/incoming/orders.jsonl
    """
    where, stack = S3Uri.parse(uri), target.find()
    with counted("looking"):
        facts = gather(stack, where, version_id, datetime.now(UTC))
    status = decide(facts)
    status.commands = [f"{command}{stack_options(target)}" for command in status.commands]
    others = [one for one in facts.readers.found if one.run.name != status.run]
    if json:
        also = [{"run": one.run.name, "status": one.run.status} for one in others]
        about = {"uri": str(where), "version_id": facts.version_id}
        show_json({**about, **asdict(status), "also": also, "unseen": facts.unseen})
    else:
        _show(stack, facts, status, others)
    return 2 if status.verdict == "unknown" else 0


def _show(stack: Stack, facts: Facts, status: ObjectStatus, others: Sequence[Reader]) -> None:
    screen, table = console(), Table.grid(Column(style="dim", width=10), Column(overflow="fold"))
    for label, text in _rows(stack, facts, status, others):
        table.add_row(label, printable(text))
    screen.print(f"{facts.where}  {status.verdict}", style="bold", soft_wrap=True)
    screen.print(table)
    for command in status.commands:  # on one line, to be copied
        screen.print(f"{'':<10}{command}", style="bold", soft_wrap=True)


def _rows(
    stack: Stack, facts: Facts, status: ObjectStatus, others: Sequence[Reader]
) -> Iterator[tuple[str, str]]:
    if facts.version:
        name = facts.version.version_id or "without a version id"
        landed = f"{facts.version.modified:%Y-%m-%d %H:%M:%S} UTC"
        yield "version", f"{name}, {size_text(facts.version.size)}, landed {landed}"
    yield "answer", status.said
    tick = next_tick(stack.parameters, stack.output("StartOn"), facts.now)
    if tick and status.verdict in ("waiting", "claimed"):
        yield "next tick", f"{tick.at or ''} {tick.expression}".strip()
    for one in others:
        which = "" if one.exact else ", whichever version was newest then"
        yield "also", f"{one.run.name}: {one.run.status} ({trigger_text(one.run)}{which})"
    readers = facts.readers
    if readers.looked < readers.of:
        seen = f"{readers.looked:,} of {readers.of:,}"
        yield "looked at", f"the manifests of {seen} runs by schedule or by hand"
    for why in facts.unseen:
        yield "not seen", why
    if status.remedy:
        yield "to do", status.remedy
