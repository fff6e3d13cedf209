"""Deployments while runs wait: an execution keeps its definition, a role's policy changes at once.

On the laptop's AWS with IAM enforced: a run that waits for a concurrency slot, a redrive, an object
and a message from before the deployment.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from laptop_stack import eventually

from .laptop import Laptop

if "LANDRUN_PERMISSIONS" not in os.environ:
    pytest.skip("takes a minute: make permissions runs it", allow_module_level=True)

KEYS = [f"arn:aws:kms:us-east-1:123456789012:key/{n * 8}-12ab-34cd-56ef-1234567890ab" for n in "12"]
SIZES = {"InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": "50", "MaxRuntimeInSeconds": "600"}


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    laptop = Laptop(tmp_path_factory.mktemp("laptop"), MaxConcurrentRuns="1")
    yield laptop
    laptop.stop()


def waiting_run(laptop: Laptop) -> tuple[str, str]:
    """Let a slow run hold the only concurrency slot, and another wait for it: name, and key."""
    slow = laptop.land("slow")
    holder: str = eventually(lambda: laptop.row(slow))["name"]
    eventually(lambda: laptop.job_statuses(holder) == ["InProgress"])
    key = laptop.land()
    eventually(lambda: laptop.row(key))
    return holder, key


def stop(laptop: Laptop, run: str) -> None:
    laptop.client("stepfunctions").stop_execution(**laptop.execution(run))


def instance_types(laptop: Laptop, run: str) -> set[str]:
    """Give the instance types of a run's jobs."""
    sagemaker = laptop.client("sagemaker")
    jobs = sagemaker.list_processing_jobs(NameContains=run)["ProcessingJobSummaries"]
    described = [
        sagemaker.describe_processing_job(ProcessingJobName=one["ProcessingJobName"])
        for one in jobs
    ]
    return {one["ProcessingResources"]["ClusterConfig"]["InstanceType"] for one in described}


def test_a_run_that_waits_and_a_redrive_outlive_a_deployment_of_other_sizes(
    laptop: Laptop,
) -> None:
    failed = laptop.ended(laptop.land("broken"))["name"]
    holder, key = waiting_run(laptop)
    laptop.deploy(**SIZES)
    stop(laptop, holder)
    waited = laptop.ended(key)
    assert waited["status"] == "SUCCEEDED"
    laptop.client("stepfunctions").redrive_execution(**laptop.execution(failed))
    eventually(lambda: len(laptop.logged(failed)) > 1)
    for run in (waited["name"], failed):
        assert instance_types(laptop, run) == {"ml.m5.large"}, "of the definition they started with"
    assert instance_types(laptop, laptop.run()["name"]) == {"ml.c5.xlarge"}
    assert laptop.refusals == []


def test_a_key_can_be_set_changed_and_removed_under_a_run_that_waits(laptop: Laptop) -> None:
    """Each run's object, volume and outputs are under the key of the deployment before."""
    before = laptop.refusals
    for key, previous in [(KEYS[0], ""), (KEYS[1], KEYS[0]), ("", ",".join(KEYS))]:
        holder, landed = waiting_run(laptop)
        laptop.deploy(KmsKeyArn=key, PreviousKmsKeyArns=previous)
        stop(laptop, holder)
        assert laptop.ended(landed)["status"] == "SUCCEEDED", key
        assert laptop.run()["status"] == "SUCCEEDED", key
    assert laptop.refusals == before


def test_a_message_under_a_previous_key_is_received(laptop: Laptop) -> None:
    laptop.deploy(KmsKeyArn=KEYS[0], PreviousKmsKeyArns="")
    with laptop.without("ObjectCreatedFunctionRole", "sqs:ReceiveMessage"):
        time.sleep(1.2)  # a poll that is under way ends
        key = laptop.land()
        eventually(lambda: laptop.messages("LandingQueueUrl"))
        laptop.deploy(KmsKeyArn=KEYS[1], PreviousKmsKeyArns=KEYS[0])
    assert laptop.ended(key)["status"] == "SUCCEEDED"


def test_without_its_previous_key_a_run_that_waits_fails(laptop: Laptop) -> None:
    """So that the parameter keeps alive what waits, and not a laptop that checks no keys."""
    laptop.deploy(KmsKeyArn=KEYS[0], PreviousKmsKeyArns="")
    holder, key = waiting_run(laptop)
    laptop.deploy(KmsKeyArn=KEYS[1], PreviousKmsKeyArns="")
    stop(laptop, holder)
    assert laptop.ended(key)["status"] == "FAILED"
    assert any(KEYS[0] in line for line in laptop.refusals)
