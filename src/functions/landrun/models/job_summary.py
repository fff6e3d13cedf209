"""The sum of the summaries that the hosts of one run wrote."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from landrun.sanitize import one_line

LIST_LIMIT = 1000
"""Members of a list that are kept; ``…_omitted`` counts the rest."""

PROBLEM_LIMIT = 400
"""Characters of ``problem``."""

COUNT_LIMIT = 10**15
"""Larger numbers are no counts, and their sum might be too long to write."""

_HOST = re.compile(r"summary-(algo-\d{1,4})\.json")
_OF_ONE_HOST = frozenset({"host", "hosts", "problem"})
_DISPUTED = object()
"""Stands for a value that two hosts have differently."""


def host_of(name: str) -> str | None:
    """Name the host whose summary a file is: SageMaker calls them ``algo-1``, ``algo-2``, ….

    >>> host_of("summary-algo-2.json"), host_of("summary-of-mine.json")
    ('algo-2', None)
    """
    found = _HOST.fullmatch(name)
    return found[1] if found else None


def in_order(hosts: Iterable[str]) -> list[str]:
    """Sort hosts as people count them.

    >>> in_order(["algo-10", "algo-9"])
    ['algo-9', 'algo-10']
    """
    return sorted(hosts, key=lambda host: (len(host), host))


def sum_of_hosts(summaries: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Add up the summaries of hosts; an empty one is one that cannot be read.

    A job may write any summary. Whole numbers are added; of other numbers the largest counts,
    because hosts work at the same time (``seconds``); lists are joined, without texts that are
    there already (a column's name). Anything else stays if all hosts that have it agree.
    ``hosts`` names all hosts, ``shards`` keeps what each counted, so that an uneven share shows,
    and ``problem`` says what went wrong. Without any summary there is no sum.
    """
    total: dict[str, Any] = {}
    shards: dict[str, dict[str, Any]] = {}
    hosts: set[str] = set()
    problems: dict[str, str] = {}
    for host, summary in summaries:
        named = summary.get("hosts")
        members = named if isinstance(named, list) else []
        hosts |= {host, *(one for one in members if isinstance(one, str))}
        shards[host] = _counts(summary)
        if problem := summary.get("problem") if summary else "its summary cannot be read":
            problems[host] = str(problem)
        for name, value in summary.items():
            if name not in _OF_ONE_HOST:
                _add(total, name, value)
    if not shards:
        return {}
    agreed = {name: value for name, value in total.items() if value is not _DISPUTED}
    problem = one_line("; ".join(_problems(hosts, shards.keys(), problems)), PROBLEM_LIMIT)
    found = {**agreed, "hosts": in_order(hosts), "shards": shards}
    return found | {"problem": problem} if problem else found


def _problems(
    hosts: set[str], with_summary: Iterable[str], problems: dict[str, str]
) -> Iterable[str]:
    missing = in_order(hosts - {*with_summary})
    if missing:
        left = f"{len(hosts) - len(missing)} of {len(hosts)} hosts left a summary"
        yield f"{left}, not {', '.join(missing)}"
    yield from (f"{host}: {problems[host]}" for host in in_order(problems))


def _add(total: dict[str, Any], name: str, value: Any) -> None:
    known = total.get(name, [] if isinstance(value, list) else value)
    if isinstance(value, list) and isinstance(known, list):
        texts = {one for one in known if isinstance(one, str)}
        joined = known + [one for one in value if not isinstance(one, str) or one not in texts]
        total[name] = joined[:LIST_LIMIT]
        if joined[LIST_LIMIT:]:
            _add(total, f"{name}_omitted", len(joined) - LIST_LIMIT)
    elif name not in total:
        total[name] = value
    elif is_count(value) and is_count(known):
        total[name] = known + value
    elif _is_number(value) and _is_number(known):
        total[name] = max(known, value)
    elif known != value:
        total[name] = _DISPUTED


def _counts(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return a host's own numbers, and how many files of how many bytes it had."""
    numbers = {name: value for name, value in summary.items() if _is_number(value)}
    return files_read(summary) | numbers


def files_read(summary: Mapping[str, Any]) -> dict[str, int]:
    """Count the ``files`` that a job says it read, and their ``bytes`` if it lists all of them."""
    files, omitted = summary.get("files"), summary.get("files_omitted", 0)
    if not isinstance(files, list) or not is_count(omitted):
        return {}
    given = [one.get("bytes") for one in files if isinstance(one, dict)]
    sizes = [size for size in given if is_count(size)]
    counted = {"files": len(files) + omitted}
    if not omitted and len(sizes) == len(files):
        counted["bytes"] = sum(sizes)
    return counted


def _is_number(value: object) -> TypeGuard[int | float]:
    return is_count(value) or isinstance(value, float)


def is_count(value: object) -> TypeGuard[int]:
    """Return True for a whole number that is not too large to be one of rows, files or bytes."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < COUNT_LIMIT
