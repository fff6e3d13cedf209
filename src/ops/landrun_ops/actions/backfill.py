"""Objects whose events never came, sent through the normal path as if they had.

Each gets the *Object Created* event that S3 would have sent, put straight into the landing queue.
Its version gives its run the very name that its event would give, so whatever comes twice, late,
or from both ends finds the run that is there. Knows no screen and no clock of its own.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from itertools import islice
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import ConfigurationError, InvalidKey, InvalidS3Uri, ServiceError
from landrun.models.landing import LandingFilter, check_key
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import shown
from landrun_ops.stack.object_versions import Version, Versions
from landrun_ops.stack.processed_versions import Knows

REASON = "landrun backfill"
"""What the events say for why they are sent, where S3 says ``PutObject``."""

CHUNK = 1000
"""Objects that are judged at a time: a page of S3's listing."""

BATCH = 10
"""Messages of one SendMessageBatch (SQS API)."""

KEPT = 100_000
"""Objects to send that are kept in memory after counting; of more, S3 is asked again."""

ATTEMPTS = 8
"""How often a message that SQS does not take for now is sent, over about a minute."""

Pause = Callable[[float], None]


@dataclass
class Survey:
    """What there is under a prefix, and what of it is to be sent.

    Attributes
    ----------
    objects, bytes : int
        Current versions, and their sizes.
    left_out : Counter
        How many are not sent because they would start no run, by `Filter.why_ignored`'s labels,
        ``unreadable-key``, ``archived`` or ``forgotten``.
    known : int
        How many are not sent because they have a run, or wait for one.
    to_send : int
        The others.
    unversioned : int
        How many objects have no version id.
    kept : list of Version
        The first `KEPT` of those to send.
    """

    objects: int = 0
    bytes: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    known: int = 0
    to_send: int = 0
    unversioned: int = 0
    kept: list[Version] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether all that is to be sent is kept."""
        return self.to_send == len(self.kept)


@dataclass(frozen=True)
class Backfill:
    """Finds what to send.

    Attributes
    ----------
    versions : Versions
        The door to S3.
    under : S3Uri
        What is looked at.
    wanted : Filter
        Which objects start runs.
    knows : Knows
        Which of them have a run.
    missing : bool
        Whether those are left out.
    """

    versions: Versions
    under: S3Uri
    wanted: LandingFilter
    knows: Knows
    missing: bool

    def survey(self, after: str = "") -> Iterator[Survey]:
        """Count what there is after a key; gives the same count again and again as it grows.

        Raises
        ------
        ServiceError
            When AWS refuses a call or cannot be reached.
        """
        found = Survey()
        yield found
        for chunk in self._chunks(after):
            send = self._judge(chunk, found)
            found.to_send += len(send)
            found.kept += send[: KEPT - len(found.kept)]
            yield found

    def to_send(self, survey: Survey, after: str = "") -> Iterator[Version]:
        """Give what is to be sent, in the order of keys; it may have grown since it was counted.

        Raises
        ------
        ServiceError
            When AWS refuses a call or cannot be reached.
        """
        if survey.is_whole:
            yield from survey.kept
            return
        for chunk in self._chunks(after):
            yield from self._judge(chunk, Survey())

    def _chunks(self, after: str) -> Iterator[list[Version]]:
        found = self.versions.current(self.under, after)
        while chunk := list(islice(found, CHUNK)):
            yield chunk

    def _judge(self, chunk: Sequence[Version], counts: Survey) -> list[Version]:
        reasons = [why_left_out(self.wanted, self.under.bucket, one) for one in chunk]
        ours = [one for one, reason in zip(chunk, reasons, strict=True) if reason is None]
        # Without a version id nobody knows a run's name: to send all would run some twice.
        asked = [one for one in ours if self.missing or one.version_id is None]
        known = self.knows.among(asked)
        forgotten = {one.key for one in asked if self.knows.may_have_forgotten(one)} - known
        counts.objects += len(chunk)
        counts.bytes += sum(one.size for one in chunk)
        counts.left_out.update(reason for reason in reasons if reason)
        counts.left_out.update({"forgotten": len(forgotten)} if forgotten else {})
        counts.known += len(known)
        counts.unversioned += sum(one.version_id is None for one in ours)
        return [one for one in ours if one.key not in known and one.key not in forgotten]


def why_left_out(wanted: LandingFilter, bucket: str, version: Version) -> str | None:
    """Say why an object would start no run, as a short label; None when it would."""
    reason = wanted.why_ignored(bucket, version.key, version.size)
    if reason:
        return reason
    try:
        check_key(version.key)
    except InvalidKey:
        return "unreadable-key"
    return "archived" if version.archived else None


def place(text: str, landing: S3Uri) -> S3Uri:
    """Read what to look at: the landing bucket, and of it what is under the landing prefix.

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


def object_created(bucket: str, version: Version, queue_arn: str) -> dict[str, Any]:
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
    """Puts events into the landing queue at a bounded rate.

    Attributes
    ----------
    client : SQS client
        boto3's.
    queue_url, queue_arn : str
        The landing queue.
    rate : int
        Messages a second, at most.
    clock : callable
        Seconds that never go back.
    sleep : callable
        Waits so many seconds.
    """

    client: Any
    queue_url: str
    queue_arn: str
    rate: int
    clock: Callable[[], float]
    sleep: Pause

    def send(self, bucket: str, versions: Iterator[Version]) -> Iterator[list[Version]]:
        """Send the events of versions; gives each batch once SQS has taken all of it.

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
