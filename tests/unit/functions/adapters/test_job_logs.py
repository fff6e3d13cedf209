"""The ends of a job's logs: those of the instances that wrote last, and not more of them."""

from __future__ import annotations

import time

import pytest

from landrun.adapters.job_logs import BATCH_SECONDS, EVENTS, STREAMS, JobLogs
from landrun.errors import ServiceError
from landrun.models.processing_job import LOG_GROUP


@pytest.fixture
def logs(aws):
    aws("logs").create_log_group(logGroupName=LOG_GROUP)
    return aws("logs")


def write(logs, stream, *messages, at=0):
    logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
    now = int(time.time() * 1000) + at
    events = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=stream, logEvents=events)


def test_the_newest_logs_come_first_and_only_the_last_lines_of_each(logs):
    for number in range(STREAMS + 1):
        write(logs, f"job-1/algo-{number}-17", f"by {number}", "two\nlines", at=number)
    write(logs, "job-10/algo-1-17", "another job's", at=9)
    newest, *_, oldest = JobLogs(logs).tails("job-1")
    assert newest == [f"by {STREAMS}", "two", "lines"]
    assert oldest[0] == "by 1"
    write(logs, "job-2/algo-1-17", *map(str, range(EVENTS + 50)))
    assert JobLogs(logs).tails("job-2") == [[str(n) for n in range(50, EVENTS + 50)]]


def test_slow_answers_use_up_the_time_of_a_batch_and_the_next_batch_has_it_again(logs):
    now = [0.0]
    adapter = JobLogs(logs, lambda: now[0])
    assert adapter.tails("job-1") == []
    now[0] += BATCH_SECONDS + 1
    with pytest.raises(ServiceError, match="earlier calls were slow"):
        adapter.tails("job-2")
    adapter.start_batch()
    assert adapter.tails("job-2") == []
