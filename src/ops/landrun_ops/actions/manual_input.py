"""The input of a run by hand: the objects that URIs stand for, its manifest, and who asked."""

from __future__ import annotations

import getpass
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.manifests import Manifest, Manifests
from landrun.adapters.s3_listing import ListedObject, list_objects
from landrun.errors import ConfigurationError, InvalidKey, ServiceError
from landrun.models.landing import LandingFilter, check_key
from landrun.models.run import (
    ExecutionInput,
    InputFormat,
    ManualTrigger,
    is_run_name,
    manual_run_name,
)
from landrun.models.s3_uri import S3Uri
from landrun.services.start_run import input_message
from landrun_ops.stack.inputs import HEAD, Inputs, begins_manifest

ANY_END = "*"
"""At the end of a URI: every key that begins so, folder or not."""

UNREADABLE = "unreadable-key"
"""Why an object with a key that no file can have is left out."""

_ABSENT = ("404", "NoSuchKey", "NotFound")


@dataclass(frozen=True, slots=True)
class Locations:
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
        How many were listed and are not read, by reason (see `Filter.why_ignored`, `UNREADABLE`).
    """

    bucket: str
    keys: tuple[str, ...]
    size: int
    left_out: Mapping[str, int]


def prepare(
    s3: Any,
    source: S3Uri,
    output: S3Uri,
    where: Locations,
    *,
    prefix: str,
    started_by: str,
    input_format: InputFormat = "manifest",
    random: uuid.UUID | None = None,
) -> ExecutionInput:
    """Write the manifest of a run by hand, unless the source is one, and make the run's input.

    Parameters
    ----------
    s3 : S3 client
        boto3's.
    source : S3Uri
        An object, a folder of objects, the beginning of keys with a ``*``, or a manifest.
    prefix : str
        The beginning of the run's name, before the uuid.
    started_by : str
        Who asked.
    input_format : str, optional
        What ``InputMessage`` holds: a manifest's URI or, with ``uri``, an object's or a prefix's.

    Raises
    ------
    InvalidInput
        When ``uri`` cannot name the input, as it is several objects.
    ConfigurationError
        When nothing is there to read, or something would be written under the landing prefix.
    ServiceError
        When S3 refuses a call or cannot be reached.
    """
    name = manual_run_name(prefix, random)
    where.refuse_landing(folder(output), "the output")
    if not is_manifest(s3, source):
        message = _write_manifest(s3, name, source, where, input_format)
    else:
        message = uri_of_manifest(s3, source) if input_format == "uri" else str(source)
    return make_input(name, message, str(folder(output)), started_by)


def _write_manifest(
    s3: Any, name: str, source: S3Uri, where: Locations, input_format: InputFormat
) -> str:
    """Write the run's manifest, and return what the run reads as the stack's format wants it."""
    manifests = Manifests(s3, where.manifests.bucket, where.manifests.key)
    uri = manifests.uri(name)
    where.refuse_landing(uri, "the manifest")
    reading = gather(s3, [source], where)
    message = uri_of_objects([source], reading, uri) if input_format == "uri" else str(uri)
    manifests.write_once(name, reading.bucket, reading.keys)
    return message


def make_input(name: str, input_uri: str, output_uri: str, started_by: str) -> ExecutionInput:
    """Make the execution input of a run by hand."""
    return ExecutionInput(
        PreprocessingJobName=name,
        InputMessage=input_uri,
        OutputProcessedMessage=output_uri,
        Trigger=ManualTrigger(StartedBy=started_by),
    )


def who(sts: Any) -> str:
    """Return the caller's ARN or, if AWS does not know it, the user's name on this computer."""
    try:
        with translated("sts:GetCallerIdentity"):
            return str(sts.get_caller_identity()["Arn"])
    except ServiceError:
        pass
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user id need not have a name
        return "unknown"


def gather(s3: Any, sources: Sequence[S3Uri], where: Locations, *, strict: bool = True) -> Reading:
    """Find the objects that URIs stand for: objects, folders, or beginnings of keys with a ``*``.

    Parameters
    ----------
    s3 : S3 client
        boto3's.
    sources : sequence of S3Uri
        At least one.
    where : Locations
        What lies there already is not taken for input.
    strict : bool
        Whether one key that no file can have refuses them all; else it is left out where it was
        only listed.

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
        if not strict:
            sizes = _readable_of(source, sizes, left_out)
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
        f"nothing to read at {uri}: an object of that name is not there, or is empty, and none with"
        f" bytes in it lies under it as a folder (a {ANY_END} at the end stands for any)"
    )


def _objects(
    s3: Any, source: S3Uri, where: Locations, left_out: Counter[str]
) -> Iterator[ListedObject]:
    size = _size(s3, source)
    if size:
        yield ListedObject(source.key, size)
        return
    under = S3Uri(source.bucket, _beginning(source.key))
    passing = LandingFilter(under.key, suffix="", own=_own(under, where))
    for one in list_objects(s3, under):
        why = passing.why_ignored(under.bucket, one.key, one.size)
        if why is None:
            yield one
        else:
            left_out[why] += 1


def _beginning(key: str) -> str:
    return key.removesuffix(ANY_END) if key.endswith(ANY_END) else _folder(key)


def _own(under: S3Uri, where: Locations) -> tuple[tuple[str, str], ...]:
    """Return landrun's own prefixes, without the outputs if the caller asks for some by name."""
    outputs = where.outputs
    wanted = outputs and not under.key.startswith(outputs.key)
    manifests = ((where.manifests.bucket, where.manifests.key),)
    return (*manifests, (outputs.bucket, outputs.key)) if outputs and wanted else manifests


def _readable_of(source: S3Uri, sizes: dict[str, int], left_out: Counter[str]) -> dict[str, int]:
    """Leave out what no container could read as a file, unless it was asked for by its key."""
    unreadable = {key for key in sizes if key != source.key and not _is_readable(key)}
    if unreadable:
        left_out[UNREADABLE] += len(unreadable)
    return {key: size for key, size in sizes.items() if key not in unreadable}


def _is_readable(key: str) -> bool:
    try:
        return bool(check_key(key))
    except InvalidKey:
        return False


def _readable(key: str) -> str:
    try:
        return check_key(key)
    except InvalidKey as error:
        raise ConfigurationError(str(error)) from error


def is_manifest(s3: Any, uri: S3Uri) -> bool:
    """Return True if the object is a manifest: a JSON list that begins with a prefix.

    Raises
    ------
    ServiceError
        When S3 refuses a call or cannot be reached.
    """
    if not uri.key.endswith((".json", ".manifest")) or not _size(s3, uri):
        return False
    first = f"bytes=0-{HEAD - 1}"  # messages in JSON can be many gigabytes
    with translated("s3:GetObject"):
        body = s3.get_object(Bucket=uri.bucket, Key=uri.key, Range=first)["Body"].read()
    return begins_manifest(body)


def as_prefix(s3: Any, uri: S3Uri) -> S3Uri:
    """Return the source for `gather` that stands for what an S3Prefix of this URI reads.

    An object stands for itself alone, although an S3Prefix also reads what else begins so.
    """
    return uri if _size(s3, uri) else S3Uri(uri.bucket, f"{uri.key}{ANY_END}")


def uri_of_manifest(s3: Any, uri: S3Uri) -> str:
    """Return the URI of the one object, or of the scheduled prefix, that a manifest names.

    Raises
    ------
    ConfigurationError
        When the manifest is gone.
    InvalidInput
        When it names several objects, which only a manifest can.
    ServiceError
        When S3 refuses a call or cannot be reached.
    """
    folder, _, name = uri.key.rpartition("/")
    run = name.removesuffix(".json")
    manifest = None
    if is_run_name(run):  # landrun's own: names the scheduled prefix, too
        manifest = Manifests(s3, uri.bucket, f"{folder}/" if folder else "").find(run)
    if manifest is None or not manifest.prefix:
        named = Inputs(s3).read(str(uri))
        if named is None:
            raise ConfigurationError(f"the manifest {uri} is gone: name the objects themselves")
        manifest = Manifest(uri, named.bucket, named.keys, written=False)
    return input_message(manifest, "uri")


def uri_of_objects(sources: Sequence[S3Uri], reading: Reading, manifest: S3Uri) -> str:
    """Return the URI of the one object or prefix that a run by hand reads.

    Parameters
    ----------
    manifest : S3Uri
        Where the run's manifest goes.

    Raises
    ------
    InvalidInput
        When there are several, which only a manifest can name.
    """
    prefix = _prefix(sources, reading)
    planned = Manifest(manifest, reading.bucket, reading.keys, written=False, prefix=prefix)
    return input_message(planned, "uri")


def _prefix(sources: Sequence[S3Uri], reading: Reading) -> S3Uri | None:
    """Return the prefix under which all objects were listed; None when they were named."""
    [source, *others] = sources
    if others or reading.keys == (source.key,):
        return None
    return S3Uri(source.bucket, _beginning(source.key))


def _size(s3: Any, uri: S3Uri) -> int:
    """Return an object's size in bytes; 0 when there is no such object."""
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
    """Return a URI as that of a folder: it ends with a slash, or is a whole bucket."""
    return S3Uri(uri.bucket, _folder(uri.key))


def _folder(key: str) -> str:
    return key if not key or key.endswith("/") else f"{key}/"
