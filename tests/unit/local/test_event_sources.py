"""Lambda's rules for batches from queues."""

import pytest

from landrun_ops.local.event_sources import failed_messages
from landrun_ops.local.lambda_runtime import Outcome

MESSAGES = [{"MessageId": "a"}, {"MessageId": "b"}]
ALL = {"a", "b"}


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        (None, set()),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, ALL),
        ({"batchItemFailures": [{}]}, ALL),
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
