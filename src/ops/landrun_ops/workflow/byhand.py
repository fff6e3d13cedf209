"""A run by hand: what to read, where to write, and who asked."""

from __future__ import annotations

import getpass
import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from landrun.clients import translated
from landrun.contract import ExecutionInput, ManualTrigger, S3Uri, manual_run_name
from landrun.errors import ConfigurationError, InvalidKey, ServiceError
from landrun.landing import Filter, check_key
from landrun.listing import ListedObject, list_objects
from landrun.manifests import Manifests

ANY_END = "*"
"""At the end of a URI: every key that begins so, folder or not."""

_HEAD = 4096
"""Bytes in which a manifest's prefix ends: no S3 URI is half as long."""

_ABSENT = ("404", "NoSuchKey", "NotFound")


@dataclass(frozen=True, slots=True)
class Places:
    """Where manifests go, and where they must not.

    Attributes
    ----------
    manifests : S3Uri
        The folder of manifests.
    landing : S3Uri or None
        Bucket and prefix whose objects start runs by themselves; None when not known.
    outputs : S3Uri or None
        Where runs write: no input, unless it is asked for by name; None when not known.
    """

    manifests: S3Uri
    landing: S3Uri | None
    outputs: S3Uri | None = None

    def refuse_landing(self, uri: S3Uri, what: str) -> None:
        """Raise where an object at the URI would itself start a run.

        Raises
        ------
        ConfigurationError
            When it lies under the landing prefix.
        """
        landing = self.landing
        if landing and uri.bucket == landing.bucket and uri.key.startswith(landing.key):
            raise ConfigurationError(
                f"{what} {uri} lies under the landing prefix {landing}, where it would start runs"
                " of its own: choose another place"
            )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a run by hand is to read.

    Attributes
    ----------
    bucket : str
        Where all of it lies: a manifest has one bucket.
    keys : tuple of str
        The objects, each once, in the order in which they were asked for.
    size : int
        Bytes of them together.
    left_out : Mapping[str, int]
        How many were listed and are not read, by reason (see `Filter.why_ignored`).
    """

    bucket: str
    keys: tuple[str, ...]
    size: int
    left_out: Mapping[str, int]


def places(output: S3Uri, manifests: str, output_bucket: str, landing: S3Uri | None) -> Places:
    """Decide where the manifest goes: beside the outputs unless told otherwise.

    Parameters
    ----------
    output : S3Uri
        Where the run's output goes.
    manifests : str
        The folder asked for, an S3 URI; empty when none was.
    output_bucket : str
        landrun's output bucket; empty when not known, for the output's own.
    """
    beside = S3Uri(output_bucket or output.bucket, "manifests/")
    return Places(folder(S3Uri.parse(manifests)) if manifests else beside, landing)


def prepare(
    s3: Any,
    input_uri: S3Uri,
    output_uri: S3Uri,
    where: Places,
    *,
    prefix: str,
    started_by: str,
    random: uuid.UUID | None = None,
) -> ExecutionInput:
    """Write the manifest of a run by hand, unless the input is one, and make the run's input.

    Parameters
    ----------
    s3 : S3 client
        boto3's.
    input_uri : S3Uri
        An object, a folder of objects, the beginning of keys with a ``*``, or a manifest.
    prefix : str
        What stands before the uuid in the run's name.
    started_by : str
        Who asked.

    Raises
    ------
    ConfigurationError
        When nothing is there to read, or something would be written under the landing prefix.
    ServiceError
        When S3 refuses a call or cannot be reached.
    """
    name = manual_run_name(prefix, random)
    output = folder(output_uri)
    where.refuse_landing(output, "the output")
    manifest = input_uri if is_manifest(s3, input_uri) else _write(s3, name, input_uri, where)
    return make_input(name, str(manifest), str(output), started_by)


def make_input(name: str, input_uri: str, output_uri: str, started_by: str) -> ExecutionInput:
    """Make the execution input of a run by hand from what it is made of."""
    return ExecutionInput(
        PreprocessingJobName=name,
        InputMessage=input_uri,
        OutputProcessedMessage=output_uri,
        Trigger=ManualTrigger(StartedBy=started_by),
    )


def who(sts: Any) -> str:
    """Tell who is asking: the ARN that AWS knows, or else the name on this computer."""
    try:
        with translated("sts:GetCallerIdentity"):
            return str(sts.get_caller_identity()["Arn"])
    except ServiceError:
        return _user()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user id need not have a name
        return "unknown"


def gather(s3: Any, sources: Sequence[S3Uri], where: Places) -> Reading:
    """Find the objects that URIs stand for: objects, folders, or beginnings of keys with a ``*``.

    Parameters
    ----------
    s3 : S3 client
        boto3's.
    sources : sequence of S3Uri
        At least one.
    where : Places
        What lies there already is not taken for input.

    Raises
    ------
    ConfigurationError
        When nothing is there to read at one of them, they lie in several buckets, or a key is one
        that no file can have.
    ServiceError
        When S3 refuses a call or cannot be reached.
    """
    bucket = _one_bucket(sources)
    found: dict[str, int] = {}
    left_out: Counter[str] = Counter()
    for source in sources:
        sizes = {one.key: one.size for one in _objects(s3, source, where, left_out)}
        if not sizes:
            raise ConfigurationError(_nothing(source))
        found |= sizes
    keys = tuple(map(_readable, found))
    return Reading(bucket, keys, sum(found.values()), dict(left_out))


def _one_bucket(sources: Sequence[S3Uri]) -> str:
    buckets = list(dict.fromkeys(source.bucket for source in sources))
    if len(buckets) == 1:
        return buckets[0]
    raise ConfigurationError(
        f"one run reads one bucket, and these lie in {len(buckets)} ({', '.join(buckets)}): start a"
        " run for each bucket"
    )


def _nothing(uri: S3Uri) -> str:
    if uri.key.endswith(ANY_END):
        return f"nothing to read at {uri}: no key begins so, or what does is empty or landrun's own"
    return (
        f"nothing to read at {uri}: no object of that name, and none with bytes in it under it as"
        f" a folder (a {ANY_END} at the end stands for any)"
    )


def _objects(
    s3: Any, source: S3Uri, where: Places, left_out: Counter[str]
) -> Iterator[ListedObject]:
    size = _size(s3, source)
    if size:
        yield ListedObject(source.key, size)
        return
    under = S3Uri(source.bucket, _beginning(source.key))
    passing = Filter(under.key, suffix="", own=_own(under, where))
    for one in list_objects(s3, under):
        why = passing.why_ignored(under.bucket, one.key, one.size)
        if why is None:
            yield one
        else:
            left_out[why] += 1


def _beginning(key: str) -> str:
    return key.removesuffix(ANY_END) if key.endswith(ANY_END) else _folder(key)


def _own(under: S3Uri, where: Places) -> tuple[tuple[str, str], ...]:
    """Give landrun's own places; outputs that are asked for by name are input like any."""
    outputs = where.outputs
    wanted = outputs and not under.key.startswith(outputs.key)
    manifests = ((where.manifests.bucket, where.manifests.key),)
    return (*manifests, (outputs.bucket, outputs.key)) if outputs and wanted else manifests


def _write(s3: Any, name: str, input_uri: S3Uri, where: Places) -> S3Uri:
    manifests = Manifests(s3, where.manifests.bucket, where.manifests.key)
    where.refuse_landing(manifests.uri(name), "the manifest")
    reading = gather(s3, [input_uri], where)
    return manifests.write_once(name, reading.bucket, reading.keys).uri


def _readable(key: str) -> str:
    try:
        return check_key(key)
    except InvalidKey as error:
        raise ConfigurationError(str(error)) from error


def is_manifest(s3: Any, uri: S3Uri) -> bool:
    """Tell whether the object is a manifest: a JSON list that begins with a prefix.

    Raises
    ------
    ServiceError
        When S3 refuses a call or cannot be reached.
    """
    if not uri.key.endswith((".json", ".manifest")) or not _size(s3, uri):
        return False
    first = f"bytes=0-{_HEAD - 1}"  # messages in JSON can be many gigabytes
    with translated("s3:GetObject"):
        body = s3.get_object(Bucket=uri.bucket, Key=uri.key, Range=first)["Body"].read()
    head = _first_of_list(body.decode("utf-8", "replace"))
    return isinstance(head, dict) and str(head.get("prefix", "")).startswith("s3://")


def _first_of_list(text: str) -> object:
    """Read the first element of a JSON list, of which only the beginning need be there."""
    inside = text.lstrip()
    try:
        return json.JSONDecoder().raw_decode(inside[1:].lstrip())[0] if inside[:1] == "[" else None
    except (ValueError, RecursionError):
        return None


def _size(s3: Any, uri: S3Uri) -> int:
    """Give an object's bytes; 0 when there is no such object."""
    if not uri.key or uri.key.endswith("/"):
        return 0
    try:
        with translated("s3:HeadObject"):
            return int(s3.head_object(Bucket=uri.bucket, Key=uri.key)["ContentLength"])
    except ServiceError as error:
        if error.code in _ABSENT:
            return 0
        raise


def folder(uri: S3Uri) -> S3Uri:
    """Give a URI as that of a folder: it ends with a slash, or is a whole bucket."""
    return S3Uri(uri.bucket, _folder(uri.key))


def _folder(key: str) -> str:
    return key if not key or key.endswith("/") else f"{key}/"
