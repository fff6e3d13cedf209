"""What lands: versions of objects, their *Object Created* events, and their messages in a batch."""

import copy
import itertools
import json
from hashlib import md5

from .stack import events, message


class Landed:
    """One version of one object that was put; ``expected`` says whether it must be processed."""

    def __init__(self, event, expected):
        self.event, self.expected, self.sent = event, expected, 0
        said = event["detail"]["object"]
        self.key, version_id = said["key"], said.get("version-id")
        known = None if version_id == "null" else version_id
        self.identity = identity(self.key, known, said.get("sequencer"))

    @property
    def body(self):
        return json.dumps(self.event)


def identity(key, version_id, sequencer):
    """Give key, and version id or the sequencer as it compares: right-padded with zeros."""
    return key, version_id or str(sequencer).ljust(64, "0")


def sequencers():
    """Give sequencers as S3 does: they grow, but neither as numbers nor in equal length."""
    for number in itertools.count(1):
        yield f"006B02A4{number:08X}{'5C' * (number % 4)}".rstrip("0")


def object_created(time, bucket, body, **said):
    """Make the event of an object: that of events/object-created.json, with what is ``said``."""
    event = message("object-created")
    event["time"] = time
    event["detail"]["bucket"]["name"] = bucket
    event["detail"]["object"] |= {"size": len(body), "etag": md5(body).hexdigest(), **said}
    return event


def record(queued):
    """Make a record of a batch of a message, as Lambda does."""
    sample = copy.deepcopy(events("object-created")["Records"][0])
    sample["attributes"]["ApproximateReceiveCount"] = str(queued.receives)
    return sample | {"messageId": queued.id, "body": queued.body}
