"""The page: the report as one HTML file, or the live page, which asks its server for the data.

No outside text becomes markup: the data is compressed and in base64, and the page's script shows
every text as text. The content security policy allows only the page's own two scripts, by their
hashes, and no requests.
"""

import gzip
import html
from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from string import Template

from pydantic import BaseModel

from landrun.errors import ConfigurationError
from landrun_ops.web.facts import RunFacts
from landrun_ops.web.ignored import Ignored

VEGA_LITE = "6.4"
"""The version that the charts are written for; vl-convert brings several."""


class Report(BaseModel):
    """The data of the page, which ``landrun report --json`` writes.

    ``more`` says that older runs were left out; ``live``, that the page asks its server for runs.
    """

    stack: str
    region: str
    laptop: bool
    live: bool = False
    made_at: datetime
    since: datetime
    more: bool = False
    ignored: Ignored = Ignored()
    runs: list[RunFacts] = []


def chart_library() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as a script that sets ``vegaEmbed``; takes a second.

    Raises ConfigurationError when vl-convert is not installed, or lacks that version.
    """
    try:
        import vl_convert  # noqa: PLC0415  (large; of no other use)

        bundle = vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;", vl_version=VEGA_LITE)
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            f"the report needs vl-convert-python with Vega-Lite {VEGA_LITE}: run make setup"
            f" ({error})"
        ) from error
    return str(bundle)


def render(report: Report, library: str) -> str:
    """Return the page's HTML; ``library`` is the script that draws charts."""
    made = "Served by landrun since" if report.live else "Made by landrun report at"
    data = gzip.compress(report.model_dump_json(exclude_none=True).encode(), mtime=0)
    return Template(_part("page.html")).substitute(
        policy=policy(library, live=report.live),
        title=html.escape(f"landrun {'live' if report.live else 'report'}: {report.stack}"),
        heading=html.escape(f"Runs of {report.stack}"),
        footer=html.escape(
            f"{made} {report.made_at:%Y-%m-%d %H:%M} UTC from the runs table of {report.stack} in"
            f" {report.region}. All times are UTC. Charts: Vega-Lite."
        ),
        style=_part("style.css"),
        data=b64encode(data).decode(),
        library=library,
        script=_script(),
    )


def policy(library: str, *, live: bool) -> str:
    """Return the content security policy: the live page may also ask its own server."""
    connect = "; connect-src 'self'" if live else ""
    return (
        f"default-src 'none'; script-src {_hash(library)} {_hash(_script())};"
        f" style-src {_hash(_part('style.css'))}; base-uri 'none'; form-action 'none'{connect}"
    )


def _script() -> str:
    """Join the page's scripts in order: they share what they declare with nothing else."""
    folder = files(__package__) / "page"
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(".js"))
    return "\n".join(['"use strict";', "(async () => {", *map(_part, names), "})();"])


def _part(name: str) -> str:
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
