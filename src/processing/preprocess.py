"""Buyer-seller messages in, processed messages out: the default job of a landrun run.

Reads every file under ``--input``, cleans and masks the texts, drops empty ones and exact
duplicates, and writes ``part-*.parquet``, ``rejected.jsonl`` and ``summary.json`` to ``--output``.
Replace it with your own: landrun only needs SageMaker's container contract (folders in, folders
out, exit code, ``/opt/ml/output/message``).
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
from typing import NoReturn

from polars.exceptions import PanicException

from messages import wanted
from messages.job import JobError, Options, process
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
        stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    signal.signal(signal.SIGTERM, _stop)
    opt_ml = Path(os.environ.get("LANDRUN_OPT_ML") or "/opt/ml")
    try:
        summary = process(_options(sys.argv[1:] if arguments is None else arguments, opt_ml))
    except UsageError as error:
        return _fail(opt_ml, f"wrong arguments: {error}", 2)
    except JobError as error:
        return _fail(opt_ml, str(error), 1)
    except (Exception, PanicException) as error:
        log.exception("unexpected error")
        return _fail(opt_ml, _unexpected(error), 1)
    if "problem" in summary:  # of this host alone: what the others did with theirs is not lost
        log.warning("%s: %s", summary["host"], summary["problem"])
        _leave_message(opt_ml, f"{summary['host']}: {summary['problem']}\n")
    counts = ", ".join(f"{name} {value}" for name, value in summary.items() if _is_count(value))
    log.info("done: %s", counts)
    return 0


def _unexpected(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "out of memory: give --workers 1 or a larger instance"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "no space is left on the volume: give it more (VolumeSizeInGB)"
    return f"unexpected {type(error).__name__}: {error}"


def _is_count(value: object) -> bool:
    return isinstance(value, int | float)


def _options(arguments: Sequence[str], opt_ml: Path) -> Options:
    """Parse arguments; empty ones, which splitting a template's string may leave, mean nothing."""
    parser = _Parser(description=(__doc__ or "").split("\n", 1)[0], allow_abbrev=False)
    parser.add_argument("--input", type=Path, required=True, help="folder with the messages")
    parser.add_argument("--output", type=Path, required=True, help="folder for what comes of them")
    wanted.add_arguments(parser)
    parser.add_argument("--workers", type=_positive, help="processes (default: one per core)")
    parser.add_argument("--memory-mb", type=_positive, help="memory to stay in (default: all)")
    given = parser.parse_args([a for a in arguments if a.strip()])
    return Options(
        input=given.input,
        output=given.output,
        wanted=wanted.of_arguments(given),
        workers=given.workers,
        memory=given.memory_mb,
        opt_ml=opt_ml,
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return number


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
