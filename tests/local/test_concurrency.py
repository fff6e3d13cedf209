"""MaxConcurrentRuns on the laptop's AWS, with the template that is deployed.

SageMaker says how many jobs run at once, not landrun. No job ends before the test lets it.
"""

import json
import os
import threading
from itertools import accumulate

import pytest

from landrun.adapters.concurrency_table import ConcurrencyTable
from landrun.models.concurrency import SlotStatus
from laptop_stack import LaptopStack, eventually
from local import commands

pytestmark = pytest.mark.skipif(
    os.environ.get("FAULTS") != "thorough", reason="takes half a minute: make faults runs it"
)

LIMIT = 2
BURST = 8
JOB = """
import sys, time
from pathlib import Path

output, gate = map(Path, sys.argv[1:])
while not gate.exists():
    time.sleep(0.05)
time.sleep(0.5)
(output / "done.txt").write_text("done")
"""


class Limited(LaptopStack):
    """A stack with a concurrency limit, as boto3 and the commands show it."""

    def __init__(self, aws):
        super().__init__(aws)
        self._environment = commands.environment(aws)
        self._table = ConcurrencyTable(self.client("dynamodb"), self.outputs["ConcurrencyTable"])

    def land_several(self, runs):
        for number in range(runs):
            body = '{"id": "1", "text": "hello"}\n'
            self.put(self.outputs["LandingBucket"], f"incoming/{number}.jsonl", body)

    def wait_for(self, condition):
        eventually(condition, timeout=150)

    def started(self):
        """List all executions in the order in which they started."""
        return sorted(self.executions(), key=lambda one: one["startDate"])

    def statuses(self):
        return {one["status"] for one in self.executions()}

    def waiting(self):
        """Name the executions that wait for a slot, in their order."""
        return [one.name for one in self._table.with_status(SlotStatus.WAITING)]

    def holders(self):
        """Name the executions that hold a slot and have been resumed."""
        return [one.name for one in self._table.with_status(SlotStatus.RESUMED)]

    def landrun(self, *words):
        """Run ``landrun`` as a user does."""
        done = commands.installed(self._environment, *words)
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    def described_jobs(self):
        """Describe all Processing jobs in the order of their creation."""
        sagemaker = self.client("sagemaker")
        names = [one["ProcessingJobName"] for one in self.jobs("")]
        jobs = [sagemaker.describe_processing_job(ProcessingJobName=name) for name in names]
        return sorted(jobs, key=lambda job: job["CreationTime"])


@pytest.fixture
def gate(tmp_path):
    """The file without which no job ends."""
    return tmp_path / "gate"


@pytest.fixture
def limited(laptop, root, tmp_path, gate):
    job = tmp_path / "job.py"
    job.write_text(JOB)
    parameters = {
        "MaxConcurrentRuns": str(LIMIT),
        "JobEntrypoint": f"python3 {job}",
        "JobArguments": f"/opt/ml/processing/output/processed {gate}",
    }
    started = laptop(root, tmp_path / "state", parameters)
    yield Limited(started.aws)
    started.stop()


def most_at_once(jobs):
    """Count the jobs that ran at the same time, by SageMaker's times of them."""
    changes = [(job["CreationTime"], 1) for job in jobs]
    changes += [(job["ProcessingEndTime"], -1) for job in jobs]
    return max(accumulate(change for _, change in sorted(changes)))


def test_burst_waits_in_order_and_no_more_jobs_run_than_the_limit(limited, gate):
    # While no job ends, two executions have their job and the others wait
    limited.land_several(BURST)
    limited.wait_for(lambda: len(limited.waiting()) == BURST - LIMIT)
    limited.wait_for(lambda: len(limited.holders()) == len(limited.described_jobs()) == LIMIT)
    names, waiting = [one["name"] for one in limited.started()], limited.waiting()
    assert waiting == [name for name in names if name in waiting]

    # The commands say so
    shown = limited.landrun("show", waiting[2])
    assert f"{waiting[2]}  WAITING for " in shown
    assert "(3 of 6 in line)" in " ".join(shown.split())
    assert f"stop      landrun stop {waiting[2]}" in shown
    assert limited.landrun("runs").count(" WAITING ") == 6
    assert "2 of 2 in use, 6 runs waiting" in limited.landrun("watch", "--once")
    seen = json.loads(limited.landrun("watch", "--once", "--json"))
    assert [one["name"] for one in seen["slots"]["waiting"]] == waiting
    assert "2 of 2 slots are in use, 6 waiting" in limited.landrun("doctor")
    said = []
    key = f"s3://{limited.outputs['LandingBucket']}/incoming/0.jsonl"
    start = threading.Thread(target=lambda: said.append(limited.landrun("start", key, "--wait")))
    start.start()
    limited.wait_for(lambda: len(limited.waiting()) == BURST - LIMIT + 1)

    # When jobs end, all run, two at a time, in order
    gate.touch()
    start.join(150)
    assert "7 of 7 in line" in said[0]
    assert "SUCCEEDED in " in said[0]
    limited.wait_for(lambda: limited.statuses() == {"SUCCEEDED"})
    jobs = limited.described_jobs()
    assert len(jobs) == BURST + 1
    assert most_at_once(jobs) == LIMIT
    created = [job["ProcessingJobName"].rpartition("-")[0] for job in jobs]
    for name in waiting:  # two that were resumed at the same moment may start in either order
        assert abs(created.index(name) - names.index(name)) < LIMIT
    limited.wait_for(lambda: not limited.holders() and not limited.waiting())
    assert "0 runs waiting" in limited.landrun("watch", "--once")


def test_stopped_executions_make_room_and_a_redriven_one_requests_its_slot_again(limited, gate):
    limited.land_several(5)
    limited.wait_for(lambda: len(limited.waiting()) == 3 and len(limited.holders()) == LIMIT)
    arns = {one["name"]: one["executionArn"] for one in limited.executions()}
    [first, second, third], holder = limited.waiting(), limited.holders()[0]
    said = limited.landrun("stop", first, holder, "--cause", "enough", "--yes", "--json")
    assert [(one["name"], one["stopped"], one["status"]) for one in json.loads(said)] == [
        (first, True, "ABORTED"),
        (holder, True, "ABORTED"),
    ]
    limited.wait_for(lambda: "2 stopped by somebody" in limited.landrun("rerun", "--failed"))
    assert "somebody stopped the execution: enough" in limited.landrun("show", first)
    limited.wait_for(lambda: second in limited.holders() and limited.waiting() == [third])
    assert len(limited.holders()) == LIMIT
    limited.client("stepfunctions").redrive_execution(executionArn=arns[first])
    limited.wait_for(lambda: limited.waiting() == [first, third])
    gate.touch()
    limited.wait_for(lambda: "RUNNING" not in limited.statuses())
    ends = {one["name"]: one["status"] for one in limited.executions()}
    assert ends.pop(holder) == "ABORTED"
    assert set(ends.values()) == {"SUCCEEDED"}
    assert most_at_once(limited.described_jobs()) <= LIMIT
