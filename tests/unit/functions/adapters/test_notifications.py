"""What a notification says of a failure; tests/faults has when it is published."""

from __future__ import annotations

import pytest

from landrun.adapters.notifications import failure_message, failure_subject, trigger_text
from landrun.models.processing_job import job_in
from landrun.models.run_record import RunRecord
from landrun.models.status_change import parse_status_change

RUN = "landrun-50f0421ea8585c9eb9688415b36b93f2"
LOG = "aws logs tail /aws/sagemaker/ProcessingJobs --log-stream-name-prefix "
REDRIVE = "aws stepfunctions redrive-execution --execution-arn "


@pytest.fixture
def failed(load_event):
    """``failed("execution-failed", …)`` is the record of that event, with other attributes."""

    def make(event="execution-failed", **more):
        change = parse_status_change(load_event(event)["Records"][0]["body"])
        record, job = RunRecord.from_status_change(change), job_in(change)
        return (record.with_job(job) if job else record).model_copy(update=more)

    return make


def test_a_failed_jobs_notification_has_its_reason_its_log_and_what_to_do(failed):
    record = failed(input_also_matches=("a.bak", "a.old"))
    assert failure_subject(record) == f"landrun: {RUN} failed"
    assert {
        f"Run {RUN} failed.",
        f"Exit message: {record.exit_message}",
        f"Input: {record.input_message}",
        "Input also matches: a.bak, a.old",
        f"  {LOG}{record.job_name}/",
        f"  landrun show {RUN}",
        f"  landrun rerun {RUN}",
        f"  {REDRIVE}{record.execution_arn}",
    } <= {*failure_message(record).splitlines()}


@pytest.mark.parametrize(
    ("event", "more", "words"),
    [
        ("execution-failed-no-job", {}, "larger quota (Service Quotas, Amazon SageMaker), then"),
        ("execution-failed-no-job", {}, "Or change InstanceType, then rerun it"),
        ("execution-failed-no-job", {"error": "States.Runtime"}, "execution's history"),
        ("execution-timed-out", {}, "MaxRuntimeInSeconds"),
        ("execution-aborted", {}, "Nothing, if somebody meant to stop it."),
    ],
)
def test_the_advice_fits_what_happened(failed, event, more, words):
    message = failure_message(failed(event, **more))
    assert words in message
    assert "aws logs" not in message


@pytest.mark.parametrize("more", [{"job_name": RUN}, {"error": "ResourceInUse"}])
def test_a_run_whose_job_name_is_taken_is_to_be_rerun_never_redriven(failed, more):
    message = failure_message(failed(**more))
    assert f"landrun rerun {RUN}" in message
    assert REDRIVE not in message


@pytest.mark.parametrize(
    ("trigger", "text"),
    [
        ({"Kind": "object-created", "Bucket": "b", "Key": "k"}, "s3://b/k landed"),
        ({"Kind": "schedule", "ScheduleArn": 1, "ScheduledTime": 2}, "schedule 1 at 2"),
        ({"Kind": "manual", "StartedBy": "ada"}, "by hand, by ada"),
        ({"Kind": "outside"}, "by hand, outside landrun"),
        ({"Kind": "mine"}, "mine"),
        (None, None),
    ],
)
def test_a_trigger_is_said_in_a_phrase(trigger, text):
    assert trigger_text(trigger) == text


def test_no_name_and_no_cause_breaks_the_subject_a_line_or_a_command(failed):
    odd = {"cause": "\n\x1b[2J\ud800", "error": "\r", "job_name": "x; rm -rf ~\n"}
    record = failed(name="é\n" * 40, exit_message=None, **odd)
    subject, message = failure_subject(record), failure_message(record)
    assert subject.isprintable()
    assert subject.isascii()
    assert len(subject) <= 99
    assert all(line.isprintable() for line in message.splitlines())
    assert f"{LOG}'x; rm -rf ~\\n/'" in message
