"""Whatever asks for a turn: it waits in line, or is refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given

from .conftest import Lambda, batch, messages, thoroughly
from .hostile import bodies

EVENTS = messages("slot-requested")
READ = tuple(("SlotRequest", field) for field in ("Name", "ExecutionArn", "StartedAt", "TaskToken"))


@pytest.fixture(scope="module")
def status(aws):
    return Lambda("execution_status", aws)


@thoroughly
@given(found=bodies(EVENTS, READ))
def test_every_request_is_put_in_line_or_refused_with_a_reason(aws, status, found):
    refused = {"Error": {"Code": "ConditionalCheckFailedException", "Message": "no place"}}
    holding = {"line": {"S": "holding"}}
    aws.reset(UpdateItem=lambda asked: refused if asked["Key"].items() >= holding.items() else {})

    answer = status(batch(found))

    assert (answer, status.stuck) == ({"batchItemFailures": []}, [])
    waiting = [asked for asked in aws.asked("UpdateItem") if asked["Key"]["line"]["S"] == "waiting"]
    assert len(waiting) + len(aws.asked("SendMessage")) == 1
