"""Dead letters within SQS's limits."""

from unittest.mock import Mock

import pytest

from landrun.adapters.dead_letters import LARGEST_LIMIT, MESSAGE_LIMIT, DeadLetters

ROOMS = (*range(16), 17, 500, 5000)
BODIES = [(MESSAGE_LIMIT, 0), *((MESSAGE_LIMIT, MESSAGE_LIMIT - room) for room in ROOMS)]


@pytest.mark.parametrize(("limit", "size"), [*BODIES, (LARGEST_LIMIT, 500_000)])
def test_a_dead_letter_has_as_much_of_its_reason_as_sqs_accepts(limit, size):
    sqs = Mock()
    DeadLetters(sqs, "url").put("x" * size, "why,\né" * 300)
    sent = sqs.send_message.call_args.kwargs
    reason = sent["MessageAttributes"].get("Reason", {}).get("StringValue")
    attribute = f"ReasonString{reason}" if reason else ""
    assert sent["MessageBody"] == ("x" * size or "(empty)")
    assert len(f"{sent['MessageBody']}{attribute}".encode()) <= limit
    assert (reason is None) == (limit - size <= len("ReasonString"))
    assert reason is None or r"why,\né".startswith(reason[:7])
