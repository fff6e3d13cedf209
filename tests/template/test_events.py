"""events/: each payload is whole, belongs to a function, and is explained."""

from __future__ import annotations

import hashlib
import re

FUNCTION_OF = {
    "object": "ObjectCreatedFunction",
    "schedule": "ScheduleFunction",
    "execution": "ExecutionStatusFunction",
    "slot": "ExecutionStatusFunction",
    "reconcile": "ReconcileFunction",
}
SCHEDULED = {"ScheduleFunction", "ReconcileFunction"}


def test_every_payload_is_for_a_function_and_a_batch_as_sqs_gives_it(root, load_event):
    for path in (root / "events").glob("*.json"):
        event = load_event(path.stem)
        function = FUNCTION_OF[path.stem.partition("-")[0]]
        assert ("Records" in event) == (function not in SCHEDULED), path.stem
        records = event.get("Records", [])
        for record in records:
            assert record["eventSource"] == "aws:sqs"
            assert hashlib.md5(record["body"].encode()).hexdigest() == record["md5OfBody"]
            assert {"receiptHandle", "attributes", "messageAttributes"} <= record.keys()
        assert len({record["messageId"] for record in records}) == len(records) <= 10


def test_every_payload_is_explained_and_nothing_else_is(root):
    explained = (root / "events/README.md").read_text(encoding="utf-8")
    named = re.findall(rf"^\| ((?:{'|'.join(FUNCTION_OF)})[\w-]*) \|", explained, re.M)
    assert sorted(named) == sorted(path.stem for path in (root / "events").glob("*.json"))
