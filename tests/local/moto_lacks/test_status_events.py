"""'Step Functions Execution Status Change' events, as a queue behind a rule receives them."""

import json

import pytest

from .conftest import client, moto_lacks


@pytest.fixture
def heard(aws):
    """``heard(2)``: the details of the first two events of executions, once there are as many."""
    _, take = aws.queue("aws.states")
    received = []

    def first(count):
        aws.until(lambda: received.extend(take()) or len(received) >= count)
        return [event["detail"] for event in received]

    return first


@pytest.fixture
def documented(load_event):
    """``documented("failed")``: the details of such an event in AWS's own form."""
    return lambda name: json.loads(load_event(f"execution-{name}")["Records"][0]["body"])["detail"]


def millis(moment):
    return int(moment.timestamp() * 1000)


@moto_lacks
def test_success_and_an_abort_are_reported_from_start_to_end(aws, heard, documented):
    arn = aws.execute(aws.machine_with(Type="Pass"), {"a": "<id> ü"}, name="run-1")
    started, ended = heard(2)
    assert started.keys() >= documented("running").keys()
    assert ended.keys() >= documented("succeeded").keys()
    assert (started["status"], started["name"]) == ("RUNNING", "run-1")
    assert json.loads(started["input"]) == {"a": "<id> ü"}
    assert started["inputDetails"] == {"included": True}
    assert (started["stopDate"], started["output"], started["outputDetails"]) == (None, None, None)
    assert started["redriveStatus"] == "NOT_REDRIVABLE"
    execution = aws.execution(arn)
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", execution["output"])
    assert ended["outputDetails"] == {"included": True}
    dates = {name: millis(execution[name]) for name in ("startDate", "stopDate")}
    assert dates.items() <= ended.items()
    aws.stop(aws.execute(aws.machine_with(Type="Wait", Seconds=60)), error="E", cause="C")
    aborted = heard(4)[3]
    assert (aborted["status"], aborted["error"], aborted["cause"]) == ("ABORTED", "E", "C")


def test_redrive_of_a_failure_is_reported_with_its_count_and_date(aws, heard, documented):
    arn = aws.execute(aws.machine_with(Type="Fail", Error="Bad", Cause="file"))
    before = heard(2)[1]
    date = millis(aws.redrive(arn))
    running, failed = heard(4)[2:]
    assert (before["status"], before["error"], before["cause"]) == ("FAILED", "Bad", "file")
    assert (before["redriveCount"], before["redriveDate"]) == (0, None)
    assert [running["status"], failed["status"]] == ["RUNNING", "FAILED"]
    assert (running["stopDate"], running["error"], running["cause"]) == (None, None, None)
    assert failed["stopDate"] >= failed["redriveDate"]
    for event in (running, failed):
        theirs = documented(f"{event['status'].lower()}-redriven")
        assert event.keys() >= theirs.keys()
        assert (event["redriveCount"], event["redriveDate"]) == (1, date)
        for name in ("redriveStatus", "redriveStatusReason"):
            assert event[name] == theirs[name]
        assert event["startDate"] == before["startDate"]


@moto_lacks
def test_a_rule_delivers_an_event_as_it_was_put_unless_it_is_disabled(aws):
    url, take = aws.queue("mine")
    events, rule = client("events"), url.rpartition("/")[2]

    def put(number):
        detail = json.dumps({"n": number, "text": "<id>"})
        events.put_events(Entries=[{"Source": "mine", "DetailType": "t", "Detail": detail}])

    put(1)
    events.disable_rule(Name=rule)
    put(2)
    events.enable_rule(Name=rule)
    put(3)
    found = take()
    assert [event["detail"] for event in found] == [{"n": n, "text": "<id>"} for n in (1, 3)]
    assert {event["account"] for event in found} == {"123456789012"}
