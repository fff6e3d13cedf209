"""Dead letters: the body as it came, and a reason as long as SQS has room for."""

from __future__ import annotations

import pytest

from landrun.adapters.dead_letters import LARGEST_LIMIT, MESSAGE_LIMIT, DeadLetters


def test_a_dead_letter_keeps_its_body_and_has_a_reason_of_one_line(aws):
    url = aws("sqs").create_queue(QueueName="dead")["QueueUrl"]
    DeadLetters(aws("sqs"), url).put("the body", "a\nreason")
    [message] = aws("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    reason = message["MessageAttributes"]["Reason"]["StringValue"]
    assert (message["Body"], reason) == ("the body", "a\\nreason")


class Sqs:
    def send_message(self, **request):
        self.body = request["MessageBody"]
        self.reason = request["MessageAttributes"].get("Reason", {}).get("StringValue")


@pytest.mark.parametrize(
    ("size", "limit"),
    [
        *((MESSAGE_LIMIT - room, MESSAGE_LIMIT) for room in (*range(16), 17, 500, 5000)),
        (500_000, LARGEST_LIMIT),  # the queue is set to take more
        (0, MESSAGE_LIMIT),
    ],
)
def test_a_dead_letter_is_never_longer_than_sqs_accepts(size, limit):
    sqs = Sqs()
    DeadLetters(sqs, "url").put("x" * size, "why, é" * 300)
    attribute = f"ReasonString{sqs.reason}" if sqs.reason else ""
    assert len(f"{sqs.body}{attribute}".encode()) <= limit
    assert sqs.body
    assert (sqs.reason is None) == (limit - size <= len("ReasonString"))
    assert sqs.reason is None or "why, é".startswith(sqs.reason[:6])
