"""Starting runs: a repeated call finds the run that exists, and says when its input differs.

tests/faults/test_cases_landings.py has the deliveries that come again.
"""

from __future__ import annotations

import pytest

from landrun.adapters.manifests import Manifest
from landrun.errors import InvalidInput, InvalidName, Refused, ServiceError
from landrun.models.run import ManualTrigger
from landrun.models.s3_uri import S3Uri
from landrun.services.start_run import RunStarter, StartedRun, input_message
from unit.functions.fakes import NOW, FakeExecutions, FakeManifests

NAME = "landrun-1"
ADA = ManualTrigger(StartedBy="ada")


class World:
    """Manifests and executions, and what starts runs over them."""

    def __init__(self):
        self.manifests, self.executions = FakeManifests(), FakeExecutions()

    def start(self, *keys, name=NAME, by=ADA, output="processed/"):
        return self.starter("manifest", output).start(name, "landings", keys or ("a",), by)

    def starter(self, input_format, output="processed/"):
        adapters = (self.manifests, self.executions, S3Uri("outputs", output))
        return RunStarter(*adapters, input_format, clock=lambda: NOW)


@pytest.fixture
def world():
    return World()


def test_a_run_that_is_new_is_neither_a_duplicate_nor_a_mismatch(world):
    run = world.start("a", "b")
    assert run == StartedRun(NAME, world.executions.arn(NAME), 2, duplicate=False, mismatch=False)
    assert world.manifests.stored[NAME].trigger == ADA
    again = world.start("a", "b", by=ManualTrigger(StartedBy="bert"))
    assert (again.duplicate, again.mismatch) == (True, False)


def test_an_input_that_cannot_be_compared_is_no_mismatch_and_no_error(world):
    arn = world.start().execution_arn
    world.executions.described[arn] = {"status": "RUNNING", "inputDetails": {"included": False}}
    assert world.start(output="elsewhere/").mismatch is False
    world.executions.failing[arn] = ServiceError("states:DescribeExecution", "Throttling", "")
    assert world.start(output="elsewhere/").mismatch is False


@pytest.mark.parametrize(
    ("input_format", "name", "error"),
    [("manifest", "no name", InvalidName), ("uri", NAME, InvalidInput)],
)
def test_what_no_retry_can_start_is_refused_before_a_manifest_is_written(
    world, input_format, name, error
):
    with pytest.raises(error) as refusal:
        world.starter(input_format).start(name, "landings", ["k" * 1012], ADA)
    assert isinstance(refusal.value, Refused)
    assert world.manifests.stored == {}


def manifest_of(*keys, prefix=None):
    under = S3Uri("landing", prefix) if prefix else None
    return Manifest(S3Uri("outputs", "manifests/r.json"), "landing", keys, True, prefix=under)


@pytest.mark.parametrize(
    ("manifest", "input_format", "expected"),
    [
        (manifest_of("a+b c.csv"), "manifest", "s3://outputs/manifests/r.json"),
        (manifest_of("a+b c.csv"), "uri", "s3://landing/a+b c.csv"),
        (manifest_of("k" * 1011), "uri", f"s3://landing/{'k' * 1011}"),  # SageMaker's 1,024
        (manifest_of("d/a", "d/b", prefix="d/"), "uri", "s3://landing/d/"),
        (manifest_of("d/a", prefix="d/"), "uri", "s3://landing/d/"),
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
