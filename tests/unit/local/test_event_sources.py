"""Lambda's rules for batches from queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from landrun_ops.local.event_sources import failed_messages, sqs_event
from landrun_ops.local.lambda_runtime import Outcome

MESSAGES: Any = [{"MessageId": "a"}, {"MessageId": "b"}]
ALL = {"a", "b"}


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}),
        ({"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "a"}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, ALL),
        ({"batchItemFailures": [{}]}, ALL),
        ({"batchItemFailures": 7}, ALL),
        ({"something": "else"}, ALL),
        ("text", ALL),
    ],
)
def test_a_response_fails_these_messages(result: Any, failed: set[str]) -> None:
    assert failed_messages(Outcome(result), MESSAGES, partial=True) == failed


def test_without_partial_responses_a_result_means_all_went_well() -> None:
    reported = Outcome({"batchItemFailures": [{"itemIdentifier": "a"}]})
    assert failed_messages(reported, MESSAGES, partial=False) == set()


@pytest.mark.parametrize("partial", [True, False])
def test_a_function_that_failed_fails_the_whole_batch(partial: bool) -> None:
    error = Outcome({"errorType": "E", "errorMessage": ""}, failed=True)
    assert failed_messages(error, MESSAGES, partial=partial) == ALL


def test_messages_are_wrapped_as_lambda_does(load_event: Callable[[str], dict[str, Any]]) -> None:
    documented = load_event("object-created")["Records"][0]
    message: Any = {
        "MessageId": documented["messageId"],
        "ReceiptHandle": documented["receiptHandle"],
        "Body": documented["body"],
        "Attributes": documented["attributes"],
        "MD5OfBody": documented["md5OfBody"],
        "MessageAttributes": {"Reason": {"StringValue": "why", "DataType": "String"}},
    }
    wrapped = sqs_event([message], documented["eventSourceARN"])["Records"][0]
    assert wrapped.pop("messageAttributes")["Reason"]["stringValue"] == "why"
    documented.pop("messageAttributes")
    assert wrapped == documented
