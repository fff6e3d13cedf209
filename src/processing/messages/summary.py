"""The report of a run: counts per file and in total, and each reject."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from messages import VERSION
from messages.columns import Columns
from messages.host import Host
from messages.options import Options
from messages.printing import printable
from messages.sources import Source
from messages.tasks import Done, Task

# The summary is stored in the run's record, which has a limit; the rest is in the files.
MAX_FILES, MAX_PARTS, MAX_SHOWN, NAME = 1000, 500, 100, 80
COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")


@dataclass
class Record:
    """Collects the reports of tasks and buckets."""

    sources: Sequence[Source]
    tasks: Sequence[Task] = ()
    done: dict[int, Done] = field(default_factory=dict)
    kept: Counter[int] = field(default_factory=Counter)

    def reject(self, reasons: Mapping[str, str]) -> None:
        """Reject files by name, with all rows that were read from them."""
        self.sources = [
            replace(source, reason=reasons.get(source.name, source.reason))
            for source in self.sources
        ]
        self.tasks = [task for task in self.tasks if task.source.name not in reasons]
        self.done = {task.number: self.done[task.number] for task in self.tasks}

    def per_file(self) -> dict[str, Counter[str]]:
        """Count each file's rows, in the files' order; ``rows_in`` is the sum of the others."""
        counts = {source.name: Counter(dict.fromkeys(COUNTS, 0)) for source in self.sources}
        for task in self.tasks:
            done, out = self.done[task.number], self.kept[task.number]
            counts[task.source.name].update(
                rows_in=done.rows_in,
                rows_out=out,
                duplicates=done.staged - out,
                empty=done.empty,
                rejected=done.rejected,
            )
        return counts

    def rejects(self) -> Iterator[dict[str, Any]]:
        """Yield each reject in the order of files and positions, which count from 1."""
        by_file: dict[str, list[Done]] = {source.name: [] for source in self.sources}
        for task in self.tasks:
            by_file[task.source.name].append(self.done[task.number])
        for source in self.sources:
            if source.reason is not None:
                yield _reject(source.name, None, source.reason, "")
            before = 0
            for done in by_file[source.name]:
                yield from _read(source.name, done, before + 1)
                before += done.lines

    def summary(
        self, parts: Sequence[str], columns: Iterable[str], seconds: float
    ) -> dict[str, Any]:
        """Sum up the run; entries beyond the limits are counted in ``…_omitted``."""
        counts = self.per_file()
        done = [(task.source.name, self.done[task.number].damage) for task in self.tasks]
        damage = {name: reason for name, reason in reversed(done) if reason is not None}
        files = [_file(s, counts[s.name], damage.get(s.name)) for s in self.sources]
        totals = {name: sum(count[name] for count in counts.values()) for name in COUNTS}
        return {
            **totals,
            **_listed("files", files, MAX_FILES),
            "files_rejected": sum(s.reason is not None for s in self.sources),
            **_listed("parts", list(parts), MAX_PARTS),
            **_listed("columns", [printable(name, NAME) for name in columns], MAX_SHOWN),
            "seconds": round(seconds, 3),
            "version": VERSION,
        }


def _of_host(host: Host) -> dict[str, Any]:
    """Return the host of a summary, if there are several hosts.

    Each host drops duplicates among its own files only.
    """
    if host.count == 1:
        return {}
    return {"host": host.name, "hosts": list(host.hosts), "duplicates_within": "shard"}


def _problem(record: Record, most: float, rejected: str) -> dict[str, str]:
    """Return why a run has failed although all of its input was read; empty if it has not.

    ``most`` is the largest share of the rows that may be rejected, never all of them; ``rejected``
    names the file that lists the rejects.
    """
    unusable = [source for source in record.sources if source.reason is not None]
    rows = sum(done.rows_in for done in record.done.values())
    if unusable and not rows:
        first = unusable[0]
        more = f" (and {len(unusable) - 1} more, see {rejected})" if len(unusable) > 1 else ""
        why = f"{printable(first.name, 200)}: {printable(first.reason or '')}"
        return {"problem": f"no file could be used: {why}{more}"}
    lost = sum(done.rejected for done in record.done.values())
    if not lost or (lost < rows and lost <= most * rows):
        return {}
    share = "every row was rejected" if lost == rows else f"more than --max-rejected {most:g}"
    reasons: Counter[str] = sum((done.reasons for done in record.done.values()), Counter())
    [(reason, times)] = reasons.most_common(1)
    why = f"the commonest reason ({times} times): {printable(reason)}"
    return {"problem": f"{lost} of {rows} rows were rejected, {share}; {why}; see {rejected}"}


def _listed(name: str, values: Sequence[Any], most: int) -> dict[str, Any]:
    omitted = {f"{name}_omitted": len(values) - most} if len(values) > most else {}
    return {name: list(values[:most]), **omitted}


def _read(name: str, done: Done, first: int) -> Iterator[dict[str, Any]]:
    if done.rejects is None:
        return
    with done.rejects.open("rb") as file:
        for line in file:
            r = orjson.loads(line)
            yield _reject(name, first + r["position"], r["reason"], r["excerpt"])
    if done.rejected > done.listed:
        more = f"{done.rejected - done.listed} more are rejected between here and the next"
        yield _reject(name, None, more, "")


def _reject(name: str, position: int | None, reason: str, excerpt: str) -> dict[str, Any]:
    return {
        "file": printable(name, 1024),
        "position": position,
        "reason": printable(reason),
        "excerpt": excerpt,
    }


def _file(source: Source, counts: Mapping[str, int], damage: str | None) -> dict[str, Any]:
    left_out = f"left out, as an INTERVAL cannot be read: {', '.join(source.left_out)}"
    reason = source.reason or damage or (left_out if source.left_out else None)
    status = "rejected" if source.reason is not None else "damaged" if damage else "read"
    return {
        "name": printable(source.name, 1024),
        "status": status,
        "bytes": source.size,
        "format": source.format,
        "compression": source.compression,
        "encoding": source.encoding,
        "columns": _columns(source.columns),
        "duplicates_by": [] if source.columns is None else source.columns.identity,
        **counts,
        "reason": None if reason is None else printable(reason),
    }


def _columns(columns: Columns | None) -> Mapping[str, str | None]:
    named = {} if columns is None else columns.named()
    return {role: name if name is None else printable(name, NAME) for role, name in named.items()}


def write_report(  # noqa: PLR0917
    record: Record,
    options: Options,
    host: Host,
    parts: Sequence[str],
    columns: Sequence[str],
    began: float,
) -> dict[str, Any]:
    """Write the rejects and the summary of a run; return the latter."""
    rejected = host.named("rejected", ".jsonl")
    summary = {
        **record.summary(parts, columns, time.monotonic() - began),
        **_of_host(host),
        **_problem(record, options.max_rejected, rejected),
        **options.rules.missing(columns),
    }
    with (options.output / rejected).open("wb") as file:
        for reject in record.rejects():
            file.write(orjson.dumps(reject, option=orjson.OPT_APPEND_NEWLINE))
    target = options.output / host.named("summary", ".json")
    target.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))
    return summary
