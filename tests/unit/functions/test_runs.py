"""Starting runs: what is repeated finds the run that is there, and says when it differs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from landrun.errors import InvalidName, ServiceError
from landrun.models.run import ManualTrigger, manual_run_name
from landrun.models.s3_uri import S3Uri
from landrun.services.start_run import RunStarter

from .conftest import NOW, FakeExecutions, FakeManifests

TRIGGER = ManualTrigger(StartedBy="ada")
NAME = manual_run_name("landrun")


@pytest.fixture
def executions():
    return FakeExecutions()


@pytest.fixture
def manifests():
    return FakeManifests()


@pytest.fixture
def runs(manifests, executions):
    return RunStarter(manifests, executions, S3Uri("outputs", "processed/"), clock=lambda: NOW)


@pytest.fixture
def moved(manifests, executions):
    """The same, after somebody has changed OutputPrefix."""
    return RunStarter(manifests, executions, S3Uri("outputs", "elsewhere/"), clock=lambda: NOW)


def test_a_run_that_is_new_is_neither_a_duplicate_nor_a_mismatch(runs, executions):
    run = runs.start(NAME, "landings", ["a", "b"], TRIGGER)
    assert (run.name, run.objects, run.duplicate, run.mismatch) == (NAME, 2, False, False)
    assert run.execution_arn == executions.arn(NAME)


def test_the_manifest_says_what_the_run_is_started_by(runs, manifests):
    runs.start(NAME, "landings", ["a"], TRIGGER)
    assert manifests.stored[NAME].trigger == TRIGGER


def test_a_run_that_still_runs_is_found(manifests, executions):
    late = NOW + timedelta(hours=1)
    runs = RunStarter(manifests, executions, S3Uri("outputs", "processed/"), clock=lambda: late)
    runs.start(NAME, "landings", ["a"], TRIGGER)
    again = runs.start(NAME, "landings", ["a"], TRIGGER)
    assert (again.duplicate, again.mismatch, len(executions.started)) == (True, False, 1)


def test_a_run_that_has_closed_is_found(runs, executions):
    runs.start(NAME, "landings", ["a"], TRIGGER)
    executions.closed.add(NAME)
    again = runs.start(NAME, "landings", ["a"], TRIGGER)
    assert (again.duplicate, again.mismatch, len(executions.started)) == (True, False, 1)


@pytest.mark.parametrize("closed", [False, True])
def test_a_run_that_was_started_with_another_input_is_a_mismatch(runs, moved, executions, closed):
    first = runs.start(NAME, "landings", ["a"], TRIGGER)
    executions.closed |= {NAME} if closed else set()
    again = moved.start(NAME, "landings", ["a"], TRIGGER)
    assert (again.duplicate, again.mismatch) == (True, True)
    assert again.execution_arn == first.execution_arn


def test_a_trigger_told_in_other_words_is_no_mismatch(runs, executions):
    runs.start(NAME, "landings", ["a"], TRIGGER)
    executions.closed.add(NAME)
    again = runs.start(NAME, "landings", ["a"], ManualTrigger(StartedBy="bert"))
    assert (again.duplicate, again.mismatch) == (True, False)


def test_a_retry_reads_what_the_manifest_has_and_never_what_it_was_given(runs, executions):
    runs.start(NAME, "landings", ["a", "b"], TRIGGER)
    again = runs.start(NAME, "landings", ["c"], TRIGGER)
    assert (again.objects, again.mismatch, len(executions.started)) == (2, False, 1)


def test_an_input_that_step_functions_left_out_is_no_mismatch(runs, moved, executions):
    arn = runs.start(NAME, "landings", ["a"], TRIGGER).execution_arn
    executions.described[arn] = {"status": "RUNNING", "inputDetails": {"included": False}}
    assert moved.start(NAME, "landings", ["a"], TRIGGER).mismatch is False


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_look_up_that_fails_does_not_fail_a_run_that_is_there(runs, moved, executions, code):
    arn = runs.start(NAME, "landings", ["a"], TRIGGER).execution_arn
    executions.failing[arn] = ServiceError("states:DescribeExecution", code, "no")
    again = moved.start(NAME, "landings", ["a"], TRIGGER)
    assert (again.duplicate, again.mismatch) == (True, False)


def test_a_start_that_was_refused_leaves_its_manifest_and_succeeds_later(
    runs, executions, manifests
):
    executions.failing[NAME] = ServiceError("states:StartExecution", "ExecutionLimitExceeded", "")
    with pytest.raises(ServiceError):
        runs.start(NAME, "landings", ["a"], TRIGGER)
    executions.failing.clear()
    runs.start(NAME, "landings", ["b"], TRIGGER)
    assert manifests.stored[NAME].keys == ("a",)
    assert list(executions.started) == [NAME]


def test_a_name_that_aws_would_refuse_writes_no_manifest(runs, manifests):
    with pytest.raises(InvalidName):
        runs.start("no name", "landings", ["a"], TRIGGER)
    assert manifests.stored == {}
