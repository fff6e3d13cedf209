"""The run: guarded workers inspect, read and deduplicate; the parent plans and sums up."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from messages import plan
from messages.guard import Call, Failed, KilledError, Workers
from messages.host import Host, files_below, memory_mb, this_host
from messages.options import JobError, Options, load_cleaner
from messages.printing import printable
from messages.sources import Source
from messages.summary import Record, write_report
from messages.tasks import Done, Output, Written, buckets_in

log = logging.getLogger("preprocess")
PROGRESS_SECONDS = 5.0
UNFINISHED = ".unfinished"
# For the time limit: a bucket's largest size, as a multiple of its packed files.
PACKED = 10
_REMEDY = (
    "most likely because memory ran out: give --workers 1, a lower --memory-mb or a larger instance"
)
_NOTHING_HERE = (
    "%s got no file: %d hosts share the run's objects, and one object is never divided among "
    "them; fewer instances would do, and Engine=spark divides large files"
)


def process(options: Options, workers: Workers, scratch: Path) -> dict[str, Any]:
    """Do the job; return the content of ``summary.json``.

    Raises JobError (nothing to read, nowhere to write, no row that can be used, or workers that
    were killed). One of several hosts may well have nothing to read, or nothing that can be used:
    the others do not lose their work for it, and its summary says so. The folder ``scratch`` is
    made for what does not fit in memory.
    """
    began = time.monotonic()
    if options.rules.cleaner is not None:
        load_cleaner(options.rules.cleaner)  # before any work is done
    host = this_host(options.opt_ml, options.input)
    mine = _files(options, host)
    _claim(options.output, host)
    scratch.mkdir()
    try:
        record = Record(_inspected(mine, options, workers, scratch))
        summary = _processed(record, options, host, workers, scratch, began)
    finally:
        shutil.rmtree(options.output / UNFINISHED, ignore_errors=True)
    if "problem" in summary and host.count == 1:
        raise JobError(summary["problem"])
    return summary


def _files(options: Options, host: Host) -> list[tuple[Path, str]]:
    found = files_below(options.input)
    if not found and not host.may_have_none:
        if not options.input.is_dir():
            raise JobError(f"--input {options.input} is not a folder")
        raise JobError(f"no file under --input {options.input}: nothing to process")
    mine = found[host.index :: host.count] if host.shares else found
    if not mine:
        log.warning(_NOTHING_HERE, host.name, host.count)
    return mine


def _claim(output: Path, host: Host) -> None:
    """Make the output folder; parts of an earlier run would mix with this one's."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        if next(output.glob(host.named("part", "-*.parquet")), None):
            raise JobError(f"--output {output} holds parts of an earlier run: empty it first")
        (output / UNFINISHED).mkdir(exist_ok=True)
    except OSError as error:
        raise JobError(f"--output {output} is not writable: {error.strerror}") from error


def _inspected(
    files: Sequence[tuple[Path, str]], options: Options, workers: Workers, scratch: Path
) -> list[Source]:
    calls = []
    for number, (path, name) in enumerate(files):
        arguments = (path, name, options.reading, scratch / f"parquet.{number}")
        calls.append(Call("messages.work:inspect", arguments, path.stat().st_size))
    found: dict[int, Source] = {}
    with _naming([name for _, name in files]):
        for place, answer in workers.run(calls):
            if isinstance(answer, Failed):
                answer = Source(*files[place], calls[place].size, reason=answer.reason)  # noqa: PLW2901
            found[place] = answer.with_rules(options.rules)
    sources = [found[place] for place in range(len(files))]
    for source in sources:
        log_source(source)
    return sources


def log_source(source: Source) -> None:
    """Log what a file is, or why it is rejected."""
    if source.reason is not None:
        log.warning("%s: rejected: %s", printable(source.name), printable(source.reason))
        return
    log.info(
        "%s: %.1f MB, %s, %s, %s; columns %s",
        printable(source.name),
        source.size / 1e6,
        source.format,
        source.compression or "plain",
        source.encoding or "-",
        {k: v for k, v in source.columns.named().items() if v} if source.columns else {},
    )


@contextmanager
def _naming(names: Sequence[str]) -> Iterator[None]:
    """Name the file that a worker read when something outside of the job killed it."""
    try:
        yield
    except KilledError as error:
        name = printable(names[error.place], 120)
        raise JobError(f"a worker was killed that read {name}, {_REMEDY}") from error


def _processed(  # noqa: PLR0917
    record: Record, options: Options, host: Host, workers: Workers, scratch: Path, began: float
) -> dict[str, Any]:
    record.tasks = plan.tasks(record.sources, workers.count, cut=True)
    memory = options.memory or memory_mb()
    count, limit = plan.buckets(record.sources, workers.count, memory)
    log.info(
        "%d file(s), %d task(s), %d worker(s), %d bucket(s)",
        len(record.sources),
        len(record.tasks),
        workers.count,
        count,
    )
    buckets = _read_all(record, workers, scratch, count)
    tasks = [task.number for task in record.tasks]
    schemas = dict.fromkeys(record.done[number].schema for number in tasks)
    output: Output = _answer(
        workers,
        "messages.buckets:output_of",
        list(schemas),
        options.rules,
        tasks,
        limit,
    )
    written = _finish_all(record, workers, buckets, output, options.output / UNFINISHED)
    parts = _publish(written, options.output, host)
    return write_report(record, options, host, parts, output.columns, began)


def _read_all(record: Record, workers: Workers, scratch: Path, count: int) -> list[list[Path]]:
    """Read all tasks into buckets; a file of which one failed is rejected as a whole."""
    folder = scratch / "rows"
    folder.mkdir()
    calls = [
        Call("messages.work:run", (task, folder, count), task.source.size) for task in record.tasks
    ]
    rows, logged, failed = 0, time.monotonic(), dict[str, str]()
    with _naming([task.source.name for task in record.tasks]):
        for place, answer in workers.run(calls):
            if isinstance(answer, Failed):
                failed[record.tasks[place].source.name] = answer.reason
                continue
            done: Done = answer
            record.done[done.number] = done
            rows += done.rows_in
            if time.monotonic() - logged >= PROGRESS_SECONDS:
                logged = time.monotonic()
                log.info("read %d of %d tasks, %d rows", len(record.done), len(calls), rows)
    record.reject(failed)
    log.info("read %d rows", rows)
    return buckets_in(folder)


def _finish_all(
    record: Record,
    workers: Workers,
    buckets: Sequence[Sequence[Path]],
    output: Output,
    folder: Path,
) -> list[Path]:
    calls = []
    for bucket in buckets:
        size = PACKED * sum(path.stat().st_size for path in bucket)
        arguments = (bucket, output, folder / bucket[0].stem)
        calls.append(Call("messages.buckets:finish", arguments, size))
    parts: list[Path] = []
    with _naming(["the rows of all files"] * len(calls)):
        for _, answer in workers.run(calls):
            if isinstance(answer, Failed):
                raise JobError(f"duplicates cannot be found: {answer.reason}, {_REMEDY}")
            written: Written = answer
            parts += written.parts
            record.kept.update(written.kept)
    if record.sources and not parts:
        parts.append(_answer(workers, "messages.buckets:write_none", output, folder / "none"))
    return sorted(parts)


def _answer(workers: Workers, function: str, *arguments: Any) -> Any:
    """Run a call that reads no input file in a worker."""
    with _naming(["no file"]):
        [(_, answer)] = workers.run([Call(function, arguments)])
    if isinstance(answer, Failed):
        raise JobError(f"the output cannot be planned: {answer.reason}")
    return answer


def _publish(written: Sequence[Path], output: Path, host: Host) -> list[str]:
    """Rename the parts, with consecutive numbers."""
    names = [host.named("part", f"-{number:05d}.parquet") for number in range(len(written))]
    for path, name in zip(written, names, strict=True):
        path.replace(output / name)
    return names
