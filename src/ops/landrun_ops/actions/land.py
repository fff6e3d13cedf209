"""Put files under the landing prefix, and find the runs that read them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import ConfigurationError
from landrun.models.run import landing_run_name
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import one_line, shown
from landrun_ops.stack.clients import TRANSFER
from landrun_ops.stack.landings import IGNORED, landings_of, why_ignored
from landrun_ops.stack.object_status import first_run_of
from landrun_ops.stack.stack import Stack


@dataclass(frozen=True, slots=True)
class Upload:
    """A file, and the key under which it is to land."""

    path: Path
    key: str

    @property
    def size(self) -> int:
        """The file's size in bytes."""
        return self.path.stat().st_size


@dataclass(frozen=True, slots=True)
class Landed:
    """A file that has landed.

    ``version_id`` is empty if the bucket keeps no versions, and ``at`` is when the upload began.
    ``run`` is the name of the run that it starts; empty if that is not known in advance.
    """

    upload: Upload
    uri: S3Uri
    version_id: str
    at: datetime
    run: str

    def facts(self) -> dict[str, Any]:
        """Return the fields that ``landrun land --json`` shows."""
        return {
            "file": str(self.upload.path),
            "uri": str(self.uri),
            "bytes": self.upload.size,
            "version_id": self.version_id or None,
            "run": self.run or None,
        }


def plan(stack: Stack, paths: Sequence[Path], prefix: str = "") -> list[Upload]:
    """Decide under which keys files land; files of a folder keep their paths inside it.

    ``prefix`` is a folder below the landing prefix. Raises ConfigurationError when there is no such
    file, two would have the same key, or one would start no run.
    """
    root = stack.landing.key + (f"{prefix.strip('/')}/" if prefix.strip("/") else "")
    uploads = [Upload(file, f"{root}{name}") for path in paths for file, name in files(path)]
    paths_of = {upload.key: upload.path for upload in uploads}
    for one in uploads:
        if (other := paths_of[one.key]) != one.path:
            raise ConfigurationError(
                f"{one.path} and {other} would both be {shown(one.key)}: use --prefix for one"
            )
    check(stack, uploads)
    return uploads


def files(path: Path) -> list[tuple[Path, str]]:
    """Return a file, or the files in a folder at any depth, each with its name below the prefix.

    Raises ConfigurationError when there is none.
    """
    if path.is_file():
        return [(path, path.name)]
    found = sorted(one for one in path.rglob("*") if one.is_file())
    if not found:
        what = "has no files" if path.is_dir() else "does not exist"
        raise ConfigurationError(f"{path} {what}: name a file, or a folder of files")
    return [(one, one.relative_to(path).as_posix()) for one in found]


def check(stack: Stack, uploads: Sequence[Upload]) -> None:
    """Raise ConfigurationError if one of the files would start no run, with the reason."""
    wanted, landing = stack.landing_filter(), stack.landing
    for one in uploads:
        if label := why_ignored(wanted, landing.bucket, one.key, one.size):
            why, remedy = IGNORED[label]
            raise ConfigurationError(
                f"nothing has landed, for no run would start: {one_line(str(one.path))}: {why};"
                f" {remedy.format(landing=landing)}"
            )


def land(stack: Stack, upload: Upload, moved: Callable[[int], None] | None = None) -> Landed:
    """Upload a file, in parts if it is large; the bucket's own default encryption applies.

    ``moved`` is called, by several threads, with how many more bytes have been sent. Raises
    ConfigurationError when the file cannot be read, ServiceError when S3 refuses a call.
    """
    client, bucket, at = stack.client("s3", TRANSFER), stack.landing.bucket, datetime.now(UTC)
    versions: list[str] = []

    def note(parsed: dict[str, Any], **_: Any) -> None:
        versions.append(parsed.get("VersionId", ""))

    client.meta.events.register("after-call.s3", note)
    try:
        with upload.path.open("rb") as file, translated("s3:PutObject"):
            client.upload_fileobj(file, bucket, upload.key, Callback=moved)
    except OSError as error:
        raise ConfigurationError(f"cannot read {upload.path}: {error.strerror}") from error
    finally:
        client.meta.events.unregister("after-call.s3", note)
    version = "" if versions[-1] == "null" else versions[-1]  # the last call's answer names it
    run = ""
    if version and stack.output("StartOn") == "arrival":
        run = landing_run_name(stack.output("JobNamePrefix"), bucket, upload.key, version)
    return Landed(upload, S3Uri(bucket, upload.key), version, at, run)


def run_of(stack: Stack, landed: Landed) -> RunRecord | None:
    """Return the run of a landing as the runs table has it; None if there is none yet.

    Raises ServiceError when DynamoDB refuses a call or cannot be reached.
    """
    runs = stack.runs_reader()
    if landed.run:
        return runs.get(landed.run)
    if stack.output("StartOn") == "arrival":  # of an object without a version id
        return first_run_of(runs, landed.uri, landed.at, None, datetime.now(UTC))
    known = landings_of(stack, landed.uri.bucket, [landed.uri.key]).get(landed.uri.key)
    if known is None or not known.newest_done:
        return None
    is_older = known.version_id != landed.version_id and not known.is_since(landed.at)
    return None if is_older else runs.get(known.done_run)
