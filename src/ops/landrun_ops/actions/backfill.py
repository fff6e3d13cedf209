"""Send objects whose events never arrived through the normal path.

Each gets the *Object Created* event that S3 would have sent, put straight into the landing queue.
Its version gives its run the name that the lost event would have given, so that an event that comes
late, or twice, finds the run that is there.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from landrun.adapters.clients import translated
from landrun.adapters.runs_table import RunsTable
from landrun.errors import ConfigurationError, InvalidKey, InvalidS3Uri, ServiceError
from landrun.models.landing import LandingFilter, check_key
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import shown
from landrun_ops.stack.landings import LandingsTable
from landrun_ops.stack.object_versions import ObjectVersion, ObjectVersions
from landrun_ops.stack.processed_versions import ProcessedVersions

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

REASON = "landrun backfill"
"""The events' ``reason``, where S3 says ``PutObject``."""

CHUNK = 1000
"""Objects that are judged at a time: a page of S3's listing."""

BATCH = 10
"""Messages of one SendMessageBatch (SQS API)."""

KEPT = 100_000
"""Objects to send that are kept in memory after counting; of more, S3 is asked again."""

ATTEMPTS = 8
"""How often a message that SQS does not take for now is sent, over about a minute."""


@dataclass
class Survey:
    """What there is under a prefix, and what of it is to be sent.

    Attributes
    ----------
    objects, bytes : int
        Current versions, and their sizes.
    left_out : Counter
        Objects that would start no run, by `LandingFilter.why_ignored`'s labels,
        ``unreadable-key``, ``archived`` or ``forgotten``.
    known : int
        Objects that have a run, or wait for one.
    to_send : int
        The others.
    unversioned : int
        Objects without a version id.
    kept : list of ObjectVersion
        The first `KEPT` of those to send.
    """

    objects: int = 0
    bytes: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    known: int = 0
    to_send: int = 0
    unversioned: int = 0
    kept: list[ObjectVersion] = field(default_factory=list)


@dataclass(frozen=True)
class Backfill:
    """Finds what to send; with ``missing``, only what has no run.

    Raises
    ------
    ServiceError
        By every method, when AWS refuses a call or cannot be reached.
    """

    versions: ObjectVersions
    under: S3Uri
    wanted: LandingFilter
    processed: ProcessedVersions
    missing: bool

    def survey(self, after: str = "") -> Iterator[Survey]:
        """Count what there is after a key; yields the same count again and again as it grows."""
        found = Survey()
        yield found
        for chunk in self._chunks(after):
            send = self._judge(chunk, found)
            found.to_send += len(send)
            found.kept += send[: KEPT - len(found.kept)]
            yield found

    def to_send(self, survey: Survey, after: str = "") -> Iterator[ObjectVersion]:
        """Give what is to be sent, in the order of keys; it may have grown since it was counted."""
        if survey.to_send == len(survey.kept):
            yield from survey.kept
            return
        for chunk in self._chunks(after):
            yield from self._judge(chunk, Survey())

    def _chunks(self, after: str) -> Iterator[list[ObjectVersion]]:
        found = self.versions.current(self.under, after)
        while chunk := list(islice(found, CHUNK)):
            yield chunk

    def _judge(self, chunk: Sequence[ObjectVersion], counts: Survey) -> list[ObjectVersion]:
        reasons = [why_left_out(self.wanted, self.under.bucket, one) for one in chunk]
        ours = [one for one, reason in zip(chunk, reasons, strict=True) if reason is None]
        # Without a version id a run's name is not known: to send all would run some twice.
        asked = [one for one in ours if self.missing or one.version_id is None]
        known = self.processed.among(asked)
        forgotten = {one.key for one in asked if self.processed.may_be_forgotten(one)} - known
        counts.objects += len(chunk)
        counts.bytes += sum(one.size for one in chunk)
        counts.left_out.update(reason for reason in reasons if reason)
        counts.left_out.update({"forgotten": len(forgotten)} if forgotten else {})
        counts.known += len(known)
        counts.unversioned += sum(one.version_id is None for one in ours)
        return [one for one in ours if one.key not in known | forgotten]


def of_stack(stack: Stack, under: S3Uri, *, missing: bool, now: datetime) -> Backfill:
    """Make the backfill of a stack."""
    dynamodb = stack.client("dynamodb")
    processed = ProcessedVersions(
        bucket=under.bucket,
        prefix=stack.output("JobNamePrefix"),
        recorded=RunsTable(dynamodb, stack.output("RunsTable")),
        landings=LandingsTable(dynamodb, stack.output("LandingsTable")),
        runs=stack.ledger(),
        now=now,
        collects=stack.output("StartOn") == "schedule",
    )
    versions = ObjectVersions(stack.client("s3"))
    return Backfill(versions, under, stack.landing_filter(), processed, missing)


def why_left_out(wanted: LandingFilter, bucket: str, version: ObjectVersion) -> str | None:
    """Return why an object would start no run, as a short label; None if it would."""
    reason = wanted.why_ignored(bucket, version.key, version.size)
    if reason:
        return reason
    try:
        check_key(version.key)
    except InvalidKey:
        return "unreadable-key"
    return "archived" if version.archived else None


def under_landing(text: str, landing: S3Uri) -> S3Uri:
    """Read what to look at: of the landing bucket, what is under the landing prefix.

    Raises
    ------
    ConfigurationError
        When it is no S3 URI, another bucket, or nothing there would start a run.
    """
    try:
        asked = S3Uri.parse(text)
    except InvalidS3Uri as error:
        raise ConfigurationError(str(error)) from error
    if asked.bucket != landing.bucket:
        raise ConfigurationError(
            f"{shown(str(asked))} is not in the landing bucket: this stack's functions may read"
            f" {landing} only; for a run over other objects: landrun start"
        )
    if asked.key.startswith(landing.key):
        return asked
    if landing.key.startswith(asked.key):
        return landing
    raise ConfigurationError(
        f"{shown(str(asked))} is not under {landing}: nothing there starts a run; name a prefix"
        " that begins so, or change LandingPrefix"
    )


def object_created(bucket: str, version: ObjectVersion, queue_arn: str) -> dict[str, Any]:
    """Make the event that S3 would have sent (Amazon S3 user guide, "EventBridge")."""
    partition, _, region, account = queue_arn.split(":")[1:5]
    described = {
        "key": version.key,
        "size": version.size,
        "etag": version.etag,
        "sequencer": version.sequencer,
    }
    if version.version_id:
        described["version-id"] = version.version_id
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": account,
        "time": f"{version.modified.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": region,
        "resources": [f"arn:{partition}:s3:::{bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": described,
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": account,
            "reason": REASON,
        },
    }


@dataclass(frozen=True)
class Sender:
    """Puts events into the landing queue, at most ``rate`` a second.

    ``client`` is boto3's of SQS, ``clock`` counts seconds and never goes back.
    """

    client: Any
    queue_url: str
    queue_arn: str
    rate: int
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def send(self, bucket: str, versions: Iterator[ObjectVersion]) -> Iterator[list[ObjectVersion]]:
        """Send the events of versions; yields each batch once SQS has taken all of it.

        Raises
        ------
        ServiceError
            When SQS refuses a message for good, or a call, or cannot be reached.
        """
        began, sent = self.clock(), 0
        while batch := list(islice(versions, min(BATCH, self.rate))):
            self.sleep(max(0.0, began + sent / self.rate - self.clock()))
            self._batch([object_created(bucket, one, self.queue_arn) for one in batch])
            sent += len(batch)
            yield batch

    def _batch(self, events: Sequence[dict[str, Any]]) -> None:
        """Send a batch; SQS may take some of it only."""
        left = {str(n): json.dumps(event) for n, event in enumerate(events)}
        refused: dict[str, Any] = {}
        for attempt in range(ATTEMPTS):
            with translated("sqs:SendMessageBatch"):
                answer = self.client.send_message_batch(
                    QueueUrl=self.queue_url,
                    Entries=[{"Id": name, "MessageBody": body} for name, body in left.items()],
                )
            left = {one["Id"]: left[one["Id"]] for one in answer.get("Failed", ())}
            if not left:
                return
            refused = answer["Failed"][0]
            if refused.get("SenderFault"):
                break
            self.sleep(min(20.0, 0.5 * 2**attempt))
        raise ServiceError("sqs:SendMessageBatch", refused["Code"], refused.get("Message", ""))
