"""What lands: versions of objects, their *Object Created* events, and their messages in a batch."""

from __future__ import annotations

import copy
import itertools
import json
from dataclasses import dataclass
from hashlib import md5
from typing import Any

from .stack import events


@dataclass(eq=False)
class Landed:
    """One version of one object that was put; ``expected`` says whether it must be processed."""

    key: str
    version_id: str | None
    sequencer: str | None
    event: dict[str, Any]
    expected: bool = True
    sent: int = 0

    @classmethod
    def of(cls, event, *, expected):
        said = event["detail"]["object"]
        version_id = said.get("version-id")
        known = None if version_id in ("", "null") else version_id
        return cls(said["key"], known, said.get("sequencer"), event, expected)

    @property
    def body(self):
        return json.dumps(self.event)

    @property
    def version(self):
        """What the run's name has of it, as in `landrun.models.landing.Landing`."""
        return self.version_id or f"sequencer:{self.sequencer}"

    @property
    def identity(self):
        """Key, and version id or the sequencer as it compares: right-padded with zeros."""
        return self.key, self.version_id or str(self.sequencer).ljust(64, "0")


class Sequencers:
    """Sequencers as S3 gives them: they grow, but neither as numbers nor in equal length."""

    def __init__(self, random):
        self._random = random
        self._numbers = itertools.count(random.randrange(1, 4096))

    def __next__(self):
        number = f"006B02A4{next(self._numbers):08X}"
        tail = "".join(self._random.choices("0123456789ABCDEF", k=2 * self._random.randrange(4)))
        return (number + tail).rstrip("0")


def object_created(bucket, key, body, **said):
    """Make the event of an object: that of events/object-created.json, with what is ``said``."""
    event: dict[str, Any] = copy.deepcopy(_SAMPLE)
    event["time"] = said["time"]
    event["detail"]["bucket"]["name"] = bucket
    event["detail"]["object"] |= {
        "key": key,
        "size": len(body),
        "etag": md5(body).hexdigest(),
        "version-id": said["version_id"],
        "sequencer": said["sequencer"],
    }
    return event


def record(message):
    sample = events("object-created")["Records"][0]
    attributes = sample["attributes"] | {"ApproximateReceiveCount": str(message.receives)}
    return sample | {"messageId": message.id, "body": message.body, "attributes": attributes}


_SAMPLE = json.loads(events("object-created")["Records"][0]["body"])
