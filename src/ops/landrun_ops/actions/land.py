"""Put files under the landing prefix, and follow the runs that read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landrun.adapters.clients import translated
from landrun.errors import ConfigurationError, InvalidKey
from landrun.models.landing import check_key
from landrun.models.run import landing_run_name
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import one_line, shown
from landrun.services.collect_landings import at_once
from landrun_ops.stack.clients import TRANSFER
from landrun_ops.stack.landings import LandingsTable
from landrun_ops.stack.object_status import IGNORED, first_run_of

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord
    from landrun_ops.stack.stack import Stack

NAMED = 3
"""Files that are named when some would be ignored."""

LONGEST_PAUSE = 5.0
"""Seconds between two looks at the runs table."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file, and the key under which it is to land."""

    path: Path
    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Landed:
    """A file that has landed.

    Attributes
    ----------
    version_id : str
        S3's; empty if the bucket keeps no versions.
    at : datetime
        When the upload began.
    run : str
        The name of the run that it starts; empty if a tick decides that.
    """

    upload: Upload
    uri: S3Uri
    version_id: str
    at: datetime
    run: str


def plan(stack: Stack, paths: Sequence[Path], prefix: str = "") -> list[Upload]:
    """Decide under which keys files land; a folder's keep their paths inside it.

    Parameters
    ----------
    prefix : str
        A folder below the landing prefix.

    Raises
    ------
    ConfigurationError
        When there is no such file, two would have the same key, or one would start no run.
    """
    root = stack.landing.key + (f"{prefix.strip('/')}/" if prefix.strip("/") else "")
    uploads = [
        Upload(file, f"{root}{name}", file.stat().st_size)
        for path in paths
        for file, name in _files(path)
    ]
    keys: dict[str, Path] = {}
    for upload in uploads:
        other = keys.setdefault(upload.key, upload.path)
        if other != upload.path:
            raise ConfigurationError(
                f"{other} and {upload.path} would both be {shown(upload.key)}: land them apart,"
                " with --prefix"
            )
    refused = [(one, why) for one in uploads if (why := why_refused(stack, one))]
    if refused:
        named = "; ".join(f"{one_line(str(one.path))}: {why}" for one, why in refused[:NAMED])
        more = f"; and {len(refused) - NAMED:,} more" if len(refused) > NAMED else ""
        raise ConfigurationError(f"nothing has landed, for no run would start: {named}{more}")
    return uploads


def _files(path: Path) -> list[tuple[Path, str]]:
    """Return a file, or the files in a folder at any depth, each with its name below the prefix."""
    if path.is_file():
        return [(path, path.name)]
    if not path.is_dir():
        raise ConfigurationError(f"{path} is no file and no folder")
    found = sorted(one for one in path.rglob("*") if one.is_file())
    if not found:
        raise ConfigurationError(f"the folder {path} has no files")
    return [(one, one.relative_to(path).as_posix()) for one in found]


def why_refused(stack: Stack, upload: Upload) -> str:
    """Return why the object would start no run, and what to do; empty if it starts one."""
    reason = stack.landing_filter().why_ignored(stack.landing.bucket, upload.key, upload.size)
    if reason:
        why, remedy = IGNORED[reason]
        return f"{why}; {remedy.format(landing=stack.landing)}".removesuffix("; ")
    try:
        check_key(upload.key)
    except InvalidKey as error:
        return str(error)
    return ""


def land(stack: Stack, upload: Upload, moved: Callable[[int], None]) -> Landed:
    """Upload a file, in parts if it is large; the bucket's own default encryption applies.

    Parameters
    ----------
    moved : callable
        Is called, by several threads, with how many more bytes have been sent.

    Raises
    ------
    ConfigurationError
        When the file cannot be read.
    ServiceError
        When S3 refuses a call or cannot be reached.
    """
    client, bucket, at = stack.client("s3", TRANSFER), stack.landing.bucket, datetime.now(UTC)
    versions: list[str] = []

    def note(parsed: dict[str, Any], **_: Any) -> None:
        versions.append(parsed.get("VersionId", ""))

    answers = [f"after-call.s3.{call}" for call in ("PutObject", "CompleteMultipartUpload")]
    for answer in answers:
        client.meta.events.register(answer, note)
    try:
        with upload.path.open("rb") as file, translated("s3:PutObject"):
            client.upload_fileobj(file, bucket, upload.key, Callback=moved)
    except OSError as error:
        raise ConfigurationError(f"cannot read {upload.path}: {error.strerror}") from error
    finally:
        for answer in answers:
            client.meta.events.unregister(answer, note)
    version = versions[-1] if versions[-1] != "null" else ""
    named = version and stack.output("StartOn") == "arrival"
    prefix = stack.output("JobNamePrefix")
    run = landing_run_name(prefix, bucket, upload.key, version) if named else ""
    return Landed(upload, S3Uri(bucket, upload.key), version, at, run)


def follow(
    stack: Stack, landed: Iterable[Landed], sleep: Callable[[float], None]
) -> Iterator[tuple[list[Landed], list[RunRecord]]]:
    """Look for the runs of what landed until all have ended.

    Yields
    ------
    list of Landed, list of RunRecord
        After each look: the landings whose run has not ended, and the runs that have ended since
        the last look. A tick's run may have read several.

    Raises
    ------
    ServiceError
        When AWS refuses a call or cannot be reached.
    """
    pending, ended, pause = list(landed), dict[str, "RunRecord"](), 0.5
    while True:
        runs = list(zip(pending, at_once(lambda one: run_of(stack, one), pending), strict=True))
        pending = [one for one, run in runs if run is None or not run.finished]
        fresh = {run.name: run for _, run in runs if run and run.finished}
        yield pending, [run for name, run in fresh.items() if name not in ended]
        if not pending:
            return
        ended |= fresh
        sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 1.5)


def run_of(stack: Stack, landed: Landed) -> RunRecord | None:
    """Return the run of a landing as the runs table has it; None if there is none yet."""
    ledger = stack.ledger()
    if landed.run:
        return ledger.get(landed.run)
    if stack.output("StartOn") == "arrival":  # of an object without a version id
        return first_run_of(ledger, landed.uri, landed.at, None, datetime.now(UTC))
    table = LandingsTable(stack.client("dynamodb"), stack.output("LandingsTable"))
    known = table.of_keys(landed.uri.bucket, [landed.uri.key]).get(landed.uri.key)
    if known is None or not known.newest_done:
        return None
    is_older = known.version_id != landed.version_id and not known.is_since(landed.at)
    return None if is_older else ledger.get(known.done_run)
