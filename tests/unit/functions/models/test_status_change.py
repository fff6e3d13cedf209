"""What the status queue carries: what makes no sense is refused by the name of its field."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from landrun.errors import InvalidEvent
from landrun.models.status_change import described_change, parse_message, parse_status_change


def refusal(message):
    with pytest.raises(InvalidEvent) as refused:
        parse_message(json.dumps(message))
    assert str(refused.value).isprintable()
    return str(refused.value)


@pytest.mark.parametrize(
    "detail",
    [
        {"name": ""},
        {"name": "n" * 81},
        {"executionArn": "not an ARN"},
        {"executionArn": "arn:aws:states:us-east-1:1:execution:m:n\n"},
        {"executionArn": f"arn:aws:states:{'x' * 512}"},
        {"startDate": -1},
        {"startDate": 10**18},
        {"stopDate": 1e300},
        {"redriveCount": 10**40},
        {"redriveCount": -1},
        {"status": "\x1b[2J"},
    ],
)
def test_what_step_functions_never_says_is_refused_by_its_field(messages, detail):
    [message] = messages("execution-failed")
    message["detail"] |= detail
    [field] = detail
    assert field in refusal(message)


@pytest.mark.parametrize(
    "wrong",
    [
        {"Name": "another"},
        {"Name": ""},
        {"TaskToken": ""},
        {"TaskToken": "x" * 2049},
        {"TaskToken": None},
        {"StartedAt": "2026-11-22T08:15:31"},
        {"StartedAt": "soon"},
        {"StartedAt": "9999-12-31T23:59:59-10:00"},
        {"StartedAt": "0001-01-01T00:00:00+14:00"},
        {"StartedAt": "9999-12-31T23:59:59.9999999Z"},
        {"ExecutionArn": "landrun"},
    ],
)
def test_a_slot_request_that_makes_no_sense_is_refused(messages, wrong):
    [message] = messages("slot-requested")
    message["SlotRequest"] |= wrong
    assert "SlotRequest" in refusal(message)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"SlotRequest": []}'])
def test_what_is_no_message_of_the_queue_is_refused(text):
    with pytest.raises(InvalidEvent):
        parse_message(text)


def test_a_text_that_was_cut_in_the_middle_of_a_character_is_kept(messages):
    [message] = messages("execution-failed")
    message["detail"]["cause"] = "the end is \ud83d"
    assert parse_status_change(json.dumps(message)).cause == "the end is ?"
    times = dict.fromkeys(("startDate", "stopDate"), datetime(2026, 11, 22, tzinfo=UTC))
    described = message["detail"] | times | {"redriveDate": None}
    assert described_change(described).cause == "the end is ?"
