"""A run by hand: what to read, where to write, and who asked."""

from __future__ import annotations

import getpass
import json
import uuid
from dataclasses import dataclass
from typing import Any

from landrun.clients import translated
from landrun.contract import ExecutionInput, ManualTrigger, S3Uri, manual_run_name
from landrun.errors import ConfigurationError, InvalidKey, ServiceError
from landrun.landing import Filter, check_key
from landrun.manifests import Manifests

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
    """

    manifests: S3Uri
    landing: S3Uri | None

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
    folder = (
        S3Uri.parse(manifests) if manifests else S3Uri(output_bucket or output.bucket, "manifests/")
    )
    return Places(S3Uri(folder.bucket, _folder(folder.key)), landing)


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
        An object, a folder of objects, or a manifest.
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
    output = S3Uri(output_uri.bucket, _folder(output_uri.key))
    where.refuse_landing(output, "the output")
    manifest = input_uri if _is_manifest(s3, input_uri) else _write(s3, name, input_uri, where)
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


def _write(s3: Any, name: str, input_uri: S3Uri, where: Places) -> S3Uri:
    manifests = Manifests(s3, where.manifests.bucket, where.manifests.key)
    where.refuse_landing(manifests.uri(name), "the manifest")
    keys = _keys(s3, manifests, input_uri, where)
    if not keys:
        raise ConfigurationError(
            f"nothing to read at {input_uri}: no object of that name, and none with bytes in it"
            " under it as a folder"
        )
    return manifests.write_once(name, input_uri.bucket, keys).uri


def _keys(s3: Any, manifests: Manifests, input_uri: S3Uri, where: Places) -> list[str]:
    if _size(s3, input_uri):
        return [_readable(input_uri.key)]
    own = ((where.manifests.bucket, where.manifests.key),)
    folder = S3Uri(input_uri.bucket, _folder(input_uri.key))
    passing = Filter(prefix=folder.key, suffix="", own=own)
    return [
        _readable(found.key)
        for found in manifests.list_objects(folder)
        if not passing.why_ignored(folder.bucket, found.key, found.size)
    ]


def _readable(key: str) -> str:
    try:
        return check_key(key)
    except InvalidKey as error:
        raise ConfigurationError(str(error)) from error


def _is_manifest(s3: Any, uri: S3Uri) -> bool:
    """Tell whether the object is a manifest: a JSON list that begins with a prefix."""
    if not uri.key.endswith((".json", ".manifest")) or not _size(s3, uri):
        return False
    with translated("s3:GetObject"):
        body = s3.get_object(Bucket=uri.bucket, Key=uri.key)["Body"].read()
    try:
        head, *_ = json.loads(body)
    except (ValueError, TypeError):
        return False
    return isinstance(head, dict) and str(head.get("prefix", "")).startswith("s3://")


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


def _folder(key: str) -> str:
    return key if not key or key.endswith("/") else f"{key}/"
