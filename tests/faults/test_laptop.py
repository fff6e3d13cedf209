"""Faults that take a real job, queue or shell, on the laptop's AWS."""

from __future__ import annotations

import pytest

from laptop_stack import eventually

from .laptop import Stack
from .thorough import THOROUGH

pytestmark = pytest.mark.skipif(not THOROUGH, reason="takes half a minute: make faults runs it")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    started = Stack(tmp_path_factory.mktemp("laptop"))
    yield started
    started.laptop.stop()


@pytest.mark.case(21, 26)
def test_failed_run_is_redriven_with_the_notifications_command_and_ends_succeeded(stack):
    # Given a run that has failed, in spite of its retry, and of which a notification was sent
    stack.notifications("")
    key = stack.land("broken")
    failed = stack.ended(key)
    assert (failed["status"], failed["exit_message"]) == ("FAILED", "cannot read what is broken")
    name = failed["name"]
    [notification] = eventually(lambda: stack.notifications(name))
    [command] = [line for line in notification.splitlines() if "redrive-execution" in line]
    # When its cause is repaired, and the notification's command is run
    stack.repaired.touch()
    stack.shell(command)
    # Then the same execution, and the same row, end well; no other notification is sent
    ended = stack.ended(key, redrives=1)
    assert (ended["name"], ended["status"]) == (name, "SUCCEEDED")
    assert "error" not in ended
    assert len(stack.notifications(name)) == 1
    # and every attempt was a job of its own
    jobs = [job["ProcessingJobName"] for job in stack.jobs(name)]
    assert len(jobs) == len(set(jobs)) == 3
    assert ended["job_name"] in jobs
    assert ended["job_name"] != failed["job_name"]


@pytest.mark.case(25)
def test_run_waits_for_sagemakers_quota_and_runs_when_there_is_room(stack):
    with stack.laptop.quota(0):
        key = stack.land()
        row = eventually(lambda: stack.row(key))
        eventually(lambda: len(stack.failures(row)) > 1)
        assert stack.row(key)["status"] == "RUNNING"
    assert stack.ended(key)["status"] == "SUCCEEDED"
    assert set(stack.failures(row)) == {"SageMaker.ResourceLimitExceededException"}
    assert len(stack.jobs(row["name"])) == 1


@pytest.mark.case(30)
def test_object_deleted_before_its_job_reads_it_fails_its_run_by_name_the_others_go_on(stack):
    with stack.laptop.quota(0):
        gone, *others = [stack.land() for _ in range(3)]
        row = eventually(lambda: stack.row(gone))
        eventually(lambda: stack.failures(row))
        stack.client("s3").delete_object(Bucket=stack.outputs["LandingBucket"], Key=gone)
    failed = stack.ended(gone)
    assert failed["status"] == "FAILED"
    assert f"s3://{stack.outputs['LandingBucket']}/{gone}" in failed["cause"]
    assert {stack.ended(key)["status"] for key in others} == {"SUCCEEDED"}
