"""The run: plan, read and stage in worker processes, finish bucket by bucket, sum up."""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from messages import VERSION, plan
from messages.buckets import Bucket, Written, finish
from messages.columns import OUTPUT
from messages.host import Host, memory_mb, this_host
from messages.printing import printable
from messages.sources import Source
from messages.staging import Weight
from messages.summary import Record, of_host, problem, write_lines
from messages.values import MAX_COLUMNS, OVERFLOW, widest
from messages.wanted import Wanted
from messages.work import Done, Task, run, watch_parent

log = logging.getLogger("preprocess")
PROGRESS_SECONDS = 5.0
UNFINISHED = ".unfinished"
_REMEDY = (
    "most likely for want of memory: give --workers 1, a lower --memory-mb or a larger instance"
)
_NOTHING_HERE = (
    "%s got no file: %d hosts share the run's objects, and one object is never divided among "
    "them; fewer instances would do, and Engine=spark divides large files"
)
Submit = Callable[..., "Future[Any]"]


class JobError(Exception):
    """The job cannot be done; the message is for the person who has to act on it."""


@dataclass(frozen=True)
class Options:
    """What a job is told.

    ``wanted`` says how files are to be read; ``workers`` and ``memory`` (MiB)
    default to what the machine has; ``opt_ml`` is the root of SageMaker's files.
    """

    input: Path
    output: Path
    wanted: Wanted = field(default_factory=Wanted)
    workers: int | None = None
    memory: int | None = None
    opt_ml: Path = Path("/opt/ml")


def process(options: Options) -> dict[str, Any]:
    """Do the job.

    Returns
    -------
    dict
        What ``summary.json`` holds.

    Raises
    ------
    JobError
        Nothing to read, nowhere to write, no file that can be used, or workers that were killed.
        One of several hosts may well have nothing to read, or nothing that can be used: the
        others do not lose their work for it, and its summary says so.
    """
    began = time.monotonic()
    host = this_host(options.opt_ml, options.input)
    files = _files(options, host)
    _claim(options.output, host)
    with _scratch(options) as scratch:
        record = Record(list(_inspected(files, options, scratch)), [])
        summary = _processed(record, options, host, scratch, began)
    if "problem" in summary and host.count == 1:
        raise JobError(summary["problem"])
    return summary


def _files(options: Options, host: Host) -> list[tuple[Path, str]]:
    there = options.input.is_dir()
    if not there and not host.may_have_none:
        raise JobError(f"--input {options.input} is not a folder")
    everyones = plan.find(options.input, Host()) if there else []
    if not everyones and not host.may_have_none:
        raise JobError(f"no file under --input {options.input}: nothing to process")
    mine = plan.find(options.input, host) if there else []
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


@contextmanager
def _scratch(options: Options) -> Iterator[Path]:
    """Lend a folder for staged rows: on SageMaker's volume if there is one, never in the output."""
    volume = options.opt_ml / "processing"
    parent = volume if volume.is_dir() and os.access(volume, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=".landrun-", dir=parent) as folder:
        try:
            yield Path(folder)
        finally:
            shutil.rmtree(options.output / UNFINISHED, ignore_errors=True)


def _inspected(
    files: Sequence[tuple[Path, str]], options: Options, scratch: Path
) -> Iterator[Source]:
    for source in plan.sources(files, options.wanted, scratch):
        if source.reason is not None:
            log.warning("%s: rejected: %s", printable(source.name), printable(source.reason))
        else:
            log.info(
                "%s: %.1f MB, %s, %s, %s; columns %s",
                printable(source.name),
                source.size / 1e6,
                source.format,
                source.compression or "plain",
                source.encoding or "-",
                {k: v for k, v in source.columns.named().items() if v} if source.columns else {},
            )
        yield source


def _processed(
    record: Record, options: Options, host: Host, scratch: Path, began: float
) -> dict[str, Any]:
    record.tasks = plan.tasks(record.sources, cut=True)
    shape = plan.shape(record.sources, options.workers, options.memory or memory_mb())
    log.info(
        "%d file(s), %d task(s), %d worker(s), %d bucket(s)",
        len(record.sources),
        len(record.tasks),
        shape.workers,
        shape.buckets,
    )
    unfinished = options.output / UNFINISHED
    with _workers(shape.workers, apart=_native(record.sources)) as submit:
        buckets = _read_all(record, submit, scratch, shape)
        schema = unite([record.done[task.number] for task in record.tasks])
        written = _finish_all(record, submit, buckets, unfinished, schema, shape)
    parts = _publish(written, options.output, host, schema) if record.sources else []
    summary = {
        **record.summary(parts, schema, time.monotonic() - began, VERSION),
        **of_host(host),
        **problem(record.sources, host.named("rejected", ".jsonl")),
    }
    with (options.output / host.named("rejected", ".jsonl")).open("wb") as file:
        write_lines(file, record.rejects())
    target = options.output / host.named("summary", ".json")
    target.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))
    return summary


def _native(sources: Sequence[Source]) -> bool:
    """Say whether there are files that Polars reads itself, which no bounds of ours hold for."""
    return any(s.format == "parquet" and s.reason is None for s in sources)


@contextmanager
def _workers(count: int, *, apart: bool = False) -> Iterator[Submit]:
    """Lend a way to run functions: in processes of their own, or here when one is enough.

    ``apart`` is for what may bring a process down: nothing is left here to tell of it otherwise.
    """
    if count == 1 and not apart:
        yield _at_once
        return
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # a worker is a core; set before it starts
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), watch_parent)
    try:
        yield pool.submit
    except BrokenProcessPool as error:
        raise JobError(f"a worker process was killed, {_REMEDY}") from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()


def _at_once(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(function(*arguments))
    return future


def _read_all(
    record: Record, submit: Submit, scratch: Path, shape: plan.Shape
) -> list[tuple[int, Bucket]]:
    folder = scratch / "rows"
    folder.mkdir()
    weights = _read(record, submit, folder, shape)
    return [
        (number, Bucket(tuple(sorted(folder.glob(f"{number:05d}.*"))), weight))
        for number, weight in sorted(weights.items())
    ]


def _read(record: Record, submit: Submit, folder: Path, shape: plan.Shape) -> dict[int, Weight]:
    futures = [submit(run, task, folder, shape.buckets) for task in record.tasks]
    weights: dict[int, Weight] = defaultdict(Weight)
    rows, logged = 0, time.monotonic()
    for future in as_completed(futures):
        try:
            done: Done = future.result()
        except BrokenProcessPool as error:
            unread = [task for task in record.tasks if task.number not in record.done]
            names = _names(unread[: shape.workers])
            raise JobError(f"a worker was killed that read {names}, {_REMEDY}") from error
        for number, weight in done.weights.items():
            weights[number].add(weight)
        done.weights.clear()  # of thousands of tasks they would add up
        record.done[done.number] = done
        rows += done.rows_in
        if time.monotonic() - logged >= PROGRESS_SECONDS:
            logged = time.monotonic()
            log.info("read %d of %d tasks, %d rows", len(record.done), len(record.tasks), rows)
    log.info("read %d rows", rows)
    return weights


def _names(tasks: Sequence[Task]) -> str:
    return " or ".join(dict.fromkeys(printable(task.source.name, 120) for task in tasks))


def unite(done: Sequence[Done]) -> dict[str, pl.DataType]:
    """Unite the columns of all batches: by name, in the order of their first appearance."""
    schema: dict[str, pl.DataType] = {name: pl.String() for name in OUTPUT}
    for name, kinds in ((n, k) for d in done for n, k in d.schema.items() if n[:1] != "\0"):
        for kind in kinds:
            schema[name] = widest(schema.get(name, pl.Null()), kind)
    united = {n: pl.String() if t == pl.Null() else t for n, t in schema.items()}
    kept = [n for n in united if n != OVERFLOW][: len(OUTPUT) + MAX_COLUMNS]
    overflows = len(kept) < len(united)
    return {n: united[n] for n in kept} | ({OVERFLOW: pl.String()} if overflows else {})


def _finish_all(  # noqa: PLR0917
    record: Record,
    submit: Submit,
    buckets: Sequence[tuple[int, Bucket]],
    unfinished: Path,
    schema: dict[str, pl.DataType],
    shape: plan.Shape,
) -> list[Path]:
    futures = [
        submit(finish, bucket, schema, unfinished / f"{number:05d}", shape.bucket_bytes)
        for number, bucket in buckets
    ]
    parts: list[Path] = []
    for future in as_completed(futures):
        written: Written = future.result()
        parts += written.parts
        record.kept.update(written.kept)
    return sorted(parts)


def _publish(
    written: Sequence[Path], output: Path, host: Host, schema: dict[str, pl.DataType]
) -> list[str]:
    """Give the parts numbers; a run that keeps no row leaves an empty one, for its columns."""
    names = [host.named("part", f"-{number:05d}.parquet") for number in range(len(written) or 1)]
    for path, name in zip(written, names, strict=False):
        path.replace(output / name)
    if not written:
        pl.DataFrame(schema=schema).write_parquet(output / names[0], compression="zstd")
    return names
