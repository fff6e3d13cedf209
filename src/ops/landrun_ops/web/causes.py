"""Why runs failed, and which of them failed for the same reason."""

from __future__ import annotations

import re

from landrun.models.run_record import RunRecord
from landrun.sanitize import json_object, one_line

SAID = 400
"""Characters of a cause that are shown."""

SAME = 160
"""Characters of a cause that tell it from others: what follows is mostly a stack's details."""

_SILENT = {
    "TIMED_OUT": "the execution ran into its time limit",
    "ABORTED": "the execution was stopped",
}
_WORDS = ("ExitMessage", "FailureReason", "errorMessage", "Message", "message")
"""Where a cause that is JSON has its words: SageMaker's job, a Lambda's error, a service's."""

_QUOTED = re.compile(r"(?<!\w)'[^']{1,200}'(?!\w)|\"[^\"]{1,200}\"")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F-]{8,}|0x[0-9a-fA-F]+")
_FILE = re.compile(r"\.(?:csv|tsv|jsonl?|ndjson|parquet|txt|gz|zst|bz2|zip)$", re.IGNORECASE)


def cause(run: RunRecord) -> str | None:
    """Say why a run failed in the words nearest to the reason; None of one that did not."""
    if not run.finished or run.succeeded:
        return None
    words = _words(run.exit_message or "") or _words(run.cause or "")
    silent = _SILENT.get(run.status) or run.error or "no reason was given"
    return one_line(words or silent, SAID)


def alike(text: str) -> str:
    """Give what a cause has in common with others of its kind: names and numbers are left out.

    >>> alike("no file could be used: incoming/a.csv: 17 rows are too long")
    'no file could be used: …: # rows are too long'
    """
    return " ".join(map(_constant, _QUOTED.sub("…", text).split()))[:SAME]


def _constant(word: str) -> str:
    """Give a word, or a sign for one that differs from run to run where the reason is one."""
    bare = word.strip("()[]{},.;:'\"")
    if not bare:
        return word
    is_identifier = any(c.isdigit() for c in bare) and _HEXADECIMAL.search(bare)
    if "/" in bare or "arn:" in bare or _FILE.search(bare) or is_identifier:
        return word.replace(bare, "…")
    return _NUMBER.sub("#", word)


def _words(said: str) -> str:
    parts = json_object(said) if said.lstrip().startswith("{") else {}
    known = (parts.get(name) for name in _WORDS)
    found = next((one for one in known if isinstance(one, str) and one.strip()), said)
    return " ".join(found.split())
