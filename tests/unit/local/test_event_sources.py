"""Lambda's rules for batches from queues."""

import pytest

from landrun_ops.local.event_sources import failed_messages, sqs_event
from landrun_ops.local.lambda_runtime import Outcome

MESSAGES = [{"MessageId": "a"}, {"MessageId": "b"}]
ALL = {"a", "b"}


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, ALL),
        ({"batchItemFailures": [{}]}, ALL),
        ({"batchItemFailures": 7}, ALL),
        ("text", ALL),
    ],
)
def test_a_response_fails_these_messages(result, failed):
    assert failed_messages(Outcome(result), MESSAGES, partial=True) == failed


def test_without_partial_responses_only_a_failure_fails_the_batch_and_all_of_it():
    reported = Outcome({"batchItemFailures": [{"itemIdentifier": "a"}]})
    assert failed_messages(reported, MESSAGES, partial=False) == set()
    error = Outcome({"errorType": "E", "errorMessage": ""}, failed=True)
    assert failed_messages(error, MESSAGES, partial=False) == ALL
    assert failed_messages(error, MESSAGES, partial=True) == ALL


def test_messages_are_wrapped_as_lambda_does(load_event):
    documented = load_event("object-created")["Records"][0]
    message = {
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
