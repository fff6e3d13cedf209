"""Start a run by hand: what it reads, where it writes, and whether its job may."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landrun.adapters.clients import translated
from landrun.errors import ConfigurationError, ServiceError
from landrun.models.run import ExecutionInput, manual_run_name
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions.manual_input import (
    UNREADABLE,
    Locations,
    Reading,
    as_prefix,
    folder,
    gather,
    is_manifest,
    make_input,
    uri_of_manifest,
    uri_of_objects,
    who,
)

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

_RUNS_MANIFEST = re.compile(r"-[0-9a-f]{32}\.json$")
_DENIED = ("403", "AccessDenied")
_NO_BUCKET = ("404", "NoSuchBucket")


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that is about to be started.

    Attributes
    ----------
    run : ExecutionInput
        What its execution is started with.
    reading : Reading or None
        The objects; None if a manifest of somebody's own names them.
    warnings : tuple of str
        What may make it fail, a line each.
    """

    run: ExecutionInput
    reading: Reading | None
    warnings: tuple[str, ...]


def plan(
    stack: Stack, sources: Sequence[S3Uri], output: S3Uri | None, random: uuid.UUID | None = None
) -> Plan:
    """Find what a run by hand would read, and where it would write; nothing is written yet.

    Parameters
    ----------
    sources : sequence of S3Uri
        Objects, folders, or beginnings of keys with a ``*``; or one manifest.
    output : S3Uri or None
        The folder to write to. Default: one of the run's own beside other runs'.

    Raises
    ------
    ConfigurationError
        When there is nothing to read, or writing there would start other runs.
    ServiceError
        When S3 refuses a call or cannot be reached.
    """
    s3, where = stack.client("s3"), _locations(stack)
    name = manual_run_name(stack.output("JobNamePrefix"), random)
    root = stack.processed
    target = folder(output) if output else S3Uri(root.bucket, f"{root.key}{name}/")
    warnings = [*_output_warnings(s3, where, target)] if output else []
    reading = _read(s3, sources, where)
    message = _input_message(stack, name, sources, reading)
    if reading:
        warnings += _left_out_warnings(stack, reading, message)
    warnings += role_warnings(stack, reading, target)
    run = make_input(name, message, str(target), who(stack.client("sts")))
    return Plan(run, reading, tuple(warnings))


def start(stack: Stack, planned: Plan) -> str:
    """Write the manifest, start the run, and return its execution's ARN.

    The manifest holds no trigger, so that `reconcile` does not start the run later if this fails.

    Raises
    ------
    ServiceError
        When AWS refuses a call or cannot be reached.
    """
    reading, run = planned.reading, planned.run
    if reading:
        stack.manifests().write_once(run.PreprocessingJobName, reading.bucket, reading.keys)
    return stack.executions().start(run).arn


def input_message_today(stack: Stack, name: str, uri: str) -> str:
    """Return what InputMessage holds for what another run read, in the stack's format of today.

    Where the stack passes manifests, and the other run read an object or a prefix by its URI, a
    manifest of what lies there is written under the other run's name, unless it has one.

    Parameters
    ----------
    name, uri : str
        The other run's name, and its InputMessage.

    Raises
    ------
    ConfigurationError
        When nothing lies there (any more).
    InvalidInput
        When only a manifest can name what it read, and the stack passes URIs.
    ServiceError
        When S3 refuses a call or cannot be reached.
    """
    s3, source = stack.client("s3"), S3Uri.parse(uri)
    passes_manifests = stack.input_message_format == "manifest"
    # Runs' manifests are known by their names, so that a rerun needs no permission to read them.
    is_one = bool(_RUNS_MANIFEST.search(source.key)) or is_manifest(s3, source)
    if is_one == passes_manifests:
        return uri
    if is_one:
        return uri_of_manifest(s3, source)
    manifests = stack.manifests()
    written = manifests.find(name)
    if written is None:
        reading = gather(s3, [as_prefix(s3, source)], _locations(stack), strict=False)
        written = manifests.write_once(name, reading.bucket, reading.keys)
    return str(written.uri)


def _input_message(
    stack: Stack, name: str, sources: Sequence[S3Uri], reading: Reading | None
) -> str:
    """Return InputMessage in the stack's InputMessageFormat."""
    manifest = stack.manifests().uri(name) if reading else sources[0]
    if stack.input_message_format == "manifest":
        return str(manifest)
    if reading is None:
        return uri_of_manifest(stack.client("s3"), manifest)
    return uri_of_objects(sources, reading, manifest)


def _locations(stack: Stack) -> Locations:
    return Locations(stack.manifests_folder, stack.landing, stack.processed)


def _read(s3: Any, sources: Sequence[S3Uri], where: Locations) -> Reading | None:
    try:
        if len(sources) == 1 and is_manifest(s3, sources[0]):
            return None
        return gather(s3, sources, where, strict=False)
    except ServiceError as error:
        if error.code in _DENIED:
            raise ConfigurationError(
                f"{error}; to read there you need s3:GetObject and s3:ListBucket: ask for them, or"
                " name another --profile"
            ) from error
        if error.code in _NO_BUCKET:
            raise _no_bucket(sources[0]) from error
        raise


def _no_bucket(uri: S3Uri) -> ConfigurationError:
    return ConfigurationError(f"there is no bucket {uri.bucket}: check the name of {uri}")


def _left_out_warnings(stack: Stack, reading: Reading, message: str) -> Iterator[str]:
    left_out = sum(reading.left_out.values())
    unreadable = reading.left_out.get(UNREADABLE, 0)
    if stack.input_message_format == "uri" and left_out:
        yield f"the job reads all that begins with {message}, also the {left_out:,} left out"
    elif unreadable:
        yield f"{unreadable:,} left out: no file can have their keys; rename them"


def _output_warnings(s3: Any, where: Locations, target: S3Uri) -> Iterator[str]:
    """Refuse an output that would start runs, or be taken for a manifest; warn of one in use."""
    where.refuse_landing(target, "the output")
    manifests = where.manifests
    if target.bucket == manifests.bucket and target.key.startswith(manifests.key):
        raise ConfigurationError(
            f"the output {target} lies among the manifests at {manifests}: choose another place"
        )
    try:
        with translated("s3:ListObjectsV2"):
            found = s3.list_objects_v2(Bucket=target.bucket, Prefix=target.key, MaxKeys=1)
    except ServiceError as error:
        if error.code in _NO_BUCKET:
            raise _no_bucket(target) from error
        return  # to start runs, nobody needs to list outputs
    if found.get("Contents"):
        yield f"{target} has objects already: files of the same names will be replaced"


def role_warnings(stack: Stack, reading: Reading | None, target: S3Uri) -> list[str]:
    """Say what the job's role may not do by the template, unless IAM says that it may.

    A state machine of somebody's own has a role of its own, of which nothing is said.
    """
    if stack.parameters.get("StateMachineArn"):
        return []
    where = "on AWS, " if stack.laptop else ""
    bucket, keys = (reading.bucket, reading.keys) if reading else ("", ())
    unread = next((key for key in keys if not _may_read(stack, bucket, key)), "")
    said = []
    if unread and not _is_allowed(stack, "s3:GetObject", bucket, unread):
        said.append(
            f"{where}the job's role reads the landing bucket, ScheduledInput's, and manifests, not"
            f" s3://{bucket}/{unread}: the run will fail unless it was given s3:GetObject there"
        )
    writes = target.bucket == stack.processed.bucket and target.key.startswith(stack.processed.key)
    if not (writes or _is_allowed(stack, "s3:PutObject", target.bucket, f"{target.key}part")):
        said.append(
            f"{where}the job's role writes under {stack.processed}, not to {target}: the run will"
            " fail at its end unless it was given s3:PutObject"
        )
    return said


def _may_read(stack: Stack, bucket: str, key: str) -> bool:
    """Return True if the template lets the job read an object (src/stacks/processing.yaml)."""
    manifests, scheduled = stack.manifests_folder, stack.parameters.get("ScheduledInput", "")
    named = scheduled.removeprefix("s3://").partition("/")[0] if "//" in scheduled else ""
    return bucket in (stack.landing.bucket, named) or (
        bucket == manifests.bucket and key.startswith(manifests.key)
    )


def _is_allowed(stack: Stack, action: str, bucket: str, key: str) -> bool:
    """Ask IAM whether the job's role may, by its own policies; False if that cannot be known."""
    if stack.laptop:
        return False
    try:
        machine = stack.client("stepfunctions")
        with translated("states:DescribeStateMachine"):
            found = machine.describe_state_machine(stateMachineArn=stack.output("StateMachineArn"))
        role = job_role(found["definition"])
        if not role:
            return False
        with translated("iam:SimulatePrincipalPolicy"):
            answer = stack.client("iam").simulate_principal_policy(
                PolicySourceArn=role,
                ActionNames=[action],
                ResourceArns=[f"arn:{role.split(':')[1]}:s3:::{bucket}/{key}"],
            )
    except ServiceError:
        return False
    return all(one["EvalDecision"] == "allowed" for one in answer["EvaluationResults"])


def job_role(definition: str) -> str:
    """Return the role of the Processing job in a state machine's definition; empty without one."""
    states: Mapping[str, Any] = json.loads(definition).get("States", {})
    roles = (state.get("Parameters", {}).get("RoleArn", "") for state in states.values())
    return next((role for role in roles if isinstance(role, str) and role), "")
