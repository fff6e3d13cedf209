"""Every message that requests a concurrency slot is recorded, or refused with a reason."""

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
def test_every_slot_request_is_recorded_or_refused_with_a_reason(aws, status, found):
    aws.reset()

    answer = status(batch(found))

    assert (answer, status.stuck) == ({"batchItemFailures": []}, [])
    assert len(aws.asked("TransactWriteItems")) + len(aws.asked("SendMessage")) == 1
