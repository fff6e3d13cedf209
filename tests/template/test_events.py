"""events/: each payload is whole, belongs to a function, and is explained."""

from __future__ import annotations

import hashlib
import re

SCHEDULED = ("schedule-", "reconcile-")
QUEUED = ("object-", "execution-", "slot-")


def test_every_payload_is_for_a_function_and_a_batch_as_sqs_gives_it(root, load_event):
    for path in (root / "events").glob("*.json"):
        records = load_event(path.stem).get("Records", [])
        assert path.stem.startswith(QUEUED if records else SCHEDULED)
        for record in records:
            assert record["eventSource"] == "aws:sqs"
            assert hashlib.md5(record["body"].encode()).hexdigest() == record["md5OfBody"]
            assert {"receiptHandle", "attributes", "messageAttributes"} <= record.keys()
        assert len({record["messageId"] for record in records}) == len(records) <= 10


def test_every_payload_is_explained_and_nothing_else_is(root):
    explained = (root / "events/README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| ([a-z]+-[\w-]*) \|", explained, re.M)
    assert sorted(named) == sorted(path.stem for path in (root / "events").glob("*.json"))
