"""MaxConcurrentRuns on the laptop's AWS, with the template that is deployed.

How many jobs are at work at a time is told by SageMaker, not by landrun. Jobs take half a second at
least, and none ends before the test lets it.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.local import LocalAws
from landrun_ops.moments import Attempt, Moment, Turn
from landrun_ops.timeline import timeline

from .cli import process
from .laptop import Laptop

pytestmark = pytest.mark.skipif(
    os.environ.get("FAULTS") != "thorough", reason="takes half a minute: make faults runs it"
)

BOUND = 2
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
MESSAGE = b'{"id": "1", "sender": "ada", "text": "hello"}\n'


class Bounded:
    """A stack whose runs are bounded, as boto3 and the commands show it."""

    def __init__(self, laptop: Laptop, gate: Path, eventually: Callable[..., Any]) -> None:
        self.aws: LocalAws = laptop.aws
        self._gate = gate
        self.eventually = eventually
        self.states = self.aws.client("stepfunctions")
        self.environment = process.environment(self.aws)

    def land(self, key: str) -> None:
        bucket = self.aws.outputs["LandingBucket"]
        self.aws.client("s3").put_object(Bucket=bucket, Key=f"incoming/{key}", Body=MESSAGE)

    def executions(self) -> list[dict[str, Any]]:
        """All of them, those that started first first."""
        arn = self.aws.outputs["StateMachineArn"]
        pages = self.states.get_paginator("list_executions").paginate(stateMachineArn=arn)
        found = [one for page in pages for one in page["executions"]]
        return sorted(found, key=lambda one: one["startDate"])

    def started(self, count: int) -> list[dict[str, Any]]:
        def all_of_them() -> list[dict[str, Any]] | None:
            found = self.executions()
            assert len(found) <= count
            return found if len(found) == count else None

        return self.eventually(all_of_them, timeout=90)

    def ended(self, count: int) -> list[dict[str, Any]]:
        def all_ended() -> list[dict[str, Any]] | None:
            found = self.executions()
            ended = [one for one in found if one["status"] != "RUNNING"]
            return found if len(ended) == len(found) == count else None

        return self.eventually(all_ended, timeout=150)

    def moments(self, execution: dict[str, Any]) -> Sequence[Moment]:
        """What an execution did, by its history."""
        arn = execution["executionArn"]
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        return timeline([event for page in pages for event in page["events"]])

    def line(self, line: str) -> list[str]:
        """Give the places of a line of the table of turns, in its order."""
        page = self.aws.client("dynamodb").query(
            TableName=self.aws.outputs["ConcurrencyTable"],
            KeyConditionExpression="#line = :line",
            ExpressionAttributeNames={"#line": "line"},
            ExpressionAttributeValues={":line": {"S": line}},
            ConsistentRead=True,
        )
        return [item["place"]["S"] for item in page["Items"]]

    def stop(self, execution: dict[str, Any]) -> None:
        self.states.stop_execution(executionArn=execution["executionArn"], cause="enough")

    def say(self, *words: str) -> str:
        """Run ``landrun`` as a user does."""
        done = process.landrun(self.environment, *words)
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    def jobs(self) -> list[dict[str, Any]]:
        sagemaker = self.aws.client("sagemaker")
        names = sagemaker.list_processing_jobs(MaxResults=100)["ProcessingJobSummaries"]
        return [
            sagemaker.describe_processing_job(ProcessingJobName=one["ProcessingJobName"])
            for one in names
        ]

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Let no job end meanwhile: whoever has a turn keeps it."""
        yield
        self._gate.touch()


@pytest.fixture
def bounded(
    laptop: Callable[..., Laptop], root: Path, tmp_path: Path, eventually: Callable[..., Any]
) -> Iterator[Bounded]:
    """A stack of one's own."""
    job, gate = tmp_path / "job.py", tmp_path / "gate"
    job.write_text(JOB)
    given = {
        "MaxConcurrentRuns": str(BOUND),
        "JobEntrypoint": f"python3 {job}",
        "JobArguments": f"/opt/ml/processing/output/processed {gate}",
    }
    started = laptop(root, tmp_path / "state", given)
    yield Bounded(started, gate, eventually)
    started.stop()


def most_at_once(jobs: list[dict[str, Any]]) -> int:
    """Count the jobs that were at work at the same time, by SageMaker's times of them."""
    moments = [(job["CreationTime"], 1) for job in jobs]
    moments += [(job["ProcessingEndTime"], -1) for job in jobs]
    changes = [change for _, change in sorted(moments)]  # at the same moment ends come first
    return max(accumulate(changes))


def test_jobs_that_overlap_are_counted_and_those_that_follow_are_not() -> None:
    def job(began: int, ended: int) -> dict[str, Any]:
        day = datetime(2026, 11, 22, tzinfo=UTC)
        return {
            "CreationTime": day.replace(second=began),
            "ProcessingEndTime": day.replace(second=ended),
        }

    assert most_at_once([job(0, 5), job(5, 9)]) == 1
    assert most_at_once([job(0, 5), job(1, 3), job(2, 9)]) == 3


def test_a_burst_waits_in_order_and_never_more_jobs_run_than_the_bound(bounded: Bounded) -> None:
    # When eight objects land at about the same time, and no job ends at first
    with bounded.shut():
        for number in range(BURST):
            bounded.land(f"{number}.jsonl")
        started = bounded.started(BURST)
        bounded.eventually(lambda: len(bounded.line("waiting")) == BURST - BOUND, timeout=60)
        names = [one["name"] for one in started]
        line = [place.rpartition("#")[2] for place in bounded.line("waiting")]

        # Then two have their turn, and the others stand in line as they started
        assert len(bounded.line("holding")) == BOUND
        bounded.eventually(lambda: len(bounded.jobs()) == BOUND)
        assert line == [name for name in names if name in line]
        # And the commands say so
        third = bounded.say("show", line[2])
        assert "waits its turn, 3rd of 6 in line" in third
        assert "2 of 2 taken, 6 runs wait" in bounded.say("watch", "--once")
        seen = json.loads(bounded.say("watch", "--once", "--json"))
        assert seen["turns"] | {"oldest": None} == {
            "bound": 2,
            "taken": 2,
            "waiting": 6,
            "at_least": False,
            "oldest": None,
        }
        places = {one["name"]: one.get("place_in_line") for one in seen["running"]}
        assert [places[name] for name in line] == [1, 2, 3, 4, 5, 6]
        key = f"s3://{bounded.aws.outputs['LandingBucket']}/incoming/0.jsonl"
        assert "the run landrun-" in bounded.say("explain", key).lower()
        assert "2 of 2 turns are taken, and 6 runs wait" in bounded.say("doctor")

    # And once jobs end, all run, two at a time, in the order of the line
    ended = bounded.ended(BURST)
    assert {one["status"] for one in ended} == {"SUCCEEDED"}
    assert len(bounded.jobs()) == BURST
    assert most_at_once(bounded.jobs()) == BOUND
    turns = {one["name"]: bounded.moments(one) for one in ended}
    for name in line:  # a turn, then a job: nothing was refused, and nothing was tried twice
        turn, job = turns[name]
        assert isinstance(turn, Turn)
        assert isinstance(job, Attempt)
        assert (turn.given, turn.times, job.result) == (True, 1, "succeeded")
    given = [turns[name][0].ended for name in line]
    # Two that were let go on at the same moment may note it in either order.
    assert all(one <= later for one, later in zip(given, given[BOUND:], strict=False))
    bounded.eventually(lambda: not bounded.line("holding") and not bounded.line("waiting"))
    assert "nobody waits" in bounded.say("watch", "--once")
    first = bounded.say("show", line[0])
    assert "waited its turn, " in first


def test_who_is_stopped_in_line_leaves_it_and_who_is_redriven_goes_on(bounded: Bounded) -> None:
    # Given two runs that keep their turns, and three in line
    with bounded.shut():
        for number in range(5):
            bounded.land(f"{number}.jsonl")
        bounded.started(5)
        bounded.eventually(lambda: len(bounded.line("waiting")) == 3, timeout=60)
        by_name = {one["name"]: one for one in bounded.executions()}
        line = [place.rpartition("#")[2] for place in bounded.line("waiting")]
        # When one in line and one with a turn are stopped
        holder = bounded.line("holding")[0]
        bounded.stop(by_name[line[0]])
        bounded.stop(by_name[holder])
        # Then the next in line has the turn, and who was stopped is in no line
        bounded.eventually(lambda: line[1] in bounded.line("holding"), timeout=60)
        bounded.eventually(
            lambda: [p.rpartition("#")[2] for p in bounded.line("waiting")] == [line[2]]
        )
        assert len(bounded.line("holding")) == BOUND
        # And when who was stopped in line is redriven, it asks for its turn again
        bounded.states.redrive_execution(executionArn=by_name[line[0]]["executionArn"])
        bounded.eventually(lambda: len(bounded.line("waiting")) == 2, timeout=60)
    bounded.ended(5)
    statuses = {one["name"]: one["status"] for one in bounded.executions()}
    assert statuses.pop(holder) == "ABORTED"
    assert set(statuses.values()) == {"SUCCEEDED"}
    assert most_at_once(bounded.jobs()) <= BOUND


def test_start_and_wait_says_that_a_run_waits_its_turn(bounded: Bounded) -> None:
    with bounded.shut():
        for number in range(BOUND):
            bounded.land(f"{number}.jsonl")
        bounded.started(BOUND)
        bounded.eventually(lambda: len(bounded.line("holding")) == BOUND, timeout=60)
        said: list[str] = []
        key = f"s3://{bounded.aws.outputs['LandingBucket']}/incoming/0.jsonl"
        waiting = threading.Thread(
            target=lambda: said.append(bounded.say("start", key, "--wait")), daemon=True
        )
        waiting.start()
        bounded.eventually(lambda: len(bounded.line("waiting")) == 1, timeout=60)
        time.sleep(2)
    waiting.join(60)
    assert "waiting its turn for " in said[0]
    assert "1st of 1 in line" in said[0]
    assert "SUCCEEDED in " in said[0]
