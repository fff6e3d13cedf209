"""events/: each payload is whole, belongs to a function, and is explained."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from landrun.models.run import check_run_name

ROOT = Path(__file__).resolve().parents[2]
EVENTS = sorted((ROOT / "events").glob("*.json"))
FUNCTION_OF = {
    "object": "ObjectCreatedFunction",
    "schedule": "ScheduleFunction",
    "execution": "ExecutionStatusFunction",
    "slot": "ExecutionStatusFunction",
    "reconcile": "ReconcileFunction",
}
SCHEDULED = {"ScheduleFunction", "ReconcileFunction"}
NOT_EVENTBRIDGE = ("object-created-test-event", "object-created-all-poison", "slot-requested")


@pytest.fixture(params=[path.stem for path in EVENTS])
def name(request):
    return request.param


def bodies(event):
    """Give the bodies that are JSON."""
    parsed = []
    for record in event.get("Records", []):
        try:
            parsed.append(json.loads(record["body"]))
        except ValueError:
            continue
    return parsed


def test_every_payload_is_for_a_function_and_a_batch_as_sqs_gives_it(name, source, load_event):
    function, event = FUNCTION_OF[name.partition("-")[0]], load_event(name)
    assert source["Resources"][function]["Type"] == "AWS::Serverless::Function"
    assert ("Records" in event) == (function not in SCHEDULED)
    records = event.get("Records", [])
    for record in records:
        assert record["eventSource"] == "aws:sqs"
        assert hashlib.md5(record["body"].encode()).hexdigest() == record["md5OfBody"]
        assert {"messageId", "receiptHandle", "attributes", "messageAttributes"} <= record.keys()
        assert all(isinstance(value, str) for value in record["attributes"].values())
    assert len({record["messageId"] for record in records}) == len(records) <= 10


def test_every_payload_is_explained_and_nothing_else_is():
    explained = (ROOT / "events/README.md").read_text(encoding="utf-8")
    named = re.findall(rf"^\| ((?:{'|'.join(FUNCTION_OF)})[\w-]*) \|", explained, re.M)
    assert sorted(named) == sorted(path.stem for path in EVENTS)


def test_bodies_are_events_of_eventbridge_and_name_their_execution_one_way(name, load_event):
    if name.startswith(NOT_EVENTBRIDGE):
        return
    for body in bodies(load_event(name)):
        assert body["version"] == "0"
        assert body["account"] == "123456789012"
        assert {"id", "detail-type", "source", "time", "region", "resources"} <= body.keys()
        if name.startswith("execution-"):
            detail = body["detail"]
            assert body["resources"] == [detail["executionArn"]]
            assert detail["executionArn"].endswith(f":{detail['name']}")
            assert (detail["stopDate"] is None) == (detail["status"] == "RUNNING")
            check_run_name(detail["name"])
            if detail["input"] is not None:
                assert json.loads(detail["input"])["PreprocessingJobName"] == detail["name"]


def objects(event):
    return [body["detail"]["object"] for body in bodies(event)]


def test_sequencers_of_different_length_are_in_order_only_when_padded_on_the_right(load_event):
    older, newer = objects(load_event("object-created-sequencer-lengths"))
    assert older["key"] == newer["key"]
    assert older["sequencer"].ljust(64, "0") < newer["sequencer"].ljust(64, "0")
    assert int(older["sequencer"], 16) > int(newer["sequencer"], 16)


@pytest.mark.parametrize(
    ("name", "left_out", "nulls"),
    [
        ("object-created-fewest-fields", {"size", "etag", "version-id"}, set()),
        ("object-created-without-sequencer", {"sequencer"}, set()),
        ("object-created-unversioned", {"version-id"}, set()),
        ("object-created-nulls", set(), {"size", "etag", "version-id"}),
    ],
)
def test_objects_lack_exactly_what_their_payload_is_about(load_event, name, left_out, nulls):
    [whole], [given] = objects(load_event("object-created")), objects(load_event(name))
    assert whole.keys() - given.keys() == left_out
    assert {field for field, value in given.items() if value is None} == nulls


def test_odd_keys_reach_the_limit_of_s3(load_event):
    keys = [one["key"] for one in objects(load_event("object-created-odd-keys"))]
    assert max(len(key.encode()) for key in keys) == 1024
    for odd in (" ", "+", "%2B", "😀", "'", '"', "\n", "\\"):
        assert any(odd in key for key in keys), odd
