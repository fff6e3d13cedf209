"""Clients of AWS: all from one session, patient with quotas, and with one kind of error."""

from __future__ import annotations

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import ProtocolError

from landrun.adapters import clients
from landrun.adapters.checkpoints import Checkpoints
from landrun.adapters.concurrency_table import ConcurrencyTable
from landrun.adapters.dead_letters import DeadLetters
from landrun.adapters.job_logs import JobLogs
from landrun.adapters.landings_table import LandingsTable
from landrun.adapters.manifests import Manifests
from landrun.adapters.notifications import Notifications
from landrun.adapters.outputs import Outputs
from landrun.adapters.runs_table import RunsTable
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.adapters.step_functions import Executions
from landrun.errors import Refused, ServiceError
from landrun.models.concurrency import SlotStatus
from landrun.models.run import ExecutionInput, ManualTrigger
from landrun.models.s3_uri import S3Uri
from unit.functions.fakes import MACHINE, Clock, run_record

URI, TRIGGER = S3Uri("b", "k"), ManualTrigger(StartedBy="ada")
INPUT = ExecutionInput(
    PreprocessingJobName="run-1", InputMessage="", OutputProcessedMessage="", Trigger=TRIGGER
)


def test_all_clients_come_from_one_session_and_wait_for_quotas(monkeypatch):
    class Session:
        def create_client(self, service, config):
            return service, config.retries, config.max_pool_connections

    sessions = iter([Session()])  # a second one is an error
    monkeypatch.setattr("botocore.session.get_session", lambda: next(sessions))
    clients._session.cache_clear()
    retries = {"mode": "adaptive", "total_max_attempts": 6}
    made = [clients.client(service) for service in ("s3", "sqs")]
    brief = clients.client("logs")
    clients._session.cache_clear()
    assert brief[1] == {"total_max_attempts": 1}  # nothing waits for a log
    assert made == [("s3", retries, 16), ("sqs", retries, 16)]


ANSWER = {"Error": {"Code": "NoSuchBucket", "Message": "gone"}, "Item": {}}


@pytest.mark.parametrize(
    ("error", "code", "answer"),
    [
        (ClientError(ANSWER, "PutObject"), "NoSuchBucket", ANSWER),
        (ClientError({}, "PutObject"), "", {}),
        (ConnectTimeoutError(endpoint_url="https://s3"), "ConnectTimeoutError", {}),
        (ResponseParserError("no XML"), "UnexpectedAnswer", {}),
        (KeyError("Items"), "UnexpectedAnswer", {}),
        (ValueError("no JSON"), "UnexpectedAnswer", {}),
        (ProtocolError("cut off"), "UnexpectedAnswer", {}),
    ],
)
def test_every_error_of_a_call_becomes_a_service_error_with_its_cause(error, code, answer):
    with pytest.raises(ServiceError, match=f"s3:PutObject: {code}: ") as raised:  # noqa: SIM117
        with clients.translated("s3:PutObject"):
            raise error
    translated = raised.value
    assert (translated.code, translated.answer, translated.__cause__) == (code, answer, error)


def test_the_error_behind_a_failed_upload_is_named():
    failed = S3UploadFailedError("Failed to upload")
    failed.__context__ = ClientError(ANSWER, "PutObject")
    with pytest.raises(ServiceError, match="s3:PutObject: NoSuchBucket"), _put_object():
        raise failed


@pytest.mark.parametrize("error", [OSError("disk full"), Refused("not a file")])
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error), match=str(error)), _put_object():
        raise error


def _put_object():
    return clients.translated("s3:PutObject")


class Refusing:
    """A client of which every call is refused."""

    def __getattr__(self, name):
        return self.refuse

    def refuse(self, **_):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "Any")

    def get_paginator(self, _):
        return self

    def paginate(self, **_):
        yield self.refuse()


CHECKPOINTS, SLOTS = Checkpoints(Refusing(), "t"), ConcurrencyTable(Refusing(), "t")
LANDINGS, MANIFESTS = LandingsTable(Refusing(), "t", Clock()), Manifests(Refusing(), "b", "m/")
RUNS, OUTPUTS = RunsTable(Refusing(), "t"), Outputs(Refusing())
EXECUTIONS = Executions(Refusing(), MACHINE)


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("dynamodb:GetItem", lambda: CHECKPOINTS.read("executions")),
        ("dynamodb:UpdateItem", lambda: CHECKPOINTS.save("executions", {})),
        ("dynamodb:GetItem", lambda: SLOTS.find("run-1")),
        ("dynamodb:Query", lambda: list(SLOTS.with_status(SlotStatus.WAITING))),
        ("dynamodb:Query", lambda: list(LANDINGS.pending())),
        ("dynamodb:UpdateItem", lambda: LANDINGS.claim("0", "run-1", TRIGGER)),
        ("dynamodb:UpdateItem", lambda: LANDINGS.release("run-1", "0")),
        ("dynamodb:PutItem", lambda: RUNS.write(run_record())),
        ("dynamodb:UpdateItem", lambda: RUNS.mark_notified(run_record())),
        ("dynamodb:Query", lambda: list(RUNS.find_unfinished("execution"))),
        ("dynamodb:BatchGetItem", lambda: RUNS.find_progress(["run-1"])),
        ("s3:GetObject", lambda: MANIFESTS.find("run-1")),
        ("s3:PutObject", lambda: MANIFESTS.write_once("run-1", "b", ["k"])),
        ("s3:ListObjectsV2", lambda: list(MANIFESTS.listed_after(""))),
        ("s3:ListObjectsV2", lambda: OUTPUTS.measure(URI)),
        ("s3:ListObjectsV2", lambda: OUTPUTS.keys_that_begin_with(URI)),
        ("s3:GetObject", lambda: OUTPUTS.summary(URI)),
        ("sagemaker:DescribeProcessingJob", lambda: ProcessingJobs(Refusing()).find("j")),
        ("logs:DescribeLogStreams", lambda: JobLogs(Refusing()).tails("j")),
        ("states:StartExecution", lambda: EXECUTIONS.start(INPUT)),
        ("states:DescribeExecution", lambda: EXECUTIONS.find("arn")),
        ("states:GetExecutionHistory", lambda: EXECUTIONS.last_tasks("arn")),
        ("states:ListExecutions", EXECUTIONS.page),
        ("states:SendTaskSuccess", lambda: EXECUTIONS.resume("token")),
        ("sns:Publish", lambda: Notifications(Refusing(), "arn").publish("a", "b")),
        ("sqs:SendMessage", lambda: DeadLetters(Refusing(), "url").put("body", "reason")),
    ],
)
def test_a_call_that_aws_refuses_is_a_service_error_that_names_it(operation, call):
    with pytest.raises(ServiceError, match=f"{operation}: AccessDenied"):
        call()
