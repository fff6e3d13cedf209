"""Functions of Spark's workers: inspect files, clean ranges of them, write parts.

Each function takes and yields Arrow batches, as ``mapInArrow`` requires. Memory is bounded per
worker: a range is cleaned batch by batch and staged on disk, and a part is written when it is large
enough. Rows travel as binary columns of `TABLE`, so that they keep Polars' types.
"""

from __future__ import annotations

import io
import os
import pickle
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from cluster import fetching, store
from cluster.manifest import Entry
from messages.buckets import schema_of
from messages.guard import Call, Failed, Workers
from messages.host import memory_mb, scratch_folder
from messages.masking import with_masks
from messages.options import Options
from messages.sources import Source
from messages.staging import DISTINCTION, IDENTITY, ORDER, segments
from messages.tasks import Done, Output, Task
from messages.values import conform
from messages.work import inspect

PLACE = [("task", pa.int32()), ("number", pa.int32())]
TABLE = pa.schema([*PLACE, ("kind", pa.string()), ("data", pa.binary())])
ROWS, REJECTS, DONE = "rows", "rejects", "done"
_STRINGS = [(name, pa.string()) for name in ("sender", "distinction", "text")]
IDENTITIES = pa.schema([*PLACE, ("place", pa.int64()), *_STRINGS])
FOUND = pa.schema([("number", pa.int32()), ("data", pa.binary())])
WRITTEN = pa.schema([("data", pa.binary())])
PART_BYTES = 64 * 1024 * 1024
_OPT_ML = Path("/opt/ml")
_PIECE = 4 * 1024 * 1024


@dataclass(frozen=True)
class Part:
    """An uploaded part, and how many rows of each task it holds."""

    name: str
    upload: store.Upload
    kept: Mapping[int, int]


@dataclass(frozen=True)
class Target:
    """Where to write parts, and the key to encrypt them."""

    uri: str
    kms_key: str


def inspect_files(
    batches: Iterable[pa.RecordBatch], entries: Sequence[Entry], options: Options
) -> Iterator[pa.RecordBatch]:
    """Inspect files: numbers of entries in, `FOUND` out."""
    with _worker() as worker:
        for number in _numbers(batches):
            with scratch_folder(_OPT_ML) as folder:
                found = _inspected(entries[number], number, options, folder, worker)
            yield _batch(FOUND, number=number, data=pickle.dumps(found))


def _numbers(batches: Iterable[pa.RecordBatch]) -> Iterator[int]:
    for batch in batches:
        yield from batch.column("id").to_pylist()


def _worker() -> Workers:
    """Start a guarded worker with the memory of one Python worker of Spark."""
    return Workers(1, memory_mb() // (os.cpu_count() or 1))


def _answer(worker: Workers, call: Call) -> Any:
    [(_, answer)] = worker.run([call])
    return answer


def _inspected(
    entry: Entry, number: int, options: Options, folder: Path, worker: Workers
) -> Source:
    path = fetching.hole(entry.uri, folder, number)
    fetching.beginning(entry.uri, path)
    arguments = (path, entry.name, options.reading)
    size = path.stat().st_size
    source: Source | Failed = _answer(worker, Call("messages.work:inspect", arguments, size))
    if not isinstance(source, Failed) and source.format == "parquet":
        fetching.whole(entry.uri, path)
        unpacking = (*arguments, folder / "unpacked")
        source = _answer(worker, Call("messages.work:inspect", unpacking, size))
    if isinstance(source, Failed):
        source = Source(path, entry.name, size, reason=source.reason)
    return source.with_rules(options.rules)


def clean_stretches(
    batches: Iterable[pa.RecordBatch], tasks: Sequence[tuple[Task, str]]
) -> Iterator[pa.RecordBatch]:
    """Clean ranges of files: numbers of tasks in, `TABLE` out.

    Each task yields its rows as segments in Arrow's format (repeated rows of a batch may be left
    out), its rejects as JSON lines, and finally its `Done`.
    """
    with _worker() as worker:
        for number in _numbers(batches):
            with scratch_folder(_OPT_ML) as folder:
                yield from _cleaned(number, *tasks[number], folder, worker)


def _cleaned(
    number: int, task: Task, uri: str, folder: Path, worker: Workers
) -> Iterator[pa.RecordBatch]:
    staged = folder / "staged"
    staged.mkdir()
    arguments = (_fetched(task, uri, folder), staged, 1)
    done = _answer(worker, Call("messages.work:run", arguments, task.source.size))
    if isinstance(done, Failed):
        yield _piece(number, 0, DONE, pickle.dumps(Done(number, failed=done.reason)))
        return
    for place, frame in enumerate(segments(sorted(staged.glob("00000.*")))):
        yield _piece(number, place, ROWS, _packed(frame))
    yield from _rejects(number, done)
    yield _piece(number, 0, DONE, pickle.dumps(replace(done, rejects=None)))


def _fetched(task: Task, uri: str, folder: Path) -> Task:
    """Return the task with a local copy as its source."""
    source = task.source
    path = fetching.hole(uri, folder, task.number)
    if source.splittable:
        fetching.lines(uri, path, task.start, task.end)
    elif source.format == "parquet" and source.compression is None:
        fetching.rows(uri, path, task.start, task.end)
    else:
        fetching.whole(uri, path)
    if source.format == "parquet" and source.compression is not None:  # unpacked beside it
        path = inspect(path, source.name, source.reading, folder / "unpacked").path
    return replace(task, source=replace(source, path=path))


def _rejects(number: int, done: Done) -> Iterator[pa.RecordBatch]:
    if done.rejects is None:
        return
    with done.rejects.open("rb") as file:
        for place, lines in enumerate(iter(lambda: file.readlines(_PIECE), [])):
            yield _piece(number, place, REJECTS, b"".join(lines))


def _packed(frame: pl.DataFrame) -> bytes:
    packed = io.BytesIO()
    frame.write_ipc_stream(packed, compression="lz4")
    return packed.getvalue()


def identities(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Return the identity and position of each row: segments of rows in, `IDENTITIES` out."""
    for piece in _pieces(batches):
        frame = pl.read_ipc_stream(piece["data"], columns=[ORDER, *IDENTITY])
        # Arrow's C interface takes no name with a zero byte in it.
        named = frame.rename({ORDER: "place", DISTINCTION: "distinction"})
        where = {name: pl.lit(piece[name], pl.Int32) for name in ("task", "number")}
        table = named.with_columns(**where).select(IDENTITIES.names).to_arrow()
        yield from table.cast(IDENTITIES).to_batches()


def write_parts(
    batches: Iterable[pa.RecordBatch], output: Output, target: Target
) -> Iterator[pa.RecordBatch]:
    """Write parts: segments in, with the positions of rows to ``drop``; `WRITTEN` out."""
    from pyspark import TaskContext  # noqa: PLC0415 - known inside a task only

    context = TaskContext.get()
    place = context.partitionId() if context else 0
    for number, frames in enumerate(_filled(_kept(batches, output))):
        part = _written(f"part-{place:05d}-{number:04d}.parquet", frames, target)
        yield _batch(WRITTEN, data=pickle.dumps(part))


def _kept(batches: Iterable[pa.RecordBatch], output: Output) -> Iterator[tuple[int, pl.DataFrame]]:
    full = {ORDER: pl.Int64(), DISTINCTION: pl.String(), **schema_of(output)}
    for piece in _pieces(batches):
        frame = conform(pl.read_ipc_stream(piece["data"]), full)
        drop = pl.Series(piece["drop"] or [], dtype=pl.Int64)
        kept = frame.filter(~pl.col(ORDER).is_in(drop.implode())) if len(drop) else frame
        if kept.height:
            yield piece["task"], with_masks(kept.drop(ORDER, DISTINCTION), output.rules)


def _filled(
    frames: Iterator[tuple[int, pl.DataFrame]],
) -> Iterator[list[tuple[int, pl.DataFrame]]]:
    """Collect frames until they are large enough for a part."""
    held: list[tuple[int, pl.DataFrame]] = []
    size = 0
    for task, frame in frames:
        held.append((task, frame))
        size += int(frame.estimated_size())
        if size >= PART_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


def _written(name: str, frames: list[tuple[int, pl.DataFrame]], target: Target) -> Part:
    kept: Counter[int] = Counter()
    for task, frame in frames:
        kept[task] += frame.height
    with scratch_folder(_OPT_ML) as folder:
        path = folder / name
        pl.concat([frame for _, frame in frames]).write_parquet(path, compression="zstd")
        return Part(name, store.upload(path, target.uri + name, target.kms_key), dict(kept))


def _pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        yield from batch.to_pylist()


def _piece(task: int, number: int, kind: str, content: bytes) -> pa.RecordBatch:
    return _batch(TABLE, task=task, number=number, kind=kind, data=content)


def _batch(schema: pa.Schema, **row: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([row], schema)
