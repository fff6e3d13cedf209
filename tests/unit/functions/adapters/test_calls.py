"""Calls whose clients are stood in for: their errors, a job's log, dead letters."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import ProtocolError

from landrun.adapters.clients import translated
from landrun.adapters.dead_letters import LARGEST_LIMIT, MESSAGE_LIMIT, DeadLetters
from landrun.adapters.job_logs import BATCH_SECONDS, EVENTS, STREAMS, JobLogs
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.errors import Refused, ServiceError

ANSWER = {"Error": {"Code": "NoSuchBucket", "Message": "gone"}, "Item": {}}
FAILED_UPLOAD = S3UploadFailedError("Failed to upload")
FAILED_UPLOAD.__context__ = ClientError(ANSWER, "PutObject")


@pytest.mark.parametrize(
    ("error", "code", "answer"),
    [
        (ClientError(ANSWER, "PutObject"), "NoSuchBucket", ANSWER),
        (ClientError({}, "PutObject"), "", {}),
        (FAILED_UPLOAD, "NoSuchBucket", ANSWER),
        (ConnectTimeoutError(endpoint_url="https://s3"), "ConnectTimeoutError", {}),
        *(
            (error, "UnexpectedAnswer", {})
            for error in (ResponseParserError(), KeyError(), ValueError(), ProtocolError())
        ),
    ],
)
def test_an_error_of_a_call_becomes_a_service_error_with_its_code(error, code, answer):
    with pytest.raises(ServiceError, match=f"s3:PutObject: {code}: ") as raised:  # noqa: SIM117
        with translated("s3:PutObject"):
            raise error
    assert (raised.value.code, raised.value.answer) == (code, answer)


@pytest.mark.parametrize("error", [OSError("disk full"), Refused("not a file")])
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error), match=str(error)):  # noqa: SIM117
        with translated("s3:PutObject"):
            raise error


def test_a_job_that_sagemaker_does_not_know_is_none():
    def describe_processing_job(**_):
        raise ClientError({"Error": {"Code": "ValidationException"}}, "DescribeProcessingJob")

    client = Mock(describe_processing_job=describe_processing_job)
    assert ProcessingJobs(client).find("no-such-job") is None


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
    assert len(tails) == STREAMS
    asked = client.get_log_events.call_args.kwargs
    assert (asked["limit"], asked["startFromHead"]) == (EVENTS, False)
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
