"""events/: each payload is whole, belongs to a function, and is explained."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landrun.errors import InvalidEvent, InvalidKey
from landrun.models.events import parse_object_created
from landrun.models.landing import check_key
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
NOT_JSON = {
    "object-created-malformed",
    "object-created-mixed-batch",
    "object-created-one-poison",
    "object-created-all-poison",
    "execution-malformed",
}
NOT_EVENTBRIDGE = {"object-created-test-event", "object-created-all-poison"}

Load = Callable[[str], dict[str, Any]]


def meant_for(name):
    return FUNCTION_OF[name.partition("-")[0]]


@pytest.fixture(params=[path.stem for path in EVENTS])
def name(request):
    return str(request.param)


def bodies(event):
    parsed = []
    for record in event["Records"]:
        try:
            parsed.append(json.loads(record["body"]))
        except ValueError:
            continue
    return parsed


def test_every_payload_is_for_a_function_of_the_template(name, source, load_event):
    assert source["Resources"][meant_for(name)]["Type"] == "AWS::Serverless::Function"
    assert ("Records" in load_event(name)) == (meant_for(name) not in SCHEDULED)


def test_every_payload_is_explained_and_nothing_else_is():
    explained = (ROOT / "events/README.md").read_text(encoding="utf-8")
    kinds = "|".join(FUNCTION_OF)
    named = re.findall(rf"^\| ((?:{kinds})[\w-]*) \|", explained, re.M)
    assert sorted(named) == sorted(path.stem for path in EVENTS)


def test_messages_are_batches_as_sqs_gives_them(name, load_event):
    records = load_event(name).get("Records", [])
    for record in records:
        assert record["eventSource"] == "aws:sqs"
        assert hashlib.md5(record["body"].encode()).hexdigest() == record["md5OfBody"]
        assert {"messageId", "receiptHandle", "attributes", "messageAttributes"} <= record.keys()
        assert all(isinstance(value, str) for value in record["attributes"].values())
    assert len({record["messageId"] for record in records}) == len(records) <= 10


def test_bodies_are_events_of_eventbridge_unless_that_is_the_point(name, load_event):
    event = load_event(name)
    parsed = bodies(event) if "Records" in event else []
    assert (len(parsed) < len(event.get("Records", []))) == (name in NOT_JSON)
    if name not in NOT_EVENTBRIDGE and not name.startswith("slot-requested"):
        for body in parsed:
            assert body["version"] == "0"
            assert body["account"] == "123456789012"
            assert {"id", "detail-type", "source", "time", "region", "resources"} <= body.keys()


def test_status_changes_name_their_execution_one_way(name, load_event):
    if not name.startswith("execution-"):
        return
    for body in bodies(load_event(name)):
        detail = body["detail"]
        assert body["resources"] == [detail["executionArn"]]
        assert detail["executionArn"].endswith(f":{detail['name']}")
        assert (detail["stopDate"] is None) == (detail["status"] == "RUNNING")
        check_run_name(detail["name"])
        if detail["input"] is not None:
            assert json.loads(detail["input"])["PreprocessingJobName"] == detail["name"]


def test_every_status_of_an_execution_is_there(load_event):
    statuses = {
        body["detail"]["status"]
        for path in EVENTS
        if path.stem.startswith("execution-")
        for body in bodies(load_event(path.stem))
    }
    assert statuses == {"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


def test_a_redriven_run_can_fail_again_and_can_succeed(load_event):
    for status in ("failed", "succeeded"):
        [before] = bodies(load_event(f"execution-{status}"))
        [after] = bodies(load_event(f"execution-{status}-redriven"))
        assert after["detail"]["status"] == before["detail"]["status"]
        assert after["detail"]["executionArn"] == before["detail"]["executionArn"]
        assert (before["detail"]["redriveCount"], after["detail"]["redriveCount"]) == (0, 1)
        assert before["detail"]["redriveDate"] is None
        assert after["detail"]["stopDate"] > after["detail"]["redriveDate"]


def objects(event):
    return [body["detail"]["object"] for body in bodies(event)]


def test_sequencers_of_different_length_are_in_order_only_when_padded_on_the_right(load_event):
    older, newer = objects(load_event("object-created-sequencer-lengths"))
    assert older["key"] == newer["key"]
    assert older["sequencer"].ljust(64, "0") < newer["sequencer"].ljust(64, "0")
    assert int(older["sequencer"], 16) > int(newer["sequencer"], 16)


def test_a_newer_version_can_be_told_of_before_an_older_one(load_event):
    newer, older = objects(load_event("object-created-newest-first"))
    assert newer["key"] == older["key"]
    assert newer["sequencer"] > older["sequencer"]


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
    [whole] = objects(load_event("object-created"))
    [given] = objects(load_event(name))
    assert whole.keys() - given.keys() == left_out
    assert {field for field, value in given.items() if value is None} == nulls


@pytest.mark.parametrize(("name", "poison"), [("one", 1), ("all", 10)])
def test_ten_messages_hold_as_much_poison_as_the_payload_says(load_event, name, poison):
    records = load_event(f"object-created-{name}-poison")["Records"]
    assert len(records) == 10
    assert sum(is_poison(record["body"]) for record in records) == poison


def is_poison(body):
    try:
        check_key(parse_object_created(body).key)
    except (InvalidEvent, InvalidKey):
        return True
    return False


def test_odd_keys_reach_the_limit_of_s3(load_event):
    keys = [one["key"] for one in objects(load_event("object-created-odd-keys"))]
    assert max(len(key.encode()) for key in keys) == 1024
    for odd in (" ", "+", "%2B", "😀", "'", '"', "\n", "\\"):
        assert any(odd in key for key in keys), odd
