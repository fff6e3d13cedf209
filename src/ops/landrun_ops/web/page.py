"""The page: the report as one HTML file, or the live page, which asks its server for the data.

Nothing of what comes from outside becomes markup: it is JSON in a data block, whose ``<`` is an
escape, and the page's script makes texts of it. Besides, the page's policy lets nothing run but
the two scripts that were put into it, by their hashes, and lets nothing be fetched.
"""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from typing import Any

from landrun.errors import ConfigurationError
from landrun.sanitize import plain_json
from landrun_ops.web.facts import Facts, milliseconds
from landrun_ops.web.reading import Report

_NAMED = ("output", "execution", "execution_page", "log_page", "output_page")
"""Facts with the run's name in them."""

_TABLED = ("status", "kind", "instances", "error", "cause", "alike", *_NAMED)
"""Facts that many runs have in common: the page holds each once."""

_PLACE = re.compile(r"\{\{([\w-]+)\}\}")
_BREAKS = ("</script", "<!--")
"""What no script may hold: an HTML parser would end it there, or take what follows for it."""


def render(report: Report, library: str, *, live: bool = False) -> str:
    """Make the page.

    Parameters
    ----------
    report : Report
        What it shows.
    library : str
        The script that draws charts (see `landrun_ops.web.library`).
    live : bool
        Whether the page asks its server for data, and again and again.
    """
    made_at = f"{_minute(report.made_at)} UTC"
    values = {
        "policy": policy(library, live=live),
        "title": html.escape(f"landrun {'live' if live else 'report'}: {report.stack}"),
        "heading": html.escape(f"Runs of {report.stack}"),
        "about": "Reading…" if live else html.escape(about(report)),
        "footer": html.escape(
            f"{'Served by landrun since' if live else 'Made by landrun report at'} {made_at}"
            f" from the ledger of {report.stack} in {report.region}. All times are UTC."
            " Charts: Vega-Lite."
        ),
        "style": _part("style.css"),
        "data": _data_block(report, live=live),
        "library": checked(library),
        "script": checked(_script()),
    }
    # What looks like a place inside a value is left alone.
    return _PLACE.sub(lambda place: values[place[1]], _part("page.html"))


def policy(library: str, *, live: bool) -> str:
    """Spell the content security policy: the page's scripts and style, and no network at all.

    The live page may ask its own server.
    """
    connect = "; connect-src 'self'" if live else ""
    return (
        f"default-src 'none'; script-src {_hash(library)} {_hash(_script())};"
        f" style-src {_hash(_part('style.css'))}; base-uri 'none'; form-action 'none'{connect}"
    )


def about(report: Report) -> str:
    """Say in a line what the page is about."""
    since, where = _minute(report.since), f"UTC, in {report.region}"
    many = len(report.runs)
    if not many:
        return f"No run since {since} {where}."
    count = f"{many:,} run{'' if many == 1 else 's'}"
    if report.more:
        return f"The newest {count} since {since} {where}; --limit takes older ones in, too."
    return f"{count} from {since} to {_minute(report.made_at)} {where}."


def columns(runs: Sequence[Facts]) -> dict[str, Any]:
    """Give runs as the page reads them: ``columns`` by fact, and ``tables`` of what recurs."""
    rows = [_flat(run) for run in runs]
    tables: dict[str, list[str]] = {}
    found: dict[str, list[Any]] = {}
    for name in rows[0] if rows else ("name",):
        column = [row[name] for row in rows]
        if name in _TABLED:
            column, tables[name] = _tabled(column)
        found[name] = column
    return {"tables": tables, "columns": found}


def checked(script: str) -> str:
    """Give a script back when it can stand in a page.

    Raises
    ------
    ConfigurationError
        When it holds what the browser would take for its end.
    """
    if any(sign in script for sign in _BREAKS):
        raise ConfigurationError("a script of the report cannot be put into a page: report this")
    return script


def _data_block(report: Report, *, live: bool) -> str:
    """Spell the data for a ``<script type="application/json">``: no text in it can end it."""
    content = {
        "stack": report.stack,
        "laptop": report.laptop,
        "made_at": milliseconds(report.made_at),
        "since": milliseconds(report.since),
        "ignored": report.ignored.as_json(),
        "live": live,
        **columns(report.runs),
    }
    text = plain_json(content)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _flat(run: Facts) -> Facts:
    """Take the run's name out of what differs by it alone; give each page a column."""
    flat = {name: value for name, value in run.items() if name != "pages"}
    flat |= {f"{page}_page": run["pages"].get(page) for page in ("execution", "log", "output")}
    for name in _NAMED:
        if flat[name]:
            flat[name] = flat[name].replace(run["name"], "{run}")
    return flat


def _tabled(column: list[Any]) -> tuple[list[int | None], list[str]]:
    places: dict[str, int] = {}
    found = [None if one is None else places.setdefault(one, len(places)) for one in column]
    return found, list(places)


def _script() -> str:
    """Join the page's scripts in order: they share what they declare with nothing else."""
    names = [one.name for one in (files(__package__) / "page").iterdir()]
    scripts = [_part(name) for name in sorted(names) if name.endswith(".js")]
    return "\n".join(['"use strict";', "(() => {", *scripts, "})();"])


def _part(name: str) -> str:
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
