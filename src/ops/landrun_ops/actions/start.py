"""Start a run by hand: plan its input and output, warn of likely failures, and start it."""

import getpass
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.manifests import Manifest
from landrun.adapters.s3_listing import list_objects
from landrun.errors import ConfigurationError, ServiceError
from landrun.models.landing import LandingFilter, check_key
from landrun.models.run import ExecutionInput, ManualTrigger, manual_run_name
from landrun.models.s3_uri import S3Uri
from landrun.services.start_run import input_message
from landrun_ops.stack.inputs import Input, Inputs
from landrun_ops.stack.landings import why_ignored
from landrun_ops.stack.stack import Stack

ANY_END = "*"
"""At the end of a URI: all keys that begin with the text before it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that is about to be started, with its input and warnings.

    ``left_out`` counts the listed objects that the run does not read, by reason: one of
    `LandingFilter.why_ignored`, or ``unreadable-key`` for a key that cannot be a file's path.
    """

    run: ExecutionInput
    reading: Input
    left_out: Mapping[str, int]
    warnings: tuple[str, ...]


def plan(
    stack: Stack, sources: Sequence[S3Uri], output: S3Uri | None, random: uuid.UUID | None = None
) -> Plan:
    """Find the objects that a run by hand would read, and where it would write; changes nothing.

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
        warnings += _check_output(stack, target)
    reading, left_out = gather(stack, sources)
    message = _message(stack, name, reading, sources)
    if left_out and stack.input_message_format == "uri":
        number = sum(left_out.values())
        warnings.append(f"the job reads all under {message}, also the {number:,} left out")
    run = ExecutionInput(
        PreprocessingJobName=name,
        InputMessage=message,
        OutputProcessedMessage=str(target),
        Trigger=ManualTrigger(StartedBy=who(stack.client("sts"))),
    )
    return Plan(run, reading, left_out, tuple(warnings))


def start(stack: Stack, planned: Plan) -> str:
    """Write the manifest, start the run, and return its execution's ARN.

    The manifest holds no trigger, so that `reconcile` does not start the run later if this fails.
    Raises ServiceError when AWS refuses a call or cannot be reached.
    """
    reading, run = planned.reading, planned.run
    if not reading.manifest:
        stack.manifests().write_once(run.PreprocessingJobName, reading.bucket, reading.keys)
    return stack.executions().start(run).arn


def input_message_today(stack: Stack, name: str, uri: str) -> str:
    """Return the InputMessage for another run's input, in the stack's present format.

    Where the stack passes manifests, and the other run read an object or a prefix by its URI, a
    manifest of what lies there is written under the other run's name, unless it has one. Raises as
    `plan`.
    """
    source = S3Uri.parse(uri)
    found = Inputs(stack.client("s3")).read(uri)
    if found and found.manifest:
        return _message(stack, name, found, [source])
    if stack.input_message_format == "uri":
        return uri
    written = stack.manifests().find(name)
    if written is None:
        if not (found and found.bytes):  # an S3Prefix reads whatever begins so
            source = S3Uri(source.bucket, f"{source.key}{ANY_END}")
        reading, _ = gather(stack, [source])
        written = stack.manifests().write_once(name, reading.bucket, reading.keys)
    return str(written.uri)


def who(sts: Any) -> str:
    """Return the caller's ARN or, if AWS does not know it, the user's name on this computer."""
    try:
        with translated("sts:GetCallerIdentity"):
            return str(sts.get_caller_identity()["Arn"])
    except ServiceError:
        return getpass.getuser()


def gather(stack: Stack, sources: Sequence[S3Uri]) -> tuple[Input, Counter[str]]:
    """Find the objects that URIs name, each once, and count those left out, by reason.

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
        named = Inputs(stack.client("s3")).read(str(source))
        if named and named.manifest and len(sources) == 1:
            return named, left_out
        if named and named.bytes and not named.manifest:
            found = {check_key(source.key): named.bytes}
        else:
            found = dict(_listed(stack, source, left_out))
        if not found:
            raise ConfigurationError(
                f"nothing to read at {source}: it is neither an object with data nor a folder with"
                f" some ({ANY_END} at the end stands for any end)"
            )
        sizes |= found
    return Input(sources[0].bucket, tuple(sizes), sizes), left_out


def _listed(stack: Stack, source: S3Uri, left_out: Counter[str]) -> Iterator[tuple[str, int]]:
    """List what lies under a URI, without landrun's own; outputs are read if asked for by name."""
    under, outputs, manifests = _under(source), stack.processed, stack.manifests_folder
    own = [manifests] if under.key.startswith(outputs.key) else [manifests, outputs]
    wanted = LandingFilter(under.key, "", tuple((one.bucket, one.key) for one in own))
    for one in list_objects(stack.client("s3"), under):
        if why := why_ignored(wanted, under.bucket, one.key, one.size):
            left_out[why] += 1
        else:
            yield one.key, one.size


def _message(stack: Stack, name: str, reading: Input, sources: Sequence[S3Uri]) -> str:
    """Return the InputMessage of a plan; the manifest is written when the run is started."""
    manifests, prefix = stack.manifests(), None
    uri = S3Uri.parse(reading.manifest) if reading.manifest else manifests.uri(name)
    if reading.manifest:
        run = manifests.run_of(uri.key)
        own = manifests.find(run) if run and manifests.uri(run) == uri else None
        prefix = own.prefix if own else None
    elif len(sources) == 1 and reading.keys != (sources[0].key,):
        prefix = _under(sources[0])
    manifest = Manifest(uri, reading.bucket, reading.keys, written=False, prefix=prefix)
    return input_message(manifest, stack.input_message_format)


def _under(uri: S3Uri) -> S3Uri:
    """Return the prefix that a URI names: the text before a ``*``, or a folder."""
    key = uri.key
    return S3Uri(uri.bucket, key.removesuffix(ANY_END) if key.endswith(ANY_END) else _folder(key))


def _folder(key: str) -> str:
    return key if not key or key.endswith("/") else f"{key}/"


def _check_output(stack: Stack, target: S3Uri) -> Iterator[str]:
    """Refuse an output that would start runs or look like a manifest; warn of likely failures."""

    def is_under(prefix: S3Uri) -> bool:
        return target.bucket == prefix.bucket and target.key.startswith(prefix.key)

    for taken, why in ((stack.landing, "start runs"), (stack.manifests_folder, "be manifests")):
        if is_under(taken):
            raise ConfigurationError(
                f"the output {target} lies under {taken}, where it would {why}: choose another"
                " folder"
            )
    if not is_under(stack.processed) and not stack.parameters.get("StateMachineArn"):
        yield (
            f"the job's role writes under {stack.processed} by the template: the run fails at its"
            f" end unless it was given s3:PutObject for {target}"
        )
