"""The manifest of a run: the objects to read, by the names that one machine would give them.

SageMaker hands it over as a file, as the job's input is an ``S3Prefix`` that is the manifest's own
URI: each host gets the list, and Spark reads the objects.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from messages.options import JobError


@dataclass(frozen=True)
class Entry:
    """One object to read: where it is, and its path under a one-machine job's input folder."""

    uri: str
    name: str


def read_manifest(folder: Path, opt_ml: Path) -> list[Entry]:
    """Read the manifest that SageMaker put into ``folder``; entries in the order of their names.

    Raises JobError when there is none, or it is something else.

    Parameters
    ----------
    folder
        Of the job's input.
    opt_ml
        SageMaker's folder; its configuration tells which file is the manifest, where a prefix
        matched others too.
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
    """Give the path that a key becomes as a file."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _file(folder: Path, opt_ml: Path) -> Path:
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    named = {_last(uri) for uri in _uris(opt_ml, "ProcessingInputs", "S3Input")}
    chosen = [path for path in files if path.name in named] if len(files) > 1 else files
    if len(chosen) != 1:
        raise JobError(f"{len(chosen) or 'no'} manifests under --manifests {folder}: give it one")
    return chosen[0]


def output_uri(folder: Path, opt_ml: Path) -> tuple[str, str]:
    """Say where in S3 the files of an output folder go, and the KMS key to write them with.

    Raises JobError when SageMaker's configuration does not say so.

    Returns
    -------
    tuple
        The URI, ending with a slash, and the key, empty for the bucket's own.
    """
    config = _config(opt_ml).get("ProcessingOutputConfig") or {}
    for output in config.get("Outputs") or []:
        s3 = output.get("S3Output") or {}
        if Path(s3.get("LocalPath") or "").name == folder.name:
            return s3["S3Uri"].rstrip("/") + "/", config.get("KmsKeyId") or ""
    raise JobError(f"no output of the job's configuration is uploaded from {folder}")


def _uris(opt_ml: Path, kind: str, place: str) -> list[str]:
    return [(entry.get(place) or {}).get("S3Uri", "") for entry in _config(opt_ml).get(kind) or []]


def _last(uri: str) -> str:
    return uri.rpartition("/")[2]


def _config(opt_ml: Path) -> dict[str, Any]:
    try:
        path = opt_ml / "config" / "processingjobconfig.json"
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}
