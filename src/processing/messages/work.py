"""What one worker does: read a range of a file, clean it batch by batch, stage what is left."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import polars as pl

from messages.batch import (
    Batch,
    clean_frame,
    clean_json_lines,
    clean_tab_lines,
)
from messages.columns import Columns
from messages.csvfiles import CsvReader, Stretch
from messages.lines import Reject
from messages.sources import Source
from messages.staging import Staging, Weight, ordered
from messages.streams import (
    BATCH_LINES,
    BOMB_BYTES,
    BOMB_RATIO,
    BROKEN,
    Blocks,
    BombError,
    in_utf8,
    line_batches,
    range_blocks,
)
from messages.values import unshared_bytes

# A batch has fewer lines where they have many columns; how many is known from the one before.
MAX_CELLS, FIRST_LINES = 2_000_000, 1000
# Rows in their thousands are no garbage in cycles: looking for it there took a fifth of the time.
COLLECT = (200_000, 10, 10)
# Rejects of a task that are listed one by one; its others are counted.
MAX_LISTED = 50_000
# Parquet is read in slices of about so many bytes and pieces of fewer.
SLICE_BYTES, PIECE_BYTES = 64 * 1024 * 1024, 16 * 1024 * 1024


@dataclass(frozen=True)
class Task:
    """A stretch of one file.

    ``start`` and ``end`` are bytes of a file, which is read whole unless it can be cut, or rows of
    a Parquet file.
    """

    number: int
    source: Source
    start: int = 0
    end: int = 0


@dataclass
class Done:
    """What came of a task. Positions in ``rejects`` (a file of JSON lines) count from its start.

    ``stretch`` is that of a part of a CSV file.
    """

    number: int
    rows_in: int = 0
    empty: int = 0
    rejected: int = 0
    staged: int = 0
    lines: int = 0
    listed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rejects: Path | None = None
    damage: str | None = None
    stretch: Stretch | None = None
    schema: dict[str, list[pl.DataType]] = field(default_factory=dict)
    weights: dict[int, Weight] = field(default_factory=dict)


def run(task: Task, folder: Path, buckets: int) -> Done:
    """Do one task.

    Parameters
    ----------
    task
        What to read.
    folder
        For staged rows and rejects.
    buckets
        How many to stage into.
    """
    done = Done(task.number)
    staging = Staging(folder, buckets)
    distinction = task.source.columns.distinction if task.source.columns else None
    gc.set_threshold(*COLLECT)
    for base, batch in _batches(task, done):
        done.rows_in += batch.rows_in
        done.empty += batch.empty
        _keep_rejects(done, batch, base, folder)
        for name, dtype in batch.frame.schema.items():
            kinds = done.schema.setdefault(name, [])
            if dtype not in kinds:
                kinds.append(dtype)
        done.staged += batch.frame.height
        if batch.frame.height:
            staging.add(ordered(batch.frame, task.number, base, distinction))
    staging.flush()
    done.weights = dict(staging.weights)
    gc.collect(1)  # a few cycles may hold much; older ones are of other tasks, or none
    return done


def watch_parent() -> None:
    """End this worker when its parent is gone, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
        with suppress(OSError):  # where memory runs out, a worker goes and its parent tells
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _end_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _keep_rejects(done: Done, batch: Batch, base: int, folder: Path) -> None:
    if not batch.rejects:
        return
    done.rejected += len(batch.rejects)
    done.reasons.update(reject.reason for reject in batch.rejects)
    done.rejects = folder / f"rejects.{done.number:08d}"
    with done.rejects.open("ab") as file:
        for reject in batch.rejects[: MAX_LISTED - done.listed]:
            done.listed += 1
            record = {
                "position": base + reject.position,
                "reason": reject.reason,
                "excerpt": reject.excerpt,
            }
            file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def _batches(task: Task, done: Done) -> Iterator[tuple[int, Batch]]:
    """Read batches with the position of their first line or row in the task."""
    source = task.source
    if source.columns is None:
        return
    if source.format == "parquet":
        yield from _parquet(task, source.columns, done)
        yield from _lost(source.columns, done)
        return
    blocks = Blocks(source.path, source.compression)
    read = _csv_batches if source.format == "csv" else _line_batches
    yield from read(task, source.columns, blocks, done)
    done.damage = blocks.damage
    yield from _lost(source.columns, done)


def _lost(columns: Columns, done: Done) -> Iterator[tuple[int, Batch]]:
    """Reject, as one row, what damage made unreadable."""
    if done.damage is not None:
        lost = Reject(0, f"the rest of the file is lost: {done.damage}", "")
        yield done.lines, Batch(_nothing(columns), [lost], 1, 0)
        done.lines += 1


def _nothing(columns: Columns) -> pl.DataFrame:
    return clean_json_lines([], columns).frame


def _line_batches(
    task: Task, columns: Columns, blocks: Blocks, done: Done
) -> Iterator[tuple[int, Batch]]:
    source = task.source
    data = (
        in_utf8(range_blocks(source.path, task.start, task.end), _mark_at(task))
        if source.splittable
        else in_utf8(blocks, source.encoding or "utf-8")
    )
    header_to_come = source.format == "tsv" and task.start == 0
    pace = _Pace()
    for lines in pace.cut(line_batches(data, blocks)):
        base, skipped = done.lines, 0
        done.lines += len(lines)
        if header_to_come:
            skipped = _header_lines(lines)
            header_to_come = skipped == len(lines) and not lines[-1].strip()
        body = lines[skipped:] if skipped else lines
        if source.format == "jsonl":
            batch = clean_json_lines(body, columns, source.decoding)
        else:
            batch = clean_tab_lines(body, source.header, columns, source.decoding)
        pace.width = max(1, batch.frame.width)
        yield base + skipped, batch


class _Pace:
    """How many lines a batch may have, for the columns that the one before turned out to have."""

    def __init__(self) -> None:
        self.width = MAX_CELLS // FIRST_LINES

    def cut(self, batches: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
        """Cut batches to as many lines as fit by then."""
        for lines in batches:
            start = 0
            while start < len(lines):
                end = start + max(1, MAX_CELLS // self.width)
                yield lines[start:end]
                start = end


def _mark_at(task: Task) -> str:
    """Say what to strip a mark of order by: only a file's beginning has one."""
    return task.source.encoding or "utf-8" if task.start == 0 else "utf-8"


def _header_lines(lines: list[bytes]) -> int:
    """Count the lines up to and with the header, the first that is not blank."""
    return next((i + 1 for i, line in enumerate(lines) if line.strip()), len(lines))


def _csv_batches(
    task: Task, columns: Columns, blocks: Blocks, done: Done
) -> Iterator[tuple[int, Batch]]:
    reader = CsvReader(task.source, columns, blocks, task.start, task.end)
    for batch in reader:
        yield 0, batch
    done.lines, done.stretch = reader.lines, reader.stretch


def _parquet(task: Task, columns: Columns, done: Done) -> Iterator[tuple[int, Batch]]:
    """Read rows in slices, as a row group may take any memory and says little of it."""
    source = task.source
    step = max(1, SLICE_BYTES // max(1, source.row_bytes))
    most = max(BOMB_BYTES, BOMB_RATIO * source.size * (task.end - task.start) // source.rows)
    try:
        for start in range(task.start, task.end, step):
            for frame in _slice(source.path, start, min(step, task.end - start)):
                yield done.lines, clean_frame(frame, columns)
                done.lines += frame.height
                most -= sum(map(unshared_bytes, frame))
                if most < 0:
                    raise BombError(f"it unpacks to more than {BOMB_RATIO} times its size")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, *BROKEN) as error:
        done.damage = f"damaged Parquet data: {str(error).split(chr(10), 1)[0]}"


def _slice(path: Path, start: int, rows: int) -> Iterator[pl.DataFrame]:
    scan = pl.scan_parquet(path, glob=False, hive_partitioning=False).slice(start, rows)
    read = 0
    for frame in scan.collect_batches(chunk_size=BATCH_LINES, maintain_order=True):
        read += frame.height
        yield from _pieces(frame)
    if read != rows:
        raise pl.exceptions.ComputeError(f"{read} rows where its footer has {rows}")


def _pieces(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut a frame whose rows share long values, which they would no longer once changed."""
    if frame.height < 2 or sum(map(unshared_bytes, frame)) <= PIECE_BYTES:  # noqa: PLR2004
        yield frame
        return
    half = frame.height // 2
    yield from _pieces(frame[:half])
    yield from _pieces(frame[half:])
