"""What AWS takes, as its references say: every request of a function is held against it.

moto takes much that AWS refuses. A request that AWS refuses comes again until its message is dead.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal

ITEM_BYTES = 409_600
NESTING = 32
INPUT_BYTES = MESSAGE_BYTES = 262_144
METADATA_BYTES = 2048
KEY_BYTES = 1024
LINE = 32_000
"""Characters of a log line: an event of CloudWatch Logs has 262,144 bytes at most."""

_BUCKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}|outputs")
_EXECUTION = re.compile(r"[a-zA-Z0-9-]{1,80}")
_JOB = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_LINK = re.compile(r"(?<!s3)://|www\.|[<>]", re.IGNORECASE)
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def check(operation, given):
    """Fail when AWS would refuse the request, or a person could be taken in by it."""
    match operation:
        case "PutObject" | "GetObject" | "ListObjectsV2":
            _check_s3(given)
        case "StartExecution":
            assert _EXECUTION.fullmatch(given["name"])
            assert len(given["input"].encode()) <= INPUT_BYTES
            json.loads(given["input"])
        case "PutItem":
            _check_item(given["Item"])
        case "UpdateItem":
            values = given["ExpressionAttributeValues"].items()
            _check_item(given["Key"] | {name[1:]: value for name, value in values})
        case "Publish":
            _check_mail(given["Subject"], given["Message"])
        case "SendMessage":
            _check_message(given)
        case "DescribeProcessingJob":
            assert _JOB.fullmatch(given["ProcessingJobName"])


def _check_s3(given):
    assert _BUCKET.fullmatch(given["Bucket"])
    assert len(given.get("Key", given.get("Prefix", "")).encode()) <= KEY_BYTES
    metadata = "".join(name + text for name, text in given.get("Metadata", {}).items())
    assert metadata.isascii()
    assert metadata.isprintable()
    assert len(metadata) <= METADATA_BYTES


def _check_item(item):
    """See "Supported data types and naming rules" and "Item sizes and formats" of DynamoDB."""
    size = sum(len(name.encode()) + _size(value, NESTING) for name, value in item.items())
    assert size <= ITEM_BYTES
    for name in ("name", "id", "unfinished", "month", "started_at", "waiting"):
        assert 0 < len(item.get(name, {"S": "x"})["S"].encode()) <= KEY_BYTES


def _size(value, levels):
    assert levels > 0, "nested too deep"
    [(kind, content)] = value.items()
    match kind:
        case "M":
            assert all(0 < len(name.encode()) <= 65_535 for name in content)
            return 3 + sum(
                1 + len(name.encode()) + _size(one, levels - 1) for name, one in content.items()
            )
        case "L":
            return 3 + sum(1 + _size(one, levels - 1) for one in content)
        case "S":
            return len(content.encode())
        case "N":
            number = Decimal(content)
            assert len(number.as_tuple().digits) <= 38
            assert not number or Decimal("1E-130") <= abs(number) < Decimal("1E+126")
            return 21
    return 1


def _check_mail(subject, message):
    assert 0 < len(subject) < 100
    assert subject.isascii()
    assert subject.isprintable()
    assert len(message.encode()) <= MESSAGE_BYTES
    assert all(line.isprintable() for line in message.split("\n"))
    assert not _LINK.search(subject + message), "a mail would have a link or a tag"


def _check_message(given):
    body, texts = given["MessageBody"], []
    for name, attribute in given["MessageAttributes"].items():
        texts += [name, attribute["DataType"], attribute["StringValue"]]
    assert all([body, *texts])
    assert "".join(texts).isprintable()
    assert not any(map(_NO_XML.search, [body, *texts]))
    most = max(MESSAGE_BYTES, len(body.encode()) + 2000)
    assert sum(len(text.encode()) for text in [body, *texts]) <= most


def logged(text):
    """Read what a function wrote: every line is one object, short, and of printable characters."""
    assert not text or text.endswith("\n")
    lines = text.split("\n")[:-1]
    assert all(line.isprintable() and len(line) <= LINE for line in lines)
    return [json.loads(line) for line in lines]
