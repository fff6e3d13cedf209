"""events/: each payload is whole, belongs to a function, and is explained."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landrun.contract import check_run_name

ROOT = Path(__file__).resolve().parents[2]
EVENTS = sorted((ROOT / "events").glob("*.json"))
FUNCTION_OF = {
    "object": "ObjectCreatedFunction",
    "schedule": "ScheduleFunction",
    "execution": "ExecutionStatusFunction",
}
NOT_JSON = {"object-created-malformed", "object-created-mixed-batch", "execution-malformed"}

Load = Callable[[str], dict[str, Any]]


def meant_for(name: str) -> str:
    return FUNCTION_OF[name.partition("-")[0]]


@pytest.fixture(params=[path.stem for path in EVENTS])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def bodies(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the bodies that are JSON."""
    parsed = []
    for record in event["Records"]:
        try:
            parsed.append(json.loads(record["body"]))
        except ValueError:
            continue
    return parsed


def test_every_payload_is_for_a_function_of_the_template(
    name: str, source: dict[str, Any], load_event: Load
) -> None:
    assert source["Resources"][meant_for(name)]["Type"] == "AWS::Serverless::Function"
    assert ("Records" in load_event(name)) == (meant_for(name) != "ScheduleFunction")


def test_every_payload_is_explained(name: str) -> None:
    explained = (ROOT / "events/README.md").read_text(encoding="utf-8")
    assert f"\n| {name} |" in explained


def test_nothing_is_explained_that_is_not_there() -> None:
    explained = (ROOT / "events/README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| ((?:object|schedule|execution)-[\w-]+) \|", explained, re.M))
    assert named == {path.stem for path in EVENTS}


def test_messages_are_as_sqs_gives_them(name: str, load_event: Load) -> None:
    for record in load_event(name).get("Records", []):
        assert record["eventSource"] == "aws:sqs"
        assert hashlib.md5(record["body"].encode()).hexdigest() == record["md5OfBody"]
        assert {"messageId", "receiptHandle", "attributes", "messageAttributes"} <= record.keys()
        assert all(isinstance(value, str) for value in record["attributes"].values())


def test_batches_fit_and_message_ids_differ(name: str, load_event: Load) -> None:
    records = load_event(name).get("Records", [])
    assert len(records) <= 10
    assert len({record["messageId"] for record in records}) == len(records)


def test_bodies_are_events_of_eventbridge_unless_that_is_the_point(
    name: str, load_event: Load
) -> None:
    event = load_event(name)
    parsed = bodies(event) if "Records" in event else []
    assert (len(parsed) < len(event.get("Records", []))) == (name in NOT_JSON)
    if name != "object-created-test-event":
        for body in parsed:
            assert body["version"] == "0"
            assert body["account"] == "123456789012"
            assert {"id", "detail-type", "source", "time", "region", "resources"} <= body.keys()


def test_status_changes_name_their_execution_one_way(name: str, load_event: Load) -> None:
    if meant_for(name) != "ExecutionStatusFunction":
        return
    for body in bodies(load_event(name)):
        detail = body["detail"]
        assert body["resources"] == [detail["executionArn"]]
        assert detail["executionArn"].endswith(f":{detail['name']}")
        assert (detail["stopDate"] is None) == (detail["status"] == "RUNNING")
        check_run_name(detail["name"])
        if detail["input"] is not None:
            assert json.loads(detail["input"])["PreprocessingJobName"] == detail["name"]


def test_every_status_of_an_execution_is_there(load_event: Load) -> None:
    statuses = {
        body["detail"]["status"]
        for path in EVENTS
        if path.stem.startswith("execution-")
        for body in bodies(load_event(path.stem))
    }
    assert statuses == {"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


def test_odd_keys_reach_the_limit_of_s3(load_event: Load) -> None:
    keys = [b["detail"]["object"]["key"] for b in bodies(load_event("object-created-odd-keys"))]
    assert max(len(key.encode()) for key in keys) == 1024
    for odd in (" ", "+", "%2B", "😀", "'", '"', "\n", "\\"):
        assert any(odd in key for key in keys), odd
