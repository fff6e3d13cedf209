"""MaxConcurrentRuns on the laptop's AWS, with the template that is deployed.

SageMaker says how many jobs run at once, not landrun. No job ends before the test lets it.
"""

import os
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


def most_at_once(jobs):
    """Count the jobs that ran at the same time, by SageMaker's times of them."""
    changes = [(job["CreationTime"], 1) for job in jobs]
    changes += [(job["ProcessingEndTime"], -1) for job in jobs]
    return max(accumulate(change for _, change in sorted(changes)))


def test_burst_waits_in_order_and_no_more_jobs_run_than_the_limit(laptop, root, tmp_path):
    job, gate = tmp_path / "job.py", tmp_path / "gate"
    job.write_text(JOB)
    parameters = {
        "MaxConcurrentRuns": str(LIMIT),
        "JobEntrypoint": f"python3 {job}",
        "JobArguments": f"/opt/ml/processing/output/processed {gate}",
    }
    stack = LaptopStack(laptop(root, tmp_path / "state", parameters).aws)
    table = ConcurrencyTable(stack.client("dynamodb"), stack.outputs["ConcurrencyTable"])

    def with_slot(status):
        return [one.name for one in table.with_status(status)]

    # While no job ends, two executions have their job and the others wait
    for _ in range(BURST):
        stack.land()
    eventually(lambda: len(with_slot(SlotStatus.WAITING)) == BURST - LIMIT)
    eventually(lambda: len(stack.jobs("")) == LIMIT)
    started = sorted(stack.executions(), key=lambda one: one["startDate"])
    names, waiting = [one["name"] for one in started], with_slot(SlotStatus.WAITING)
    assert waiting == [name for name in names if name in waiting]

    # The commands say so
    env = commands.environment(stack.aws)
    shown = commands.landrun(env, "show", waiting[2]).stdout
    assert f"{waiting[2]}  WAITING for " in shown
    assert "(3 of 6 in line)" in " ".join(shown.split())
    assert commands.landrun(env, "runs").stdout.count(" WAITING ") == 6
    assert "2 of 2 in use, 6 runs waiting" in commands.landrun(env, "watch", "--once").stdout
    seen = commands.told(env, "watch", "--once")
    assert [one["name"] for one in seen["slots"]["waiting"]] == waiting

    # When jobs end, all run, two at a time, in order
    gate.touch()
    eventually(lambda: {one["status"] for one in stack.executions()} == {"SUCCEEDED"})
    sagemaker = stack.client("sagemaker")
    listed = [one["ProcessingJobName"] for one in stack.jobs("")]
    jobs = [sagemaker.describe_processing_job(ProcessingJobName=name) for name in listed]
    assert len(jobs) == BURST
    assert most_at_once(jobs) == LIMIT
    in_order = sorted(jobs, key=lambda one: one["CreationTime"])
    created = [one["ProcessingJobName"].rpartition("-")[0] for one in in_order]
    for name in waiting:  # two that were resumed at the same moment may start in either order
        assert abs(created.index(name) - names.index(name)) < LIMIT
    eventually(lambda: not with_slot(SlotStatus.RESUMED))
