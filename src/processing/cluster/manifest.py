"""Reads the run's manifest: the objects, with the file names of a one-machine job.

SageMaker hands it over as a file, as the job's input is an ``S3Prefix`` that is the manifest's own
URI: each host gets the list, and Spark reads the objects.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from messages.host import job_config
from messages.options import JobError


@dataclass(frozen=True)
class Entry:
    """One object to read: its URI, and its path under the input folder of a one-machine job."""

    uri: str
    name: str


def read_manifest(folder: Path, opt_ml: Path) -> list[Entry]:
    """Read the manifest that SageMaker put into ``folder``; entries in the order of their names.

    Raises JobError when there is none, or it is something else. SageMaker's configuration tells
    which file is the manifest, where a prefix matched others too.
    """
    path = _file(folder, opt_ml)
    try:
        head, *names = json.loads(path.read_bytes())
        prefix = str(head["prefix"])
    except (ValueError, TypeError, KeyError) as error:
        raise JobError(
            f'{path.name} is not a manifest ([{{"prefix": "s3://…/"}}, "key", …]): with'
            " Engine=spark the job's input is the manifest itself, as an S3Prefix"
        ) from error
    if not names or not all(isinstance(name, str) for name in names):
        raise JobError(f"the manifest {path.name} names no objects")
    entries = {_path(name): Entry(prefix + name, _path(name)) for name in names}
    return [entries[name] for name in sorted(entries)]


def _path(name: str) -> str:
    """Return the path that a key becomes as a file."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _file(folder: Path, opt_ml: Path) -> Path:
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    inputs = job_config(opt_ml).get("ProcessingInputs") or []
    named = {(one.get("S3Input") or {}).get("S3Uri", "").rpartition("/")[2] for one in inputs}
    chosen = [path for path in files if path.name in named] if len(files) > 1 else files
    if len(chosen) != 1:
        raise JobError(f"{len(chosen) or 'no'} manifests under --manifests {folder}: give it one")
    return chosen[0]


def output_uri(folder: Path, opt_ml: Path) -> tuple[str, str]:
    """Return the S3 URI of an output folder, and the KMS key to write with.

    The URI ends with a slash; the key is empty for the bucket's own. Raises JobError when
    SageMaker's configuration does not say where.
    """
    config = job_config(opt_ml).get("ProcessingOutputConfig") or {}
    for output in config.get("Outputs") or []:
        s3 = output.get("S3Output") or {}
        if Path(s3.get("LocalPath") or "").name == folder.name:
            return s3["S3Uri"].rstrip("/") + "/", config.get("KmsKeyId") or ""
    raise JobError(f"no output of the job's configuration is uploaded from {folder}")
