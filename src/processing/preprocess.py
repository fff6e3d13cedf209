"""Buyer-seller messages in, processed messages out: the default job of a landrun run.

    preprocess.py --input FOLDER --output FOLDER
    smspark-submit preprocess.py --manifests FOLDER --output FOLDER

Reads every file under ``--input``, cleans and masks the texts, drops empty ones and duplicates, and
writes ``part-*.parquet``, ``rejected.jsonl`` and ``summary.json`` to ``--output``. Replace it with
your own: landrun only needs SageMaker's container contract (folders in, folders out, exit code,
``/opt/ml/output/message``).

With ``--manifests``, a folder that holds the run's manifest, it does the same on a Spark cluster.
SageMaker's Spark container (aws/sagemaker-spark-container) runs it on the first host with
``spark-submit --master yarn --deploy-mode client``, by a shell: arguments must have no characters
that a shell takes for its own.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from messages.guard import Workers, worker_count
from messages.host import memory_mb, scratch_folder
from messages.job import process
from messages.options import JobError, Options, UsageError, parse
from messages.printing import cut_to_bytes, printable

MESSAGE_BYTES = 1024
STOPPED = 143
log = logging.getLogger("preprocess")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; its exit code is 0, 1 when it failed, 2 for wrong arguments."""
    logging.basicConfig(
        stream=sys.stdout, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    log.setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, _stop)
    opt_ml = Path(os.environ.get("LANDRUN_OPT_ML") or "/opt/ml")
    try:
        given = sys.argv[1:] if arguments is None else arguments
        options = parse(given, opt_ml, __doc__.split("\n", 1)[0])
        summary = _process_on_spark(options) if options.on_spark else _process(options)
    except UsageError as error:
        return _fail(opt_ml, f"wrong arguments: {error}", 2)
    except JobError as error:
        return _fail(opt_ml, str(error), 1)
    except Exception as error:
        log.exception("unexpected error")
        return _fail(opt_ml, _unexpected(error), 1)
    if "problem" in summary:  # of this host alone: what the others did with theirs is not lost
        log.warning("%s: %s", summary["host"], summary["problem"])
        _leave_message(opt_ml, f"{summary['host']}: {summary['problem']}\n")
    counts = (f"{name} {n}" for name, n in summary.items() if isinstance(n, int | float))
    log.info("done: %s", ", ".join(counts))
    return 0


def _process(options: Options) -> dict[str, Any]:
    size = sum(path.stat().st_size for path in options.input.rglob("*") if path.is_file())
    memory = options.memory or memory_mb()
    with (
        scratch_folder(options.opt_ml) as scratch,
        Workers(worker_count(size, options.workers, memory), memory) as workers,
    ):
        return process(options, workers, scratch / "run")


def _process_on_spark(options: Options) -> dict[str, Any]:
    from cluster import job, session  # noqa: PLC0415 - only Spark's image has PySpark

    spark = session.start(Path(__file__).resolve().parent)
    try:
        return job.process(options, spark)
    finally:
        spark.stop()


def _unexpected(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "out of memory: give --workers 1 or a larger instance"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "no space is left on the volume: give it more (VolumeSizeInGB)"
    before_java = str(error).split("Driver stacktrace:", 1)[0]  # as errors on executors have
    lines = [line for line in before_java.splitlines() if line.strip()]
    return f"unexpected {type(error).__name__}: {lines[-1] if lines else ''}"


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(STOPPED)


def _fail(opt_ml: Path, reason: str, code: int) -> int:
    reason = printable(reason, MESSAGE_BYTES)
    log.error("failed: %s", reason)
    _leave_message(opt_ml, reason)
    return code


def _leave_message(opt_ml: Path, text: str) -> None:
    """Write a text to the file from which SageMaker reads the job's exit message."""
    message = opt_ml / "output" / "message"
    try:
        message.parent.mkdir(parents=True, exist_ok=True)
        message.write_bytes(cut_to_bytes(text, MESSAGE_BYTES))
    except OSError as error:
        log.warning("no exit message: %s is not writable: %s", message, error.strerror)


if __name__ == "__main__":
    sys.exit(main())
