"""What the log of a Processing job says of the job's failure."""

import re
from collections.abc import Iterable, Sequence

from landrun.sanitize import one_line

ERROR_LIMIT = 500
"""Characters of a log's line that a record gets."""

_HEAD = re.compile(r".*Traceback \(most recent call last\):\s*")
"""The first line of a Python traceback."""

_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(:.*)?")
"""The line that ends a traceback: the exception's name, and its message if it has one."""


def exception_line(lines: Iterable[str]) -> str | None:
    r"""Return the line that names the exception of the last Python traceback in a log.

    >>> exception_line(["Traceback (most recent call last):", "  File …", "KeyError: 'a'", "bye"])
    "KeyError: 'a'"
    """
    found, in_traceback = None, False
    for line in lines:
        if _HEAD.fullmatch(line):
            in_traceback = True
        elif in_traceback and _EXCEPTION.fullmatch(line):
            found, in_traceback = line, False
    return found


def failure_in(tails: Sequence[Sequence[str]], reason: str) -> str | None:
    """Say in one line why a job failed, by the last lines of its logs; None if they say nothing.

    SageMaker's own reason stays beside a line that names no exception.
    """
    if exception := next(filter(None, map(exception_line, tails)), None):
        return one_line(exception.rstrip(), ERROR_LIMIT)
    last = next((line for lines in tails for line in reversed(lines) if line.strip()), None)
    return last and f"{reason}; the log ends with: {one_line(last.strip(), ERROR_LIMIT)}"
