"""The handler of status changes and slot requests: what of a message fails, and what goes on.

tests/faults/test_cases_statuses.py and test_cases_concurrency.py have what each message comes to.
"""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from landrun.errors import ServiceError
from landrun.services.limit_concurrency import ConcurrencyLimiter


@pytest.fixture
def function(load):
    function = load("execution_status")
    function.module.limiter = Mock(spec_set=ConcurrencyLimiter)
    return function


def test_each_status_change_is_counted_and_its_log_lines_name_the_run(
    function, load_event, printed
):
    assert function.failures(load_event("execution-out-of-order")) == []
    [record] = function.runs_table.records.values()
    assert (record.status, record.output_objects) == ("SUCCEEDED", 3)
    output = printed()
    assert output.count("StatusChangesSuperseded") == 2
    assert output.count("Executions", Status="SUCCEEDED") == 1
    assert output.count("RunDuration") > 0
    assert {line["run"] for line in output.logs} == {record.name}


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
