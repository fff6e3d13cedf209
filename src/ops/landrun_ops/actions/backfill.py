"""Send objects whose events never arrived through the normal path.

For each object, the *Object Created* event that S3 would have sent is put into the landing queue.
The run's name is made of the object's version, as for the lost event, so a late or repeated event
finds that run and starts no second one.
"""

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.landings_table import KEPT
from landrun.adapters.runs_table import RunsTable
from landrun.errors import ConfigurationError, ServiceError
from landrun.models.run import is_run_name, landing_run_name
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import shown
from landrun_ops.stack.landings import TOLERANCE, event_time, landings_of, why_ignored
from landrun_ops.stack.object_versions import ObjectVersion, current_versions
from landrun_ops.stack.runs_table import RunFilter
from landrun_ops.stack.stack import Stack

LANDED = RunFilter(kind="object-created")


@dataclass
class Survey:
    """The objects under a prefix, and which of them to send.

    ``known`` objects have a run, or wait for one; others are ``left_out`` for a reason.
    ``first`` are the first keys to send.
    """

    objects: int = 0
    bytes: int = 0
    known: int = 0
    to_send: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    first: list[str] = field(default_factory=list)


class Backfill:
    """Finds the objects to send under a prefix; with ``missing``, only those without a run.

    Every method raises ServiceError when AWS refuses a call.
    """

    def __init__(self, stack: Stack, under: S3Uri, now: datetime, *, missing: bool) -> None:
        self._stack, self._under, self._now, self._missing = stack, under, now, missing

    def find(self, counts: Survey) -> Iterator[list[ObjectVersion]]:
        """Yield the objects to send in batches, in the order of keys, and count all of them."""
        versions = current_versions(self._stack.client("s3"), self._under)
        wanted, collects = self._stack.landing_filter(), self._stack.output("StartOn") == "schedule"
        # The landings table forgets landings that a scheduled run has read.
        remembered = self._now - KEPT if collects else datetime.min.replace(tzinfo=UTC)
        while chunk := list(islice(versions, 1000)):
            ours = list[ObjectVersion]()
            for one in chunk:
                counts.objects += 1
                counts.bytes += one.size
                why = why_ignored(wanted, self._under.bucket, one.key, one.size)
                if why := why or ("archived" if one.archived else None):
                    counts.left_out[why] += 1
                else:
                    ours.append(one)
            # Without version ids the runs' names are unknown: sending all would run some twice.
            asked = [one for one in ours if self._missing or one.version_id is None]
            known = self.processed(asked)
            forgotten = {one.key for one in asked if one.modified < remembered} - known
            send = [one for one in ours if one.key not in known | forgotten]
            counts.left_out.update("older-than-400-days" for _ in forgotten)
            counts.known += len(known)
            counts.to_send += len(send)
            counts.first += [one.key for one in send[: 1000 - len(counts.first)]]
            yield send

    def processed(self, versions: Sequence[ObjectVersion]) -> set[str]:
        """Return the keys whose given versions have a run, or wait for one.

        Without a version id the run cannot be named: then a run or landing of the key at the
        object's time or later counts.
        """
        stack, bucket = self._stack, self._under.bucket
        named = {
            landing_run_name(prefix, bucket, one.key, one.version_id): one.key
            for one in versions
            if one.version_id
            for prefix in self._prefixes
        }
        runs = RunsTable(stack.client("dynamodb"), stack.output("RunsTable"))
        known = {named[name] for name in runs.find_progress(list(named))}
        landed = landings_of(stack, bucket, [one.key for one in versions])
        for one in versions:
            record = landed.get(one.key)
            time = None if one.version_id else self._by_key.get(one.key)
            is_landed = record is not None and record.is_of(one.version_id, one.modified)
            if is_landed or (time and time >= one.modified - TOLERANCE):
                known.add(one.key)
        return known

    @cached_property
    def _prefixes(self) -> set[str]:
        """Return the prefixes of run names: today's, and those before JobNamePrefix was changed."""
        runs = self._stack.runs_reader().newest(self._now, only=LANDED)
        names = [run.name for run in islice(runs, 5000) if is_run_name(run.name)]
        return {self._stack.output("JobNamePrefix"), *(one.rpartition("-")[0] for one in names)}

    @cached_property
    def _by_key(self) -> dict[str, datetime]:
        """Return when each object last had a run, by key; reads the whole runs table."""
        found: dict[str, datetime] = {}
        for run in self._stack.runs_reader().newest(self._now, only=LANDED):
            time = event_time(run.trigger.get("EventTime"))
            if time and run.trigger.get("Bucket") == self._under.bucket:
                key = str(run.trigger.get("Key", ""))
                found[key] = max(time, found.get(key, time))
        return found


def under_landing(text: str, landing: S3Uri) -> S3Uri:
    """Parse the URI of a backfill: it must lie under the landing prefix.

    Raises ConfigurationError when nothing there starts a run.
    """
    asked = S3Uri.parse(text)
    if asked.bucket == landing.bucket and asked.key.startswith(landing.key):
        return asked
    if asked.bucket == landing.bucket and landing.key.startswith(asked.key):
        return landing
    raise ConfigurationError(
        f"{shown(str(asked))} is not under {landing}: nothing there starts a run by itself; for a"
        " run over it: landrun start"
    )


def object_created(bucket: str, version: ObjectVersion, queue_arn: str) -> dict[str, Any]:
    """Make the event that S3 would have sent (Amazon S3 user guide, "EventBridge")."""
    partition, _, region, account = queue_arn.split(":")[1:5]
    versioned = {"version-id": version.version_id} if version.version_id else {}
    about = {"key": version.key, "size": version.size, "sequencer": version.sequencer, **versioned}
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
            "object": about,
            "requester": account,
            "reason": "landrun backfill",  # where S3 says PutObject
        },
    }


def send(
    client: Any,
    queue_url: str,
    events: Iterator[dict[str, Any]],
    rate: int,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[int]:
    """Send events to a queue, at most ``rate`` a second; yield how many SQS has accepted.

    Raises ServiceError when SQS refuses a message or a call; accepted messages stay sent.
    """
    began, sent = clock(), 0
    while batch := list(islice(events, min(10, rate))):
        sleep(max(0.0, began + sent / rate - clock()))
        entries = [{"Id": str(n), "MessageBody": json.dumps(one)} for n, one in enumerate(batch)]
        with translated("sqs:SendMessageBatch"):
            answer = client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        for one in answer.get("Failed", ()):
            raise ServiceError("sqs:SendMessageBatch", one["Code"], one.get("Message", ""))
        sent += len(batch)
        yield sent
