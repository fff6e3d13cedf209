"""The doors against moto's services, in this process: what AWS answers, in its own words."""

from __future__ import annotations

import json

import pytest

from landrun.adapters.notifications import Notifications
from landrun.adapters.outputs import SUMMARY_LIMIT, Outputs, OutputSize, fitting_summary
from landrun.adapters.sagemaker import ProcessingJobs, job_row, submitted_job_name
from landrun.errors import ServiceError
from landrun.models.s3_uri import S3Uri

from .conftest import REGION


def test_a_job_that_sagemaker_does_not_know_is_none_and_is_not_at_work(aws):
    jobs = ProcessingJobs(aws("sagemaker"))
    scheduled = {"parameters": json.dumps({"ProcessingJobName": "nobody"})}
    assert jobs.find("nobody") is None
    assert not jobs.at_work([{"taskScheduledEventDetails": scheduled}])
    assert not jobs.at_work([])


def test_a_look_up_of_a_job_that_failed_is_not_taken_for_none(aws):
    with pytest.raises(ServiceError, match="sagemaker:DescribeProcessingJob: ParamValidationError"):
        ProcessingJobs(aws("sagemaker")).find("")


def test_what_lies_under_an_output_is_counted(s3):
    for name in ("processed/run-1/a", "processed/run-1/b", "processed/run-10/c"):
        s3.put_object(Bucket="outputs", Key=name, Body=b"12345")
    assert Outputs(s3).measure(S3Uri("outputs", "processed/run-1/")) == OutputSize(2, 10)


def test_a_summary_is_read_and_a_missing_one_is_none(s3):
    under = S3Uri("outputs", "processed/run-1/")
    assert Outputs(s3).summary(under) is None
    s3.put_object(Bucket="outputs", Key=f"{under.key}summary.json", Body=b'{"rows_in": 3}')
    assert Outputs(s3).summary(under) == {"rows_in": 3}


def test_a_summary_too_long_for_a_row_loses_its_files_but_keeps_its_counts():
    files = [{"name": "x" * 1000}] * 100
    fitting = fitting_summary(json.dumps({"rows_in": 3, "files": files}).encode())
    assert fitting == {"rows_in": 3, "files_omitted": 100}


def test_files_that_the_job_left_out_of_a_summary_stay_counted():
    files = [{"name": "x" * 1000}] * 100
    fitting = fitting_summary(json.dumps({"files": files, "files_omitted": 20}).encode())
    assert fitting == {"files_omitted": 120}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"a": "' + b"x" * SUMMARY_LIMIT,
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b'{"rows_in": ' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "list", "cut", "binary", "long", "deep", "deeper", "nested", "digits"],
)
def test_what_is_no_summary_is_none(body):
    assert fitting_summary(body) is None


def test_a_notification_reaches_the_topic(aws):
    topic = aws("sns").create_topic(Name="t")["TopicArn"]
    queue = aws("sqs").create_queue(QueueName="q")["QueueUrl"]
    aws("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:123456789012:q"
    )
    Notifications(aws("sns"), topic).publish("subject", "message")
    [message] = aws("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Subject"] == "subject"


@pytest.mark.parametrize(("seconds", "told"), [(60, "time limit of 60"), (59, "was stopped")])
def test_a_job_that_its_time_limit_stopped_says_so(seconds, told):
    job = {
        "ProcessingJobStatus": "Stopped",
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "ProcessingStartTime": 1000,
        "ProcessingEndTime": 1000 + seconds * 1000,
    }
    assert told in job_row(job)["exit_message"]


def test_a_job_that_ran_on_two_instances_counts_both():
    job = {
        "ProcessingJobName": "j",
        "ProcessingStartTime": 1000,
        "ProcessingEndTime": 61000,
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": 2}},
    }
    assert job_row(job)["instance_seconds"] == 120


@pytest.mark.parametrize(
    "job",
    [
        {"ProcessingJobStatus": "Stopped", "StoppingCondition": "none"},
        {"ProcessingJobStatus": "Stopped", "StoppingCondition": {"MaxRuntimeInSeconds": "long"}},
        {"ProcessingStartTime": "then", "ProcessingEndTime": True},
        {"ProcessingStartTime": float("nan"), "ProcessingEndTime": float("inf")},
        {"ProcessingStartTime": 0, "ProcessingEndTime": 10**400},
        {"ProcessingStartTime": 0, "ProcessingEndTime": 1, "ProcessingResources": ["m5"]},
        {
            "ProcessingStartTime": 0,
            "ProcessingEndTime": 1,
            "ProcessingResources": {"ClusterConfig": {"InstanceCount": "two"}},
        },
        {"ExitMessage": {"a": 1}, "FailureReason": ["b"], "ProcessingJobArn": 1},
    ],
)
def test_a_job_described_by_somebody_else_costs_no_more_than_its_own_attributes(job):
    found = job_row({"ProcessingJobName": "j"} | job)
    assert found.pop("job_name") == "j"
    assert isinstance(found.pop("exit_message", ""), str)
    assert found in ({}, {"instance_seconds": 0.001})


@pytest.mark.parametrize("name", ["", "a b", "-a", "x" * 64, "a\n", "\ud800", ["a"], 1, None])
def test_what_is_no_name_of_a_job_is_not_looked_up(name):
    event = {"taskScheduledEventDetails": {"parameters": json.dumps({"ProcessingJobName": name})}}
    assert submitted_job_name([event]) is None


def test_an_output_of_very_many_objects_is_counted_up_to_a_limit(s3, monkeypatch):
    monkeypatch.setattr("landrun.adapters.outputs.OBJECTS_COUNTED", 2)
    for name in "abc":
        s3.put_object(Bucket="outputs", Key=f"processed/{name}", Body=b"12345")
    assert Outputs(s3).measure(S3Uri("outputs", "processed/")) == OutputSize(2, 10, complete=False)
