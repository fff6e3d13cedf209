"""Dead letters: the body as it came, and a reason as long as SQS has room for."""

from __future__ import annotations

import pytest

from landrun.adapters.dead_letters import LARGEST_LIMIT, MESSAGE_LIMIT, DeadLetters

ROOMS = (*range(16), 17, 500, 5000)


class Sqs:
    def send_message(self, **request):
        self.body = request["MessageBody"]
        self.reason = request["MessageAttributes"].get("Reason", {}).get("StringValue")


def sent(body, reason):
    sqs = Sqs()
    DeadLetters(sqs, "url").put(body, reason)
    return sqs


def test_a_dead_letter_keeps_its_body_and_has_a_reason_of_one_line():
    letter = sent("the body", "a\nreason")
    assert (letter.body, letter.reason) == ("the body", "a\\nreason")


@pytest.mark.parametrize(
    ("limit", "sizes"),
    [
        (MESSAGE_LIMIT, [0, *(MESSAGE_LIMIT - room for room in ROOMS)]),
        (LARGEST_LIMIT, [500_000]),  # the queue is set to take more
    ],
)
def test_a_dead_letter_is_never_longer_than_sqs_accepts(limit, sizes):
    for size in sizes:
        letter = sent("x" * size, "why, é" * 300)
        attribute = f"ReasonString{letter.reason}" if letter.reason else ""
        assert len(f"{letter.body}{attribute}".encode()) <= limit
        assert letter.body
        assert (letter.reason is None) == (limit - size <= len("ReasonString"))
        assert letter.reason is None or "why, é".startswith(letter.reason[:6])
