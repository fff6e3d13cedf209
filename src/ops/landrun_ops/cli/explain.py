"""``landrun explain``: what became of one object, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.errors import ConfigurationError, InvalidS3Uri
from landrun.models.s3_uri import S3Uri
from landrun_ops.cli import options
from landrun_ops.cli.console import Sheet, console, counted, show_json, stack_options
from landrun_ops.cli.target import Target, on_stack

if TYPE_CHECKING:
    from landrun_ops.stack.lineage import Reader
    from landrun_ops.stack.object_facts import Facts
    from landrun_ops.stack.object_status import ObjectStatus
    from landrun_ops.stack.stack import Stack

STYLES = {"processed": "green", "running": "cyan", "waiting": "cyan", "claimed": "cyan"}

OTHERS = 6
"""Other runs that are named on the screen."""


@on_stack
def explain(
    target: Target,
    uri: Annotated[
        str,
        typer.Argument(metavar="URI", help="The object, as s3://bucket/key.", show_default=False),
    ],
    *,
    version_id: Annotated[
        str,
        typer.Option(
            "--version-id",
            metavar="ID",
            help="One of its versions. Default: the newest.",
            show_default=False,
        ),
    ] = "",
    json: options.JsonOption = False,
) -> int:
    r"""Say which run processed an object, or why none did, and what to do.

    Keys are exact, and not URL-encoded; bash writes a control character as $'s3://bucket/a\x01b'.
    Exits with 2 when something could not be looked at, so that there may be a run.

    Example: landrun explain s3://bucket/incoming/orders.jsonl
    """
    where = parsed(uri)
    stack = target.find()
    # Late, like all that takes longer to import than --help may take.
    from landrun_ops.stack.object_facts import gather  # noqa: PLC0415
    from landrun_ops.stack.object_status import decide  # noqa: PLC0415

    with counted("looking"):
        facts = gather(stack, where, version_id, datetime.now(UTC))
    status, here = decide(facts), stack_options(target)
    commands = [f"{command}{here}" for command in status.commands]
    tick = next_tick_text(stack, facts) if status.verdict in ("waiting", "claimed") else ""
    if json:
        answer = described(facts, status, commands)
        show_json(answer | ({"next_tick": tick} if tick else {}))
    else:
        show(facts, status, commands, tick)
    return 2 if status.verdict == "unknown" else 0


def parsed(uri: str) -> S3Uri:
    """Read the URI of an object.

    Raises
    ------
    ConfigurationError
        When it is none, or names a bucket only.
    """
    try:
        where = S3Uri.parse(uri)
    except InvalidS3Uri as error:
        raise ConfigurationError(str(error)) from error
    if not where.key:
        raise ConfigurationError(f"{where} names no object: write s3://bucket/key")
    return where


def next_tick_text(stack: Stack, facts: Facts) -> str:
    """Say when the next tick is; empty if there is none."""
    from landrun_ops.stack.activity import next_tick  # noqa: PLC0415
    from landrun_ops.stack.object_status import moment  # noqa: PLC0415

    tick = next_tick(stack.parameters, facts.start_on, facts.now)
    if tick is None:
        return ""
    return f"{moment(tick.at)}, {tick.expression}" if tick.at else tick.expression


def show(facts: Facts, status: ObjectStatus, commands: list[str], tick: str) -> None:
    """Print an answer; commands stay on one line, to be copied."""
    screen = console()
    sheet = Sheet(screen.width)
    sheet.title(str(facts.where), status.verdict, STYLES.get(status.verdict, "yellow"))
    for label, text in rows(facts, status, tick):
        sheet.fact(label, text)
    for command in commands:
        sheet.as_is("" if status.remedy else "see", command, "bold")
    for line in sheet.lines:
        screen.print(line, soft_wrap=True)


def rows(facts: Facts, status: ObjectStatus, tick: str) -> Iterator[tuple[str, str]]:
    """Give what there is to say, each with its label."""
    from landrun_ops.stack.object_status import others  # noqa: PLC0415

    yield "version", version_text(facts)
    yield "answer", status.said
    if tick:
        yield "next tick", tick
    read = others(facts, status)
    for reader in read[:OTHERS]:
        yield "also", reader_text(reader)
    if len(read) > OTHERS:
        yield "", f"and {len(read) - OTHERS:,} more: --json has them"
    for line in limits(facts):
        yield "looked at", line
    if status.remedy:
        yield "to do", f"{status.remedy}{':' if status.commands else ''}"


def version_text(facts: Facts) -> str:
    """Say which version it is about.

    >>> from landrun_ops.stack.object_facts import Facts
    >>> version_text(Facts(S3Uri("b", "k"), S3Uri("b"), "arrival", datetime.now(UTC), asked="v1"))
    'v1, not there (any more)'
    """
    from rich.filesize import decimal  # noqa: PLC0415

    from landrun_ops.stack.object_status import moment  # noqa: PLC0415

    version = facts.version
    if version is None:
        return f"{facts.asked}, not there (any more)" if facts.asked else "none"
    current = ", current" if version.latest else ", not the current one"
    name = version.version_id or "has no version id"
    return f"{name}{current}, {decimal(version.size)}, landed {moment(version.modified)}"


def reader_text(reader: Reader) -> str:
    """Say which other run read an object, and how it came to."""
    from landrun_ops.stack.object_status import outcome  # noqa: PLC0415

    run, trigger = reader.run, reader.run.trigger
    if run.rerun_of:
        how = f"ran {run.rerun_of} again"
    elif trigger.get("Kind") == "schedule":
        how = f"tick of {trigger.get('ScheduledTime')}"
        how += "" if reader.exact else ", whichever version was newest then"
    else:
        how = f"by hand, {trigger.get('StartedBy', '')}"
    return f"{run.name} {outcome(run)} ({how})"


def limits(facts: Facts) -> list[str]:
    """Say how far the search went, if not to the end, and what could not be seen."""
    readers, lines = facts.readers, []
    if readers.looked < readers.of:
        lines.append(
            f"the manifests of {readers.looked:,} of {readers.of:,} runs by schedule or by hand"
            " since it landed"
        )
    if readers.unread:
        lines.append(f"{readers.unread:,} of their manifests could not be read")
    return [*lines, *(f"could not see {one}" for one in facts.unseen)]


def described(facts: Facts, status: ObjectStatus, commands: list[str]) -> dict[str, Any]:
    """Return an answer as JSON."""
    from landrun_ops.stack.object_status import others  # noqa: PLC0415

    run = status.run
    return {
        "uri": str(facts.where),
        "version_id": facts.version_id or None,
        "verdict": status.verdict,
        "said": status.said,
        "reason": status.reason or None,
        "run": run.name if run else None,
        "status": run.status if run else None,
        "also_matched": list(run.input_also_matches) if run else [],
        "remedy": status.remedy or None,
        "commands": commands,
        "also": [
            {
                "run": one.run.name,
                "status": one.run.status,
                "exact": one.exact,
                "trigger": dict(one.run.trigger),
            }
            for one in others(facts, status)
        ],
        "versions": [
            {
                "version_id": one.version_id,
                "landed": one.modified.isoformat(),
                "size": one.size,
                "current": one.latest,
                "deletion": one.deletion,
            }
            for one in facts.versions[:100]
        ],
        "searched": {"manifests": facts.readers.looked, "runs": facts.readers.of},
        "unseen": list(facts.unseen),
    }
