"""One explanation, on the screen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rich.filesize import decimal

from landrun.errors import ConfigurationError, InvalidS3Uri
from landrun.models.s3_uri import S3Uri
from landrun_ops.cli.count_progress import counted
from landrun_ops.cli.fact_sheet import Sheet
from landrun_ops.cli.terminal import console, show_json
from landrun_ops.stack.activity import next_tick
from landrun_ops.stack.lineage import Reader
from landrun_ops.stack.object_facts import Explainer, Facts
from landrun_ops.stack.object_status import Answer, decide, moment, others, outcome
from landrun_ops.stack.stack import Stack

STYLES = {"processed": "green", "running": "cyan", "waiting": "cyan", "claimed": "cyan"}

OTHERS = 6
"""Other runs that are named on the screen."""


def run_explain(stack: Stack, uri: str, version_id: str, *, options: str = "", json: bool) -> int:
    """Look, decide and say; ``options`` are those by which a command finds this stack.

    Returns
    -------
    int
        The exit code: 2 when it cannot be told, for something could not be looked at.

    Raises
    ------
    ConfigurationError
        When the URI names no object.
    ServiceError
        When AWS refuses a call or cannot be reached.
    """
    where = parsed(uri)
    with counted("looking"):
        facts = Explainer(stack, datetime.now(UTC)).facts(where, version_id)
    decided = decide(facts)
    answer = replace(decided, commands=tuple(_here(one, options) for one in decided.commands))
    tick = ticking(stack, facts) if answer.verdict in ("waiting", "claimed") else ""
    if json:
        show_json(described(facts, answer) | ({"next_tick": tick} if tick else {}))
        return _code(answer)
    screen = console()
    sheet = Sheet(screen.width)
    write(sheet, facts, answer, tick)
    for line in sheet.lines:
        screen.print(line, soft_wrap=True)
    return _code(answer)


def _code(answer: Answer) -> int:
    return 2 if answer.verdict == "unknown" else 0


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


def _here(command: str, options: str) -> str:
    """Let a command of ours find the stack that this one found."""
    return f"{command}{options}" if command.startswith("landrun ") else command


def ticking(stack: Stack, facts: Facts) -> str:
    """Say when the next tick is."""
    tick = next_tick(stack.parameters, facts.start_on, facts.now)
    if tick is None:
        return ""
    return f"{moment(tick.at)}, {tick.expression}" if tick.at else tick.expression


def write(sheet: Sheet, facts: Facts, answer: Answer, tick: str) -> None:
    """Lay out an answer."""
    sheet.title(str(facts.where), answer.verdict, STYLES.get(answer.verdict, "yellow"))
    sheet.fact("version", version_line(facts))
    sheet.gap()
    sheet.fact("answer", answer.said)
    sheet.fact("next tick", tick)
    if answer.remedy:
        sheet.fact("to do", f"{answer.remedy}{':' if answer.commands else ''}")
    for command in answer.commands:
        sheet.as_is("" if answer.remedy else "see", command, "bold")
    read = others(facts, answer)
    for number, reader in enumerate(read[:OTHERS]):
        sheet.fact("" if number else "also", reader_line(reader))
    if len(read) > OTHERS:
        sheet.fact("", f"and {len(read) - OTHERS:,} more: --json has them")
    sheet.fact("looked at", *seen(facts))


def version_line(facts: Facts) -> str:
    """Say which version it is about.

    >>> version_line(Facts(S3Uri("b", "k"), S3Uri("b"), "arrival", datetime.now(UTC), asked="v1"))
    'v1, not there (any more)'
    """
    version = facts.version
    if version is None:
        return f"{facts.asked}, not there (any more)" if facts.asked else "none"
    current = ", current" if version.latest else ", not the current one"
    name = version.version_id or "has no version id"
    return f"{name}{current}, {decimal(version.size)}, landed {moment(version.modified)}"


def reader_line(reader: Reader) -> str:
    """Say which other run read an object, and how it came to."""
    run = reader.run
    trigger = run.trigger
    if run.rerun_of:
        how = f"ran {run.rerun_of} again"
    elif trigger.get("Kind") == "schedule":
        how = f"tick of {trigger.get('ScheduledTime')}"
        how += "" if reader.exact else ", whichever version was newest then"
    else:
        how = f"by hand, {trigger.get('StartedBy', '')}"
    return f"{run.name} {outcome(run)} ({how})"


def seen(facts: Facts) -> list[str]:
    """Say how far was looked, where that was not all, and what could not be seen."""
    readers = facts.readers
    lines = []
    if readers.looked < readers.of:
        lines.append(
            f"the manifests of {readers.looked:,} of {readers.of:,} runs by schedule or by hand"
            " since it landed"
        )
    if readers.unread:
        lines.append(f"{readers.unread:,} of their manifests could not be read")
    return [*lines, *(f"could not see {one}" for one in facts.unseen)]


def described(facts: Facts, answer: Answer) -> dict[str, Any]:
    """Give an answer as JSON."""
    run = answer.run
    return {
        "uri": str(facts.where),
        "version_id": facts.version_id or None,
        "verdict": answer.verdict,
        "said": answer.said,
        "reason": answer.reason or None,
        "run": run.name if run else None,
        "status": run.status if run else None,
        "also_matched": list(run.input_also_matches) if run else [],
        "remedy": answer.remedy or None,
        "commands": list(answer.commands),
        "also": [
            {
                "run": one.run.name,
                "status": one.run.status,
                "exact": one.exact,
                "trigger": dict(one.run.trigger),
            }
            for one in others(facts, answer)
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
