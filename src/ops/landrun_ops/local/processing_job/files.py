"""A Processing job's files: inputs from S3 into its folders, outputs back into S3."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from landrun_ops.local.processing_job.container import OPT_ML
from landrun_ops.units import count

_NAMED: Final = 3
"""How many of the files that could not be uploaded a failure names."""

Put = Callable[[str, str, bytes, str], None]
"""``put(bucket, key, body, key_arn)``; raises TransferError when that is not possible."""


class TransferError(Exception):
    """A file could not be brought in or out; the message names it as SageMaker would."""


class S3Object(NamedTuple):
    """An object to bring in, and its path relative to the input's ``LocalPath``."""

    bucket: str
    key: str
    relative: str


def inside(opt_ml: Path, local_path: str) -> Path:
    """Return the folder of this machine that stands for ``/opt/ml/…``."""
    return opt_ml / local_path.removeprefix(OPT_ML).lstrip("/")


def download(s3: Any, source: Mapping[str, Any], folders: Sequence[Path]) -> None:
    """Download one ``S3Input`` to every host.

    Raises TransferError, with its name, when there is no such object, none at all, or a key that
    cannot be a file. ``folders`` are what ``LocalPath`` stands for on each host, hosts in order.
    """
    bucket, key = _split(source["S3Uri"])
    if source["S3DataType"] == "ManifestFile":
        with _explained("GetObject", bucket, key):
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        objects = read_manifest(body, source["S3Uri"])
    else:
        with _explained("ListObjectsV2", bucket, key):
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
            keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        objects = [S3Object(bucket, one, relative_to_prefix(one, key)) for one in keys]
    if not objects:
        raise TransferError(f'No S3 objects found under S3 URL "{source["S3Uri"]}"')
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    for index, folder in enumerate(folders):
        folder.mkdir(parents=True, exist_ok=True)
        mine = sorted(objects)[index :: len(folders)] if sharded else objects
        for item in dict.fromkeys(mine):
            _bring(s3, item, folder)


def upload(put: Put, target: Mapping[str, Any], folder: Path, key_arn: str = "") -> None:
    """Put every file under ``folder`` into the ``S3Output``; symbolic links are not followed.

    With ``key_arn`` objects are encrypted under that KMS key (SageMaker's developer guide, "How
    Amazon SageMaker Processing Configures Input and Output"). Raises TransferError when a file
    could not be put, once all others are.
    """
    bucket, prefix = _split(target["S3Uri"])
    prefix = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
    paths = [Path(parent, name) for parent, _, names in os.walk(folder) for name in names]
    problems = []
    for path in sorted(path for path in paths if not path.is_symlink()):
        key = prefix + path.relative_to(folder).as_posix()
        try:
            key.encode()
            if not path.is_file():
                raise TransferError("it is no regular file")
            put(bucket, key, path.read_bytes(), key_arn)
        except UnicodeEncodeError:
            problems.append(f"The name {os.fsencode(path.name)!r} is not UTF-8")
        except (TransferError, OSError) as error:
            problems.append(f"PutObject failed for s3://{bucket}/{key}: {error}")
    if problems:
        more = f"; and {count(len(problems) - _NAMED, 'file')} more" if problems[_NAMED:] else ""
        raise TransferError(f"Failed to upload data. {'; '.join(problems[:_NAMED])}{more}")


def relative_to_prefix(key: str, prefix: str) -> str:
    """Return the path of an object of an ``S3Prefix`` below ``LocalPath``.

    A prefix is a string, not a folder: ``in/a`` also matches ``in/a.csv`` and ``in/a.csv.bak``,
    which keep their names; below ``in/`` or ``in`` the rest of the key is the path.

    >>> relative_to_prefix("in/x/a.csv", "in"), relative_to_prefix("in/a.csv.bak", "in/a")
    ('x/a.csv', 'a.csv.bak')
    """
    if prefix.endswith("/") or key.startswith(f"{prefix}/"):
        return key[len(prefix) :].lstrip("/") if prefix else key
    return key[prefix.rfind("/") + 1 :]


def read_manifest(body: bytes, uri: str) -> list[S3Object]:
    """Read a ``ManifestFile``: ``[{"prefix": "s3://bucket/path/"}, "a", "b"]``.

    Raises TransferError when it is not such a list, or names nothing.
    """
    try:
        head, *names = json.loads(body)
        bucket, prefix = _split(head["prefix"])
        objects = [S3Object(bucket, prefix + name, name) for name in names]
    except (ValueError, TypeError, KeyError, AttributeError, TransferError) as error:
        form = '[{"prefix": "s3://bucket/path/"}, "key", …]'
        raise TransferError(f"The manifest {uri} is not {form}: {error}") from error
    if not objects:
        raise TransferError(f"The manifest {uri} names no objects")
    return objects


def _split(uri: str) -> tuple[str, str]:
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise TransferError(f"{uri!r} is not an S3 URI (s3://bucket/key)")
    return bucket, key


def _bring(s3: Any, item: S3Object, folder: Path) -> None:
    uri = f"s3://{item.bucket}/{item.key}"
    parts = [part for part in item.relative.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise TransferError(f"Failed to download data. The key of {uri} is no path of a file")
    path = folder.joinpath(*parts)
    try:
        if item.relative.endswith("/"):  # a folder's marker, as the S3 console makes them
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with _explained("GetObject", item.bucket, item.key):
            body = s3.get_object(Bucket=item.bucket, Key=item.key)["Body"]
        with path.open("xb") as file:  # "x": two keys with one path are an error, no overwrite
            shutil.copyfileobj(body, file)
    except (OSError, ValueError) as error:
        message = f"Failed to download data. {uri} cannot be a file here: {error}"
        raise TransferError(message) from error


@contextlib.contextmanager
def _explained(call: str, bucket: str, key: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        message = f"Failed to download data. {call} failed for s3://{bucket}/{key}: {error}"
        raise TransferError(message) from error
