"""A run by hand: what to read, where to write, and who asked."""

from __future__ import annotations

import getpass
import json
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.manifests import Manifests
from landrun.errors import ServiceError
from landrun.models.run import ExecutionInput, ManualTrigger, manual_run_name
from landrun.models.s3_uri import S3Uri
from landrun_ops.workflow.reading import Places, folder, gather, is_manifest


@dataclass(frozen=True, slots=True)
class NotebookInput:
    """What a notebook starts an execution with: the contract's fields without ``Trigger``."""

    PreprocessingJobName: str
    InputMessage: str
    OutputProcessedMessage: str

    def to_dict(self) -> dict[str, Any]:
        """Give the fields by name."""
        return asdict(self)

    def to_json(self) -> str:
        """Serialise the fields."""
        return json.dumps(self.to_dict())


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


def _write(s3: Any, name: str, input_uri: S3Uri, where: Places) -> S3Uri:
    manifests = Manifests(s3, where.manifests.bucket, where.manifests.key)
    where.refuse_landing(manifests.uri(name), "the manifest")
    reading = gather(s3, [input_uri], where)
    return manifests.write_once(name, reading.bucket, reading.keys).uri
