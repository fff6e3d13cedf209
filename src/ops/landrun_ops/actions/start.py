"""Start a run by hand: what it reads, where it writes, and what may make it fail."""

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
from landrun.models.run import ExecutionInput, ManualTrigger, manual_run_name
from landrun.models.s3_uri import S3Uri
from landrun.services.start_run import input_message
from landrun_ops.stack.inputs import Inputs
from landrun_ops.stack.stack import Stack

ANY_END = "*"
"""At the end of a URI: every key that begins so, folder or not."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a run by hand is to read: keys of one bucket, each once, in the order asked for.

    ``size`` is the bytes of them together. ``left_out`` counts what was listed and is not read, by
    reason: one of `LandingFilter.why_ignored`, or ``unreadable-key`` for what no file can have.
    """

    bucket: str
    keys: tuple[str, ...]
    size: int
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that is about to be started, and what may make it fail.

    ``reading`` is None if a manifest of somebody's own names the objects.
    """

    run: ExecutionInput
    reading: Reading | None
    warnings: tuple[str, ...]


def plan(
    stack: Stack, sources: Sequence[S3Uri], output: S3Uri | None, random: uuid.UUID | None = None
) -> Plan:
    """Find what a run by hand would read, and where it would write; nothing is written yet.

    The sources are objects, folders, or beginnings of keys with a ``*``; or one manifest. Without
    an output, the run has a folder of its own beside other runs'. Raises ConfigurationError when
    there is nothing to read, or writing there would start other runs; InvalidInput when only a
    manifest can name the objects, and the stack passes URIs; ServiceError when S3 refuses a call.
    """
    name = manual_run_name(stack.output("JobNamePrefix"), random)
    root, warnings = stack.processed, list[str]()
    target = S3Uri(root.bucket, f"{root.key}{name}/")
    if output:
        target = S3Uri(output.bucket, _folder(output.key))
        warnings += _output_warnings(stack, target)
    if len(sources) == 1 and _is_manifest(stack, sources[0]):
        reading, message = None, _manifest_message(stack, sources[0])
    else:
        reading = gather(stack, sources)
        message = _objects_message(stack, name, sources, reading)
        if reading.left_out and stack.input_message_format == "uri":
            left_out = sum(reading.left_out.values())
            warnings.append(f"the job reads all under {message}, also the {left_out:,} left out")
    run = ExecutionInput(
        PreprocessingJobName=name,
        InputMessage=message,
        OutputProcessedMessage=str(target),
        Trigger=ManualTrigger(StartedBy=who(stack.client("sts"))),
    )
    return Plan(run, reading, tuple(warnings))


def start(stack: Stack, planned: Plan) -> str:
    """Write the manifest, start the run, and return its execution's ARN.

    The manifest holds no trigger, so that `reconcile` does not start the run later if this fails.
    Raises ServiceError when AWS refuses a call or cannot be reached.
    """
    reading, run = planned.reading, planned.run
    if reading:
        stack.manifests().write_once(run.PreprocessingJobName, reading.bucket, reading.keys)
    return stack.executions().start(run).arn


def input_message_today(stack: Stack, name: str, uri: str) -> str:
    """Return what InputMessage holds for what another run read, in the stack's format of today.

    Where the stack passes manifests, and the other run read an object or a prefix by its URI, a
    manifest of what lies there is written under the other run's name, unless it has one. Raises as
    `plan`.
    """
    source = S3Uri.parse(uri)
    own = source.bucket == stack.manifests_folder.bucket and stack.manifests().run_of(source.key)
    if own or _is_manifest(stack, source):
        return _manifest_message(stack, source)
    if stack.input_message_format == "uri":
        return uri
    written = stack.manifests().find(name)
    if written is None:
        if not _size(stack, source):  # an S3Prefix reads whatever begins so
            source = S3Uri(source.bucket, f"{source.key}{ANY_END}")
        reading = gather(stack, [source])
        written = stack.manifests().write_once(name, reading.bucket, reading.keys)
    return str(written.uri)


def who(sts: Any) -> str:
    """Return the caller's ARN or, if AWS does not know it, the user's name on this computer."""
    try:
        with translated("sts:GetCallerIdentity"):
            return str(sts.get_caller_identity()["Arn"])
    except ServiceError:
        return getpass.getuser()


def gather(stack: Stack, sources: Sequence[S3Uri]) -> Reading:
    """Find the objects that URIs stand for.

    Raises ConfigurationError when nothing is there to read at one of them, or they lie in several
    buckets; ServiceError when S3 refuses a call or cannot be reached.
    """
    if len(buckets := {source.bucket for source in sources}) > 1:
        raise ConfigurationError(
            f"one run reads one bucket ({', '.join(sorted(buckets))}): start a run for each bucket"
        )
    sizes: dict[str, int] = {}
    left_out: Counter[str] = Counter()
    for source in sources:
        found = {one.key: one.size for one in _objects(stack, source, left_out)}
        if not found:
            raise ConfigurationError(
                f"nothing to read at {source}: it is neither an object with data nor a folder with"
                f" some ({ANY_END} at the end stands for any end)"
            )
        sizes |= found
    return Reading(sources[0].bucket, tuple(sizes), sum(sizes.values()), dict(left_out))


def _objects(stack: Stack, source: S3Uri, left_out: Counter[str]) -> Iterator[ListedObject]:
    """List what lies at a URI, without landrun's own; outputs are read if asked for by name."""
    if size := _size(stack, source):
        yield ListedObject(check_key(source.key), size)
        return
    under, outputs, manifests = _under(source), stack.processed, stack.manifests_folder
    own = [manifests] if under.key.startswith(outputs.key) else [manifests, outputs]
    passing = LandingFilter(under.key, "", tuple((one.bucket, one.key) for one in own))
    for one in list_objects(stack.client("s3"), under):
        why = passing.why_ignored(under.bucket, one.key, one.size)
        try:
            check_key(one.key)
        except InvalidKey:
            why = why or "unreadable-key"
        if why:
            left_out[why] += 1
        else:
            yield one


def _objects_message(stack: Stack, name: str, sources: Sequence[S3Uri], reading: Reading) -> str:
    """Return InputMessage for objects; a manifest of them is written later."""
    listed = len(sources) == 1 and reading.keys != (sources[0].key,)
    prefix = _under(sources[0]) if listed else None
    uri = stack.manifests().uri(name)
    manifest = Manifest(uri, reading.bucket, reading.keys, written=False, prefix=prefix)
    return input_message(manifest, stack.input_message_format)


def _manifest_message(stack: Stack, uri: S3Uri) -> str:
    """Return a manifest's URI or, where the stack passes URIs, that of what it names."""
    if stack.input_message_format == "manifest":
        return str(uri)
    s3 = stack.client("s3")
    folder, slash, name = uri.key.rpartition("/")
    manifests = Manifests(s3, uri.bucket, f"{folder}{slash}")
    runs_own = manifests.find(name.removesuffix(".json")) if manifests.run_of(uri.key) else None
    if runs_own and runs_own.prefix:
        return input_message(runs_own, "uri")
    named = Inputs(s3).read(str(uri))
    if named is None:
        raise ConfigurationError(f"the manifest {uri} is gone: name the objects themselves")
    return input_message(Manifest(uri, named.bucket, named.keys, written=False), "uri")


def _is_manifest(stack: Stack, uri: S3Uri) -> bool:
    if not uri.key.endswith((".json", ".manifest")):
        return False
    found = Inputs(stack.client("s3")).read(str(uri))
    return found is not None and bool(found.manifest)


def _size(stack: Stack, uri: S3Uri) -> int:
    """Return an object's size in bytes; 0 when there is no such object."""
    is_folder = not uri.key or uri.key.endswith("/")
    return 0 if is_folder else Inputs(stack.client("s3")).size(uri.bucket, uri.key) or 0


def _under(uri: S3Uri) -> S3Uri:
    """Return the prefix that a URI stands for: what comes before a ``*``, else a folder."""
    key = uri.key
    return S3Uri(uri.bucket, key.removesuffix(ANY_END) if key.endswith(ANY_END) else _folder(key))


def _folder(key: str) -> str:
    return key if not key or key.endswith("/") else f"{key}/"


def _output_warnings(stack: Stack, target: S3Uri) -> Iterator[str]:
    """Refuse an output that would start runs, or be taken for a manifest; warn of what may fail."""

    def is_under(prefix: S3Uri) -> bool:
        return target.bucket == prefix.bucket and target.key.startswith(prefix.key)

    for taken, why in ((stack.landing, "start runs"), (stack.manifests_folder, "be manifests")):
        if is_under(taken):
            raise ConfigurationError(
                f"the output {target} lies under {taken}, where it would {why}: choose another"
                " folder"
            )
    try:
        if next(list_objects(stack.client("s3"), target), None):
            yield f"{target} has objects already: files of the same names are replaced"
    except ServiceError as error:
        if error.code == "NoSuchBucket":
            raise  # otherwise it may not be listed, which nobody needs to start runs
    if not is_under(stack.processed) and not stack.parameters.get("StateMachineArn"):
        yield (
            f"the job's role writes under {stack.processed} by the template: the run fails at its"
            f" end unless it was given s3:PutObject for {target}"
        )
