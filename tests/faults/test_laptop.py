"""Faults that take a real job, queue or shell: the template on the laptop's AWS."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from laptop_stack import LaptopStack, eventually
from local.laptop import Laptop

from .faulty import THOROUGH
from .stack import ROOT

pytestmark = pytest.mark.skipif(not THOROUGH, reason="takes half a minute: make faults runs it")

JOB = """
import os, sys
from pathlib import Path

source, repaired = Path(sys.argv[1]), Path(sys.argv[2])
read = [path.read_text() for path in source.rglob("*") if path.is_file()]
if "broken" in read and not repaired.exists():
    message = Path(os.environ["LANDRUN_OPT_ML"], "output", "message")
    message.write_text("cannot read what is broken")
    sys.exit(4)
"""
"""Fails for an object that says ``broken`` until a file exists."""


class Stack(LaptopStack):
    """An execution's waits before retries are a fiftieth of what they are on AWS."""

    def __init__(self, folder):
        job, self.repaired = folder / "job.py", folder / "repaired"
        job.write_text(JOB)
        given = {
            "JobEntrypoint": f"python3 {job}",
            "JobArguments": f"/opt/ml/processing/input/messages {self.repaired}",
        }
        self.laptop = Laptop(ROOT, folder / "state", given, pace=0.02)
        super().__init__(self.laptop.aws)
        self.notifications = self.subscribe()

    def refused(self, key):
        """How often SageMaker's quota has refused the job of an object so far."""
        row = eventually(lambda: self.row(key))
        history = self.client("stepfunctions").get_execution_history
        events = history(executionArn=row["execution_arn"], maxResults=1000)["events"]
        return sum("ResourceLimitExceeded" in str(event) for event in events)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    started = Stack(tmp_path_factory.mktemp("laptop"))
    yield started
    started.laptop.stop()


@pytest.mark.case(21, 26)
def test_failed_run_is_redriven_with_the_notifications_command_and_ends_succeeded(stack):
    key = stack.land("broken")
    failed = stack.ended(key)
    assert (failed["status"], failed["exit_message"]) == ("FAILED", "cannot read what is broken")
    [notification] = eventually(stack.notifications)
    text = notification["Message"]
    assert failed["name"] in text
    [command] = [line for line in text.splitlines() if "redrive-execution" in line]
    stack.repaired.touch()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"HOME": os.environ["HOME"], **stack.aws.environment(), "PATH": path}
    subprocess.run(["sh", "-c", command], env=environment, check=True)
    ended = stack.ended(key, redrives=1)
    assert (ended["name"], ended["status"]) == (failed["name"], "SUCCEEDED")
    assert "error" not in ended
    assert stack.notifications() == []
    jobs = [job["ProcessingJobName"] for job in stack.jobs(ended["name"])]
    assert len(jobs) == len(set(jobs)) == 3
    assert ended["job_name"] in jobs
    assert ended["job_name"] != failed["job_name"]


@pytest.mark.case(25)
def test_run_waits_for_sagemakers_quota_and_runs_when_there_is_room(stack):
    with stack.laptop.quota(0):
        key = stack.land()
        eventually(lambda: stack.refused(key) > 1)
        assert stack.row(key)["status"] == "RUNNING"
    ended = stack.ended(key)
    assert ended["status"] == "SUCCEEDED"
    assert len(stack.jobs(ended["name"])) == 1


@pytest.mark.case(30)
def test_object_deleted_before_its_job_reads_it_fails_its_run_by_name_the_others_go_on(stack):
    with stack.laptop.quota(0):
        gone, *others = [stack.land() for _ in range(3)]
        eventually(lambda: stack.refused(gone))
        stack.client("s3").delete_object(Bucket=stack.outputs["LandingBucket"], Key=gone)
    failed = stack.ended(gone)
    assert failed["status"] == "FAILED"
    assert f"s3://{stack.outputs['LandingBucket']}/{gone}" in failed["cause"]
    assert {stack.ended(key)["status"] for key in others} == {"SUCCEEDED"}
