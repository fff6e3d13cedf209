"""What the status queue carries: what makes no sense is refused by the name of its field.

tests/fuzz/events has hostile messages.
"""

from __future__ import annotations

import json

import pytest

from landrun.errors import InvalidEvent
from landrun.models.status_change import parse_message, parse_status_change


@pytest.mark.parametrize(
    ("event", "part", "field", "values"),
    [
        ("execution-failed", "detail", "name", ["", "n" * 81]),
        (
            "execution-failed",
            "detail",
            "executionArn",
            ["not an ARN", "arn:aws:states:us-east-1:1:execution:m:n\n", f"arn:{'x' * 600}"],
        ),
        ("execution-failed", "detail", "startDate", [-1, 10**18]),
        ("execution-failed", "detail", "stopDate", [1e300]),
        ("execution-failed", "detail", "redriveCount", [10**40, -1]),
        ("execution-failed", "detail", "status", ["\x1b[2J"]),
        ("slot-requested", "SlotRequest", "Name", ["another", ""]),
        ("slot-requested", "SlotRequest", "TaskToken", ["", "x" * 2049, None]),
        (
            "slot-requested",
            "SlotRequest",
            "StartedAt",
            ["2026-11-22T08:15:31", "soon", "9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00Z"],
        ),
        ("slot-requested", "SlotRequest", "ExecutionArn", ["landrun"]),
    ],
)
def test_a_value_that_step_functions_never_sends_is_refused(messages, event, part, field, values):
    for value in values:
        [message] = messages(event)
        message[part] |= {field: value}
        with pytest.raises(InvalidEvent, match=field if part == "detail" else part):
            parse_message(json.dumps(message))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"SlotRequest": []}'])
def test_what_is_no_message_of_the_queue_is_refused(text):
    with pytest.raises(InvalidEvent):
        parse_message(text)


def test_a_text_that_was_cut_in_the_middle_of_a_character_is_kept(messages):
    [message] = messages("execution-failed")
    message["detail"]["cause"] = "the end is \ud83d"
    assert parse_status_change(json.dumps(message)).cause == "the end is ?"
