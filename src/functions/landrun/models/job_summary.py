"""Sum up a run of several hosts from what each of them wrote down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from landrun.sanitize import one_line

MOST_HOSTS = 100
"""Instances that a Processing job can have (SageMaker API, ProcessingClusterConfig)."""

JOINED = 1000
"""Members of a list that are kept; ``…_omitted`` counts the rest."""

PROBLEM = 400
"""Characters of what is said to be wrong."""

COUNTABLE = 10**15
"""Numbers from here on are no counts: a sum of them could be too long to write."""

_HOST = re.compile(r"summary-(algo-\d{1,4})\.json")
_OF_ONE_HOST = ("host", "hosts", "problem")
_NUMBERS = 20
_NAME = 64


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


@dataclass
class HostSummaries:
    """What hosts wrote, summed up one by one: not all of it is in memory together.

    A summary is the job's own, and so the rules are for any: whole numbers add up; of other
    numbers the greatest counts, for hosts work side by side (``seconds``); lists are joined, a
    text that several hosts list (a column's name) once; what else there is stays if no host has
    it otherwise. ``shards`` keeps apart what each host counted, so that an uneven share is seen.
    """

    total: dict[str, Any] = field(default_factory=dict)
    shards: dict[str, dict[str, Any]] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)
    _differ: set[str] = field(default_factory=set)

    def add(self, host: str, summary: Mapping[str, Any]) -> None:
        """Add what a host wrote; nothing, where it is no summary."""
        self.hosts |= {host, *_texts(summary.get("hosts"))}
        self.shards[host] = _counted(summary)
        if not summary:
            self.problems[host] = "its summary cannot be read"
        if summary.get("problem"):
            self.problems[host] = str(summary["problem"])
        for name, value in summary.items():
            if name not in {*_OF_ONE_HOST, *self._differ}:
                self._add(name, value)

    def summary(self) -> dict[str, Any] | None:
        """Give the sum, with its ``problem`` if there is one; None when no host left a summary."""
        if not self.shards:
            return None
        of_hosts = {"hosts": in_order(self.hosts), "shards": self.shards}
        wrong = one_line("; ".join(self._wrong()), PROBLEM)
        return {**self.total, **of_hosts, **({"problem": wrong} if wrong else {})}

    def _wrong(self) -> list[str]:
        missing = in_order(self.hosts - self.shards.keys())
        left = f"{len(self.shards)} of {len(self.hosts)} hosts left a summary"
        gone = [f"{left}, not {', '.join(missing)}"] if missing else []
        return gone + [f"{host}: {self.problems[host]}" for host in in_order(self.problems)]

    def _add(self, name: str, value: Any) -> None:
        known = self.total.get(name, [])
        if isinstance(value, list) and isinstance(known, list):
            self.total[name] = self._joined(name, known, value)
        elif name not in self.total:
            self.total[name] = value
        elif _whole(value) and _whole(known):
            self.total[name] = known + value
        elif _number(value) and _number(known):
            self.total[name] = max(known, value)
        elif known != value:
            self._differ.add(name)
            del self.total[name]

    def _joined(self, name: str, known: list[Any], members: list[Any]) -> list[Any]:
        texts = {one for one in known if isinstance(one, str)}
        new = [one for one in members if not isinstance(one, str) or one not in texts]
        room = JOINED - len(known)
        if new[room:]:
            self._add(f"{name}_omitted", len(new[room:]))
        return known + new[:room]


def _counted(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Give a host's own numbers, and how many files of how many bytes it had."""
    numbers = [(name, value) for name, value in summary.items() if _number(value)]
    return _share(summary) | dict(numbers[:_NUMBERS])


def _share(summary: Mapping[str, Any]) -> dict[str, int]:
    files, omitted = summary.get("files"), summary.get("files_omitted", 0)
    if not isinstance(files, list) or not _whole(omitted):
        return {}
    given = [one.get("bytes") for one in files if isinstance(one, Mapping)]
    sizes = [size for size in given if _whole(size)]
    known = not omitted and len(sizes) == len(files)
    return {"files": len(files) + omitted, **({"bytes": sum(sizes)} if known else {})}


def _texts(value: object) -> list[str]:
    members = value[:MOST_HOSTS] if isinstance(value, list) else []
    return [one for one in members if isinstance(one, str) and len(one) <= _NAME]


def _number(value: object) -> TypeGuard[int | float]:
    return _whole(value) or isinstance(value, float)


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < COUNTABLE
