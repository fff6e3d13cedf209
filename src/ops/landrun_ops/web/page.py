"""The page: the report as one HTML file, or the live page, which asks its server for the data.

Nothing of what comes from outside becomes markup: it is JSON in a data block, whose ``<`` is an
escape, and the page's script makes texts of it. Besides, the page's policy lets nothing run but
the two scripts that were put into it, by their hashes, and lets nothing be fetched.
"""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from typing import Any

from landrun.errors import ConfigurationError
from landrun.sanitize import plain_json
from landrun_ops.web.facts import Facts, milliseconds
from landrun_ops.web.reading import Report

TABLED = (
    *("status", "kind", "output", "instances", "execution", "error", "cause", "alike"),
    *("execution_page", "log_page", "output_page"),
)
"""Facts that many runs have in common: the page holds each once."""

CONNECT = "; connect-src 'self'"

_PAGES = ("execution", "log", "output")
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
    style, script = _part("style.css"), _script()
    made_at = f"{_minute(report.made_at)} UTC"
    return _filled(
        _part("page.html"),
        {
            "policy": policy(style, library, script, connect=live),
            "title": html.escape(f"landrun {'live' if live else 'report'}: {report.stack}"),
            "heading": html.escape(f"Runs of {report.stack}"),
            "about": "Reading…" if live else html.escape(about(report)),
            "footer": html.escape(
                f"{'Served by landrun since' if live else 'Made by landrun report at'} {made_at}"
                f" from the ledger of {report.stack} in {report.region}. All times are UTC."
                " Charts: Vega-Lite."
            ),
            "style": style,
            "data": data_block(compact(report) | {"live": live}),
            "library": checked(library),
            "script": checked(script),
        },
    )


def policy(style: str, *scripts: str, connect: bool = False) -> str:
    """Spell the content security policy: these and no others, and no network at all.

    With ``connect``, scripts may ask the page's own server.
    """
    allowed = " ".join(f"'{_hash(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src '{_hash(style)}';"
        f" base-uri 'none'; form-action 'none'{CONNECT if connect else ''}"
    )


def live_policy(library: str) -> str:
    """Return the policy that the live page's server sends: the page's own, and no framing."""
    own = policy(_part("style.css"), library, _script(), connect=True)
    return f"{own}; frame-ancestors 'none'"


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


def compact(report: Report) -> dict[str, Any]:
    """Give the data as the page holds it: a list for each fact, and tables of what recurs."""
    return {
        "stack": report.stack,
        "laptop": report.laptop,
        "made_at": milliseconds(report.made_at),
        "since": milliseconds(report.since),
        "ignored": report.ignored.as_json(),
        **columns(report.runs),
    }


def columns(runs: Sequence[Facts]) -> dict[str, Any]:
    """Give runs as the page reads them: ``columns`` by fact, and ``tables`` of what recurs."""
    rows = [_flat(run) for run in runs]
    tables: dict[str, list[str]] = {}
    found: dict[str, list[Any]] = {}
    for name in rows[0] if rows else ("name",):
        column = [row[name] for row in rows]
        if name in TABLED:
            column, tables[name] = _tabled(column)
        found[name] = column
    return {"tables": tables, "columns": found}


def data_block(content: Mapping[str, Any]) -> str:
    """Spell JSON for a ``<script type="application/json">``: no text in it can end it."""
    text = plain_json(content)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


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


def _flat(run: Facts) -> Facts:
    """Take the run's name out of what differs by it alone; give each page a column."""
    pages = run.get("pages") or {}
    flat = {name: value for name, value in run.items() if name != "pages"}
    flat |= {f"{page}_page": pages.get(page) for page in _PAGES}
    for name in ("output", "execution", "execution_page", "log_page", "output_page"):
        if flat.get(name):
            flat[name] = flat[name].replace(run["name"], "{run}")
    return flat


def _tabled(column: list[Any]) -> tuple[list[int | None], list[str]]:
    places: dict[str, int] = {}
    found = [None if one is None else places.setdefault(one, len(places)) for one in column]
    return found, list(places)


def _script() -> str:
    """Join the page's scripts, by their numbers: they share what they declare with nothing else."""
    names = [one.name for one in (files(__package__) / "page").iterdir() if ".js" in one.name]
    names.sort(key=lambda name: int(name.partition("-")[0]))
    return "\n".join(['"use strict";', "(() => {", *map(_part, names), "})();"])


def _part(name: str) -> str:
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Put values into their places; what looks like a place inside a value is left alone."""
    return _PLACE.sub(lambda place: values[place[1]], template)


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
