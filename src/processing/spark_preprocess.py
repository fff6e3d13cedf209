"""Buyer-seller messages in, processed messages out: the default job, on a Spark cluster.

    smspark-submit spark_preprocess.py --manifests FOLDER --output FOLDER

Does what preprocess.py does, with the same result: rows, rejects and summary are equal, and
duplicates are dropped among all machines. ``--manifests`` holds the run's manifest, whose objects
Spark's executors read from S3; they write ``part-*.parquet`` to where SageMaker would upload
``--output`` to, and the driver leaves ``rejected.jsonl`` and ``summary.json`` in that folder.

smspark-submit (SageMaker's Spark container, aws/sagemaker-spark-container) runs this on the first
host with ``spark-submit --master yarn --deploy-mode client``, by a shell: arguments must have no
characters that a shell takes for its own. It knows no ``--conf``: see cluster/session.py.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from cluster import session
from cluster.job import Options, process
from messages import wanted
from messages.job import JobError
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
        spark = session.start(Path(__file__).resolve().parent)
        try:
            summary = process(options, spark)
        finally:
            spark.stop()
    except UsageError as error:
        return _fail(opt_ml, f"wrong arguments: {error}", 2)
    except JobError as error:
        return _fail(opt_ml, str(error), 1)
    except Exception as error:
        log.exception("unexpected error")
        return _fail(opt_ml, f"unexpected {type(error).__name__}: {_last_line(error)}", 1)
    counts = ", ".join(f"{k} {v}" for k, v in summary.items() if isinstance(v, int | float))
    log.info("done: %s", counts)
    return 0


def _last_line(error: Exception) -> str:
    """Give what an executor's exception says, which comes behind its whole traceback."""
    before_java = str(error).split("Driver stacktrace:", 1)[0]
    return ([line for line in before_java.splitlines() if line.strip()] or [""])[-1]


def _options(arguments: Sequence[str], opt_ml: Path) -> Options:
    """Parse arguments; empty ones, which splitting a template's string may leave, mean nothing."""
    parser = _Parser(description=(__doc__ or "").split("\n", 1)[0], allow_abbrev=False)
    parser.add_argument("--manifests", type=Path, required=True, help="folder with the manifest")
    parser.add_argument("--output", type=Path, required=True, help="folder for what comes of it")
    wanted.add_arguments(parser)
    given = parser.parse_args([a for a in arguments if a.strip()])
    return Options(given.manifests, given.output, wanted.of_arguments(given), opt_ml)


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(STOPPED)


def _fail(opt_ml: Path, reason: str, code: int) -> int:
    """Leave the reason where SageMaker takes a job's exit message from."""
    reason = printable(reason, MESSAGE_BYTES)
    log.error("failed: %s", reason)
    message = opt_ml / "output" / "message"
    try:
        message.parent.mkdir(parents=True, exist_ok=True)
        message.write_bytes(cut_to_bytes(reason, MESSAGE_BYTES))
    except OSError as error:
        log.warning("no exit message: %s is not writable: %s", message, error.strerror)
    return code


if __name__ == "__main__":
    sys.exit(main())
