"""The handler of status changes and slot requests.

tests/faults/test_cases_statuses.py and test_cases_concurrency.py have the messages that come
again, late, out of order or never.
"""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from landrun.errors import ServiceError
from landrun.models.status_change import parse_slot_request
from landrun.services.limit_concurrency import ConcurrencyLimiter
from unit.functions.fakes import NOW


@pytest.fixture
def function(load):
    function = load("execution_status")
    function.module.limiter = Mock(spec_set=ConcurrencyLimiter)
    return function


def test_each_status_change_is_recorded_and_followed(function, load_event, messages, printed):
    assert function.failures(load_event("execution-out-of-order")) == []
    [record] = function.runs_table.records.values()
    assert (record.status, record.output_objects) == ("SUCCEEDED", 3)
    statuses = [one["detail"]["status"] for one in messages("execution-out-of-order")]
    followed = [call.args[0] for call in function.module.limiter.execution_changed.call_args_list]
    assert [change.status for change in followed] == statuses
    output = printed()
    assert output.count("StatusChangesSuperseded") == 2
    assert output.count("Executions", Status="SUCCEEDED") == 1
    assert output.count("RunDuration") > 0
    assert {line["run"] for line in output.logs} == {record.name}


def test_a_slot_request_is_taken_and_makes_no_record(function, load_event):
    event = load_event("slot-requested")
    assert function.failures(event) == []
    [body] = [record["body"] for record in event["Records"]]
    function.module.limiter.request_slot.assert_called_once_with(parse_slot_request(body))
    function.module.limiter.execution_changed.assert_not_called()
    assert function.runs_table.records == {}


@pytest.mark.parametrize("failing", ["recorder", "limiter"])
def test_a_failure_to_record_or_to_limit_fails_the_message_and_does_not_stop_the_other(
    function, load_event, printed, failing
):
    follow = function.module.limiter.execution_changed
    unlucky = follow if failing == "limiter" else function.outputs.measure
    unlucky.side_effect = ServiceError("s3:ListObjectsV2", "SlowDown", "later")
    event = load_event("execution-succeeded")
    assert function.failures(event) == [event["Records"][0]["messageId"]]
    assert follow.call_count == 1
    assert len(function.runs_table.records) == (failing == "limiter")
    assert printed().count("MessagesFailed") == 1


def test_the_function_is_built_from_its_settings_with_all_clients_at_init(load):
    function = load("execution_status", MAX_CONCURRENT_RUNS="7")
    expected = {"stepfunctions", "sagemaker", "s3", "dynamodb", "sns", "sqs", "logs"}
    assert function.services == expected
    recorder, limiter = function.module.recorder, function.module.limiter
    assert limiter.executions is recorder.executions is function.executions
    assert str(recorder.manifests) == "s3://outputs/manifests/"
    assert (limiter.limit, limiter.clock()) == (7, NOW)
