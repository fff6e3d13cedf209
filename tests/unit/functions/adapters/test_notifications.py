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
    ("event", "more", "words", "absent"),
    [
        ("failed-no-job", {}, "Or change InstanceType, then rerun it", LOG),
        ("failed-no-job", {"error": "States.Runtime"}, "execution's history", LOG),
        ("timed-out", {}, "MaxRuntimeInSeconds", LOG),
        ("aborted", {}, "Nothing, if somebody meant to stop it.", LOG),
        ("failed", {"job_name": RUN}, f"landrun rerun {RUN}", REDRIVE),
        ("failed", {"error": "ResourceInUse"}, f"landrun rerun {RUN}", REDRIVE),
    ],
)
def test_the_advice_fits_what_happened(failed, event, more, words, absent):
    message = failure_message(failed(f"execution-{event}", **more))
    assert words in message
    assert absent not in message


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


def test_no_name_and_no_cause_breaks_the_subject_or_a_command(failed):
    record = failed(name="é\n" * 40, exit_message=None, job_name="x; rm -rf ~\n")
    subject = failure_subject(record)
    assert subject.isprintable()
    assert subject.isascii()
    assert len(subject) <= 99
    assert f"{LOG}'x; rm -rf ~\\n/'" in failure_message(record)
