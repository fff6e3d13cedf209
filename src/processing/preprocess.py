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

import argparse
import errno
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from messages import rules, wanted
from messages.guard import Workers, worker_count
from messages.host import memory_mb, scratch_folder
from messages.job import process
from messages.options import JobError, Options
from messages.printing import cut_to_bytes, printable

MESSAGE_BYTES = 1024
STOPPED = 143
log = logging.getLogger("preprocess")


class UsageError(Exception):
    """The arguments make no sense."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; its exit code is 0, 1 when it failed, 2 for wrong arguments."""
    logging.basicConfig(
        stream=sys.stdout, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    log.setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, _stop)
    opt_ml = Path(os.environ.get("LANDRUN_OPT_ML") or "/opt/ml")
    try:
        options = _options(sys.argv[1:] if arguments is None else arguments, opt_ml)
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
    counts = ", ".join(f"{name} {value}" for name, value in summary.items() if _is_count(value))
    log.info("done: %s", counts)
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


def _is_count(value: object) -> bool:
    return isinstance(value, int | float)


def _options(arguments: Sequence[str], opt_ml: Path) -> Options:
    """Parse arguments; empty ones, which splitting a template's string may leave, mean nothing."""
    parser = _Parser(description=(__doc__ or "").split("\n", 1)[0], allow_abbrev=False)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--input", type=Path, help="folder with the messages")
    source.add_argument("--manifests", type=Path, help="on Spark: folder with the run's manifest")
    parser.add_argument("--output", type=Path, required=True, help="folder for what comes of them")
    wanted.add_arguments(parser)
    rules.add_arguments(parser)
    parser.add_argument(
        "--max-rejected",
        type=_share,
        default=1.0,
        metavar="SHARE",
        help="fail where a larger share of the rows, or all of them, is rejected (default: all)",
    )
    parser.add_argument("--workers", type=_positive, help="processes (default: one per core)")
    parser.add_argument("--memory-mb", type=_positive, help="memory to stay in (default: all)")
    given = parser.parse_args([a for a in arguments if a.strip()])
    return Options(
        input=given.input or given.manifests,
        output=given.output,
        wanted=wanted.of_arguments(given),
        rules=rules.of_arguments(given),
        max_rejected=given.max_rejected,
        on_spark=given.manifests is not None,
        workers=given.workers,
        memory=given.memory_mb,
        opt_ml=opt_ml,
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return number


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share from 0 to 1, such as 0.05")
    return share


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(STOPPED)


def _fail(opt_ml: Path, reason: str, code: int) -> int:
    reason = printable(reason, MESSAGE_BYTES)
    log.error("failed: %s", reason)
    _leave_message(opt_ml, reason)
    return code


def _leave_message(opt_ml: Path, text: str) -> None:
    """Leave a text where SageMaker takes a job's exit message from: those of all its hosts."""
    message = opt_ml / "output" / "message"
    try:
        message.parent.mkdir(parents=True, exist_ok=True)
        message.write_bytes(cut_to_bytes(text, MESSAGE_BYTES))
    except OSError as error:
        log.warning("no exit message: %s is not writable: %s", message, error.strerror)


if __name__ == "__main__":
    sys.exit(main())
