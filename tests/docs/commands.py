"""The reference of commands, made of what ``landrun … --help`` is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import typer

from landrun_ops.cli import app

PLACES = ("--stack", "--profile", "--region", "--project", "--state-dir")
"""What most commands take to find a stack: explained once."""

Record = tuple[str, str]
"""How help shows an option or argument: its spelling, and what it does."""


def reference() -> str:
    """Spell a section for each command."""
    shared = _shared()
    return "\n\n".join(_section(command, context, shared) for command, context in _all())


def places() -> str:
    """Spell the options by which a stack is found."""
    shared = _shared()
    return _table("option", [shared[option] for option in PLACES if option in shared])


def options() -> dict[str, set[str]]:
    """Give the options of every command that does something, by how that is typed."""
    return {
        context.command_path: {option for one in command.params for option in one.opts}
        for command, context in _all()
    }


def _all() -> Iterator[tuple[Any, Any]]:
    root = typer.main.get_command(app)
    return _below(root, _context(root, "landrun", None))


def _below(command: Any, context: Any) -> Iterator[tuple[Any, Any]]:
    """Give each command that does something, in the order of ``--help``, with its context."""
    if not hasattr(command, "list_commands"):
        yield command, context
        return
    for name in command.list_commands(context):
        one = command.get_command(context, name)
        yield from _below(one, _context(one, name, context))


def _context(command: Any, name: str, parent: Any) -> Any:
    return typer.Context(command, info_name=name, parent=parent, terminal_width=120)


def _shared() -> dict[str, Record]:
    """Say how the first command that has them shows the options by which a stack is found."""
    found: dict[str, Record] = {}
    for command, context in _all():
        for option, record in _options(command, context):
            if option in PLACES:
                found.setdefault(option, record)
    return found


def _options(command: Any, context: Any) -> Iterator[tuple[str, Record]]:
    """Give the options of a command by their longest spelling."""
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record and parameter.param_type_name == "option":
            yield max(parameter.opts, key=len), record


def _arguments(command: Any, context: Any) -> Iterator[Record]:
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record and parameter.param_type_name == "argument":
            yield record


def _section(command: Any, context: Any, shared: dict[str, Record]) -> str:
    usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    text, _, example = (command.help or "").partition("Example:")
    options = dict(_options(command, context))
    places = [option for option, record in options.items() if shared.get(option) == record]
    own = [options[option] for option in options if option not in (*places, "--help")]
    parts = [
        f"## {context.command_path}",
        _prose(text),
        f"```text\n{usage}\n```",
        f"```console\n$ {' '.join(example.split())}\n```" if example else "",
        _table("argument", arguments) if (arguments := [*_arguments(command, context)]) else "",
        _table("option", own) if own else "",
        _and(places),
    ]
    return "\n\n".join(filter(None, parts))


def _and(places: list[str]) -> str:
    if not places:
        return ""
    names = ", ".join(f"`{option}`" for option in PLACES if option in places)
    return f"and, [to say where](#where): {names}."


def _prose(text: str) -> str:
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))
    return "\n\n".join(map(escaped, paragraphs))


def _table(head: str, records: Iterable[Record]) -> str:
    rows = (f"| `{cell(name)}` | {cell(escaped(text))} |" for name, text in records)
    return "\n".join([f"| {head} | |", "|---|---|", *rows])


def cell(text: str) -> str:
    """Spell a text so that it is one cell of a table."""
    return " ".join(text.split()).replace("|", r"\|")


def escaped(text: str) -> str:
    """Keep Markdown from reading a plain text's angle brackets, stars and lines as its own."""
    for sign in ("*", "_", "["):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("<", "&lt;")
