"""Starting runs: what is repeated finds the run that is there, and says when it differs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from landrun.adapters.manifests import Manifest
from landrun.errors import InvalidInput, InvalidName, ServiceError
from landrun.models.run import ManualTrigger, manual_run_name
from landrun.models.s3_uri import S3Uri
from landrun.services.start_run import RunStarter, input_message

from .conftest import NOW, FakeExecutions, FakeManifests

TRIGGER = ManualTrigger(StartedBy="ada")
NAME = manual_run_name("landrun")


@pytest.fixture
def executions():
    return FakeExecutions()


@pytest.fixture
def manifests():
    return FakeManifests()


def starter(manifests, executions, prefix, now=NOW):
    output = S3Uri("outputs", prefix)
    return RunStarter(manifests, executions, output, "manifest", clock=lambda: now)


@pytest.fixture
def runs(manifests, executions):
    return RunStarter(
        manifests, executions, S3Uri("outputs", "processed/"), "manifest", clock=lambda: NOW
    )


@pytest.fixture
def moved(manifests, executions):
    """The same, after somebody has changed OutputPrefix."""
    return RunStarter(
        manifests, executions, S3Uri("outputs", "elsewhere/"), "manifest", clock=lambda: NOW
    )


def test_a_run_that_is_new_is_neither_a_duplicate_nor_a_mismatch(runs, executions):
    run = runs.start(NAME, "landings", ["a", "b"], TRIGGER)
    assert (run.name, run.objects, run.duplicate, run.mismatch) == (NAME, 2, False, False)
    assert run.execution_arn == executions.arn(NAME)


def test_the_manifest_says_what_the_run_is_started_by(runs, manifests):
    runs.start(NAME, "landings", ["a"], TRIGGER)
    assert manifests.stored[NAME].trigger == TRIGGER


def test_a_run_that_still_runs_is_found(manifests, executions):
    late = NOW + timedelta(hours=1)
    runs = RunStarter(
        manifests, executions, S3Uri("outputs", "processed/"), "manifest", clock=lambda: late
    )
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


def manifest_of(*keys: str, prefix: S3Uri | None = None) -> Manifest:
    return Manifest(S3Uri("outputs", "manifests/r.json"), "landing", keys, True, prefix=prefix)


@pytest.mark.parametrize(
    ("manifest", "input_format", "expected"),
    [
        (manifest_of("a+b c.csv"), "manifest", "s3://outputs/manifests/r.json"),
        (manifest_of("a+b c.csv"), "uri", "s3://landing/a+b c.csv"),
        (manifest_of("d/a", "d/b", prefix=S3Uri("landing", "d/")), "uri", "s3://landing/d/"),
        (manifest_of("d/a", prefix=S3Uri("landing", "d/")), "uri", "s3://landing/d/"),
        (manifest_of("d/a", "d/b"), "manifest", "s3://outputs/manifests/r.json"),
    ],
)
def test_the_input_message_is_the_manifest_or_the_uri_of_the_object_or_prefix(
    manifest, input_format, expected
):
    assert input_message(manifest, input_format) == expected


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (manifest_of("a", "b"), "cannot name the 2 objects .* InputMessageFormat=manifest"),
        (manifest_of("k" * 1012), "1025 characters, more than the 1024"),
    ],
)
def test_an_input_that_no_uri_can_name_is_refused_with_the_remedy(manifest, reason):
    with pytest.raises(InvalidInput, match=reason):
        input_message(manifest, "uri")


def test_a_refused_input_leaves_no_manifest_behind(manifests, executions):
    runs = RunStarter(manifests, executions, S3Uri("outputs", "p/"), "uri", clock=lambda: NOW)
    with pytest.raises(InvalidInput):
        runs.start("landrun-1", "landing", ["k" * 1012], ManualTrigger(StartedBy="me"))
    assert manifests.stored == {}
