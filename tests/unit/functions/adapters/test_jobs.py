"""What is read of a job: SageMaker's description, and the last lines of its logs."""

from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from landrun.adapters.job_logs import BATCH_SECONDS, JobLogs
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.errors import ServiceError


def test_a_job_that_sagemaker_does_not_know_is_none():
    unknown = ClientError({"Error": {"Code": "ValidationException"}}, "DescribeProcessingJob")
    sagemaker = Mock(describe_processing_job=Mock(side_effect=unknown))
    assert ProcessingJobs(sagemaker).find("no-such-job") is None


def test_the_last_lines_are_read_of_the_logs_that_were_written_to_last():
    written = [{"logStreamName": "new", "creationTime": 9}]
    written += [{"logStreamName": f"{at}", "lastEventTimestamp": at} for at in range(1, 9)]
    client = Mock()
    client.describe_log_streams.return_value = {"logStreams": written}
    client.get_log_events.side_effect = lambda **asked: {
        "events": [{"message": f"by {asked['logStreamName']}"}, {"message": "two\nlines"}]
    }
    tails = JobLogs(client).tails("job-1")
    assert tails == [[f"by {name}", "two", "lines"] for name in ("new", "8", "7")]
    assert client.describe_log_streams.call_args.kwargs["logStreamNamePrefix"] == "job-1/"


def test_slow_answers_use_up_the_time_of_a_batch_and_the_next_batch_has_it_again():
    now = [0.0]
    logs = JobLogs(Mock(describe_log_streams=lambda **_: {}), lambda: now[0])
    assert logs.tails("job-1") == []
    now[0] += BATCH_SECONDS + 1
    with pytest.raises(ServiceError, match="earlier calls were slow"):
        logs.tails("job-2")
    logs.start_batch()
    assert logs.tails("job-2") == []
