"""A landing: one version of one object that arrived in S3, and which landings start runs."""

from dataclasses import dataclass

from landrun.errors import InvalidKey
from landrun.models.run import ObjectCreatedTrigger
from landrun.models.s3_uri import KEY_LIMIT, is_key
from landrun.sanitize import one_line, shown

FILE_NAME_LIMIT = 255
"""Bytes in one component of a path on the job's file system (Linux NAME_MAX)."""


@dataclass(frozen=True, slots=True)
class Landing:
    """One version of one object."""

    bucket: str

    key: str
    """The exact key, not URL-encoded."""

    version_id: str | None
    """S3's version id; None where the bucket keeps no versions."""

    sequencer: str | None
    """Hexadecimal order of the events of one key, as S3 gives it."""

    size: int | None
    """Bytes; None where the event does not say."""

    event_time: str
    """When the object landed, ISO 8601 in UTC."""

    @property
    def version(self) -> str:
        """Identifies this version of the key: the version id or, without one, the sequencer."""
        return self.version_id or f"sequencer:{self.sequencer}"

    @property
    def trigger(self) -> ObjectCreatedTrigger:
        """The trigger of the run that this landing starts."""
        return ObjectCreatedTrigger(
            Bucket=self.bucket,
            Key=self.key,
            VersionId=self.version_id,
            Sequencer=self.sequencer,
            Size=self.size,
            EventTime=self.event_time,
        )


@dataclass(frozen=True, slots=True)
class LandingFilter:
    """Which objects start runs: those whose key begins with ``prefix`` and ends with ``suffix``.

    ``own`` has the buckets and prefixes where landrun itself writes: an output never starts a run.
    """

    prefix: str
    suffix: str
    own: tuple[tuple[str, str], ...]

    def why_ignored(self, bucket: str, key: str, size: int | None) -> str | None:
        """Return why an object starts no run; None if it starts one.

        Reasons are ``own-output``, ``prefix``, ``folder-marker``, ``suffix`` and ``zero-bytes``.
        """
        if any(bucket == own and key.startswith(prefix) for own, prefix in self.own):
            return "own-output"
        if not key.startswith(self.prefix):
            return "prefix"
        if key.endswith("/"):
            return "folder-marker"
        if not key.endswith(self.suffix):
            return "suffix"
        return "zero-bytes" if size == 0 else None


def check_key(key: str) -> str:
    """Return a key that a container can have as a file.

    SageMaker copies each object of a manifest to the path that its key spells. Raises InvalidKey
    when no object can have the key (longer than 1,024 bytes, or half of a surrogate pair), or no
    file the path: NUL, an empty, ``.`` or ``..`` component, or one of over 255 bytes.
    """
    if not is_key(key):
        raise InvalidKey(
            f"no object has the key {shown(key)}: it is longer than {KEY_LIMIT} bytes, or holds"
            " half of a surrogate pair"
        )
    for component in key.split("/"):
        too_long = len(component.encode()) > FILE_NAME_LIMIT
        if too_long or component in ("", ".", "..") or "\0" in component:
            raise InvalidKey(
                f"no file can have the key {one_line(key)}: it has an empty, '.' or '..' component,"
                f" one of over {FILE_NAME_LIMIT} bytes, or a NUL: rename the object"
            )
    return key
