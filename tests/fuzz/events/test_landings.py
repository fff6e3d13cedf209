"""Whatever lies in the landing queue: it runs, waits, is ignored or refused. Nothing is stuck."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from .conftest import Lambda, batch, fields, messages, thoroughly
from .hostile import bodies

EVENTS = messages("object-created") + messages("object-deleted")
EVENTS = [event for event in EVENTS if isinstance(event.get("detail"), dict)]
READ = fields("detail", "object", "key size version-id sequencer")
READ += fields("detail", "bucket", "name") + fields("detail-type time")
DONE = {"arrival": "StartExecution", "schedule": "UpdateItem"}


@pytest.fixture(scope="module", params=list(DONE))
def mode(request):
    return request.param


@pytest.fixture(scope="module")
def landing(aws, mode):
    return Lambda("object_created", aws, START_ON=mode)


@thoroughly
@given(found=st.lists(bodies(EVENTS, READ), min_size=1, max_size=3))
@example(found=["[" * 100_000])
@example(found=['{"a":' * 100_000])
@example(found=["9" * 5000])
def test_every_message_is_done_ignored_or_refused_with_a_reason(aws, mode, landing, found):
    aws.reset()
    answer = landing(batch(*found))
    assert (answer, landing.stuck) == ({"batchItemFailures": []}, [])

    messages = [line["message"] for line in landing.logs if "message" in line]
    refused = aws.asked("SendMessage")
    assert messages.count("message refused") == len(refused)
    assert {one["MessageBody"] for one in refused} <= {body or "(empty)" for body in found}
    ignored = messages.count("landing ignored")
    assert len(aws.asked(DONE[mode])) + ignored + len(refused) == len(found)
