"""What a demo lands, and what it brings back."""

from __future__ import annotations

import shutil
from pathlib import Path

from landrun.adapters.clients import translated
from landrun.adapters.s3_listing import list_objects
from landrun.errors import ConfigurationError
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions.land import files
from landrun_ops.stack.job_logs import JobLogs
from landrun_ops.stack.stack import Stack

FORMATS = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")
COMPRESSIONS = ("", ".gz", ".zst", ".bz2")
DATA_SUFFIXES = tuple(form + packed for form in FORMATS for packed in COMPRESSIONS)
"""How the names of files that the default job reads end."""


def data_files(source: Path) -> tuple[list[tuple[Path, str]], list[str]]:
    """Find what there is to land: data files with their names, and the names of the others.

    Raises ConfigurationError when there is no such file or folder, or nothing in it to land.
    """
    found = files(source)
    # An empty object starts no run: it would be waited for in vain.
    data = [
        (file, name)
        for file, name in found
        if name.lower().endswith(DATA_SUFFIXES) and file.stat().st_size
    ]
    if not data:
        raise ConfigurationError(
            f"{source} has no data in {', '.join(FORMATS)}, plain or as"
            f" {', '.join(COMPRESSIONS[1:])}"
        )
    return data, [name for file, name in found if (file, name) not in data]


def fetch(stack: Stack, run: RunRecord, folder: Path) -> None:
    """Bring a run's output into a folder and, if it failed, its job's log, as ``job.log``.

    Raises ServiceError when AWS refuses a call.
    """
    shutil.rmtree(folder, ignore_errors=True)
    prefix = S3Uri.parse(str(run.output_processed_message))
    s3 = stack.client("s3")
    for found in list_objects(s3, prefix):
        file = folder / found.key.removeprefix(prefix.key)
        file.parent.mkdir(parents=True, exist_ok=True)
        with translated("s3:GetObject"):
            s3.download_file(prefix.bucket, found.key, str(file))
    if run.job_name and not run.succeeded:
        folder.mkdir(parents=True, exist_ok=True)
        lines = JobLogs(stack.client("logs")).lines(f"{run.job_name}/")
        text = "".join(f"{line.message}\n" for line in lines)
        (folder / "job.log").write_text(text, encoding="utf-8")
