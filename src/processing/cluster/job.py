"""The run on Spark: inspect, clean, find duplicates, write parts, sum up."""

from __future__ import annotations

import logging
import pickle
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as f
from pyspark.sql.pandas.types import from_arrow_schema

from cluster import executors, store
from cluster.executors import Part, Target
from cluster.manifest import Entry, output_uri, read_manifest
from messages import plan
from messages.buckets import output_of, write_none
from messages.host import Host
from messages.job import log_source
from messages.options import JobError, Options, load_cleaner
from messages.sources import Source
from messages.summary import Record, write_report
from messages.tasks import Done, Output, Task

log = logging.getLogger("preprocess")
KEY = ["task", "number"]
_COMMITS = 16
_STORE_ERROR = re.compile(r"^cluster\.store\.StoreError: (.+)$", re.MULTILINE)


def process(options: Options, spark: SparkSession) -> dict[str, Any]:
    """Do the job; return the content of ``summary.json``, as the one-machine job does.

    Raises JobError (nothing to read, nowhere to write, or no file that can be used).
    """
    began = time.monotonic()
    if options.rules.cleaner is not None:
        load_cleaner(options.rules.cleaner)
    entries = read_manifest(options.input, options.opt_ml)
    options.output.mkdir(parents=True, exist_ok=True)
    with _plainly(), tempfile.TemporaryDirectory(prefix=".landrun-") as scratch:
        record = Record(_inspect(spark, entries, options))
        for source in record.sources:
            log_source(source)
        parts, columns = _processed(spark, record, entries, options, Path(scratch))
        summary = write_report(record, options, Host(), parts, columns, began)
    if "problem" in summary:
        raise JobError(summary["problem"])
    return summary


def _processed(
    spark: SparkSession,
    record: Record,
    entries: Sequence[Entry],
    options: Options,
    scratch: Path,
) -> tuple[list[str], list[str]]:
    """Process the usable files; return the names of the parts and of their columns."""
    uri, kms_key = output_uri(options.output, options.opt_ml)
    earlier = store.names(f"{uri}part-")
    record.tasks = plan.tasks(record.sources)
    uris = {entry.name: entry.uri for entry in entries}
    work = [(task, uris[task.source.name]) for task in record.tasks]
    with _cleaned(spark, work) as table:
        _collect(table, record, scratch)
        tasks = [task.number for task in record.tasks]
        schemas = dict.fromkeys(record.done[number].schema for number in tasks)
        output = output_of(schemas, options.rules, tasks, executors.PART_BYTES)
        read = table.filter(table.task.isin(tasks))
        parts = _write(read, output, Target(uri, kms_key), scratch)
    _publish(parts, earlier)
    for part in parts:
        record.kept.update(part.kept)
    return sorted(part.name for part in parts), list(output.columns)


@contextmanager
def _plainly() -> Iterator[None]:
    """Turn an error of S3, here or on an executor, into a JobError of one line."""
    try:
        yield
    except store.StoreError as error:
        raise JobError(str(error)) from error
    except (PySparkException, Py4JJavaError) as error:
        told = _STORE_ERROR.search(str(error))
        if told is None:
            raise
        raise JobError(told[1]) from error


def _inspect(spark: SparkSession, entries: Sequence[Entry], options: Options) -> list[Source]:
    numbers = _numbered(spark, len(entries), 2 * spark.sparkContext.defaultParallelism)
    inspect = partial(executors.inspect_files, entries=entries, options=options)
    rows = _mapped(numbers, inspect, executors.FOUND).collect()
    found = {row["number"]: pickle.loads(row["data"]) for row in rows}  # noqa: S301 - executors'
    return [found[number] for number in range(len(entries))]


def _numbered(spark: SparkSession, count: int, partitions: int) -> DataFrame:
    """Make a table of the numbers below ``count``, with a maximum of partitions."""
    return spark.range(0, count, 1, max(1, min(count, partitions)))


@contextmanager
def _cleaned(spark: SparkSession, work: Sequence[tuple[Task, str]]) -> Iterator[DataFrame]:
    """Clean all ranges; the result (`executors.TABLE`) stays on the executors' disks."""
    size = sum({task.source.name: task.source.size for task, _ in work}.values())
    cores = spark.sparkContext.defaultParallelism
    # Small files share partitions, each of which costs a worker's start.
    partitions = max(2 * cores, min(20_000, 2 * size // plan.RANGE_BYTES))
    # Spark joins small partitions of its shuffles again; see adaptive query execution.
    spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
    log.info("%d task(s), %.1f MB", len(work), size / 1e6)
    clean = partial(executors.clean_stretches, tasks=work)
    table = _mapped(_numbered(spark, len(work), partitions), clean, executors.TABLE)
    table.persist(StorageLevel.DISK_ONLY)
    try:
        yield table
    finally:
        with suppress(Py4JError):  # if Spark has ended, so has the table
            table.unpersist()


def _collect(table: DataFrame, record: Record, scratch: Path) -> None:
    """Clean, and collect the tasks' reports; their rejects are kept in files of the driver."""
    for row in table.filter(table.kind == executors.DONE).select("data").collect():
        done: Done = pickle.loads(row["data"])  # noqa: S301 - our own executors'
        record.done[done.number] = done
    log.info("read %d rows", sum(done.rows_in for done in record.done.values()))
    failed = ((task, record.done[task.number].failed) for task in record.tasks)
    record.reject({task.source.name: reason for task, reason in failed if reason})
    if not any(done.rejected for done in record.done.values()):
        return
    rejects = table.filter(table.kind == executors.REJECTS).sort(*KEY)
    for row in rejects.select("task", "data").toLocalIterator():
        done = record.done[row["task"]]
        done.rejects = scratch / f"rejects.{done.number:08d}"
        with done.rejects.open("ab") as file:
            file.write(row["data"])


def _write(table: DataFrame, output: Output, target: Target, scratch: Path) -> list[Part]:
    """Write the remaining rows; if there are none, one part without rows."""
    rows = table.filter(table.kind == executors.ROWS)
    drops = _places_to_drop(rows)
    write = partial(executors.write_parts, output=output, target=target)
    kept = rows.join(drops, KEY, "left").select("task", "data", "drop")
    written = _mapped(kept, write, executors.WRITTEN).collect()
    parts = [pickle.loads(row["data"]) for row in written]  # noqa: S301 - our own executors'
    return parts or [_nothing(output, target, scratch)]


def _places_to_drop(rows: DataFrame) -> DataFrame:
    """Find all but the first row of each message by a shuffle, as ``drop`` of each segment.

    Only the identifying columns and a row's position pass through the shuffle.
    """
    each = _mapped(rows, executors.identities, executors.IDENTITIES)
    # A missing value equals a missing value here, as it does on one machine.
    same = Window.partitionBy("sender", "distinction", "text").orderBy("place")
    later = each.withColumn("nth", f.row_number().over(same)).filter("nth > 1")
    return later.groupBy(*KEY).agg(f.collect_list("place").alias("drop"))


def _mapped(table: DataFrame, function: Callable[..., Any], schema: pa.Schema) -> DataFrame:
    """Map a table's Arrow batches to those of another table, on the executors."""
    return table.mapInArrow(function, from_arrow_schema(schema))


def _nothing(output: Output, target: Target, scratch: Path) -> Part:
    part = write_none(output, scratch / "part-00000-0000.parquet")
    return Part(part.name, store.upload(part, target.uri + part.name, target.kms_key), {})


def _publish(parts: Sequence[Part], earlier: Iterable[str]) -> None:
    """Complete the uploads of all parts; on an error, remove them as far as S3 allows.

    Parts of an attempt that died while it did this have the names of this one's, which replace
    them; with any others these would mix.
    """
    others = sorted(set(earlier) - {part.name for part in parts})
    uploads = [part.upload for part in parts]
    with ThreadPoolExecutor(_COMMITS) as pool:
        if others:
            list(pool.map(store.discard, uploads))
            raise JobError(
                f"the output holds parts of an earlier run ({others[0]}): empty it first"
            )
        list(pool.map(store.commit, uploads))
