"""'Step Functions Execution Status Change' events, as a queue behind a rule receives them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Heard = Callable[[str, int], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def heard(laptop) -> Iterator[Heard]:
    """``heard(arn, 2)``: the first two events of an execution."""
    sqs, events = laptop.client("sqs"), laptop.client("events")
    name = f"status-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    queue = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue}])
    received: list[dict[str, Any]] = []

    def of(arn: str, count: int) -> list[dict[str, Any]]:
        def look() -> list[dict[str, Any]] | None:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
                "Messages", ()
            ):
                received.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            mine = [event for event in received if event["detail"]["executionArn"] == arn]
            return mine if len(mine) >= count else None

        return laptop.until(look)

    yield of
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)


def one(**state: Any) -> dict[str, Any]:
    return {"StartAt": "S", "States": {"S": {"End": True, **state}}}


def test_success_is_told_from_start_to_end_in_awss_shape(laptop, heard: Heard) -> None:
    arn = laptop.execute(laptop.machine(one(Type="Pass")), {"a": "<id> ü"}, name="run-1")
    started, ended = heard(arn, 2)
    assert started["source"] == "aws.states"
    assert started["account"] == "123456789012"
    assert started["resources"] == [arn]
    assert started["time"].endswith("Z")
    detail = started["detail"]
    assert detail["status"] == "RUNNING"
    assert detail["name"] == "run-1"
    assert json.loads(detail["input"]) == {"a": "<id> ü"}
    assert detail["inputDetails"] == {"included": True}
    assert (detail["stopDate"], detail["output"], detail["outputDetails"]) == (None, None, None)
    assert detail["redriveStatus"] == "NOT_REDRIVABLE"
    last = ended["detail"]
    execution = laptop.execution(arn)
    assert last["status"] == "SUCCEEDED"
    assert last["output"] == execution["output"]
    assert last["outputDetails"] == {"included": True}
    assert last["startDate"] == int(execution["startDate"].timestamp() * 1000)
    assert last["stopDate"] == int(execution["stopDate"].timestamp() * 1000)
    assert set(last) == set(detail)


def test_failure_is_told_with_error_and_cause(laptop, heard: Heard) -> None:
    states = {"S": {"Type": "Fail", "Error": "Bad", "Cause": "file"}}
    arn = laptop.execute(laptop.machine({"StartAt": "S", "States": states}))
    detail = heard(arn, 2)[1]["detail"]
    assert (detail["status"], detail["error"], detail["cause"]) == ("FAILED", "Bad", "file")
    assert detail["output"] is None
    assert detail["redriveStatus"] == "REDRIVABLE"


def test_time_out_and_abort_are_told(laptop, heard: Heard) -> None:
    waits = one(Type="Wait", Seconds=60)
    slow = laptop.execute(laptop.machine({**waits, "TimeoutSeconds": 1}))
    stopped = laptop.execute(laptop.machine(waits))
    laptop.client("stepfunctions").stop_execution(executionArn=stopped, error="E", cause="C")
    aborted = heard(stopped, 2)[1]["detail"]
    assert (aborted["status"], aborted["error"], aborted["cause"]) == ("ABORTED", "E", "C")
    assert heard(slow, 2)[1]["detail"]["status"] == "TIMED_OUT"


def test_every_execution_of_many_is_told_in_order(laptop, heard: Heard) -> None:
    machine = laptop.machine(one(Type="Pass"))
    arns = [laptop.execute(machine) for _ in range(12)]
    for arn in arns:
        assert [e["detail"]["status"] for e in heard(arn, 2)] == ["RUNNING", "SUCCEEDED"]


def test_large_output_is_left_out_and_can_be_fetched(laptop, heard: Heard) -> None:
    machine = laptop.machine(one(Type="Pass"))
    arn = laptop.execute(machine, {"a": "x" * 254_000})
    detail = heard(arn, 2)[1]["detail"]
    assert (detail["output"], detail["outputDetails"]) == (None, {"included": False})
    assert len(laptop.settled(arn)["output"]) > 254_000


def test_redrive_is_told_from_running_to_its_end_with_its_count_and_date(
    laptop, heard: Heard
) -> None:
    states = {"S": {"Type": "Fail", "Error": "Bad", "Cause": "file"}}
    arn = laptop.execute(laptop.machine({"StartAt": "S", "States": states}))
    before = heard(arn, 2)[1]["detail"]
    date = laptop.client("stepfunctions").redrive_execution(executionArn=arn)["redriveDate"]
    running, failed = (event["detail"] for event in heard(arn, 4)[2:])
    assert (before["redriveCount"], before["redriveDate"]) == (0, None)
    assert [running["status"], failed["status"]] == ["RUNNING", "FAILED"]
    for detail in (running, failed):
        assert detail["redriveCount"] == 1
        assert detail["redriveDate"] == int(date.timestamp() * 1000)
        assert detail["startDate"] == before["startDate"]
        assert set(detail) == set(before)
    assert (running["stopDate"], running["error"], running["cause"]) == (None, None, None)
    assert failed["stopDate"] >= failed["redriveDate"]
