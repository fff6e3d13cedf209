"""What failed runs again once, under a new name that is linked to the old."""

from __future__ import annotations

import re
from unittest.mock import Mock

import pytest

from landrun.errors import ConfigurationError
from landrun.models.run import ExecutionInput, ManualTrigger
from landrun.models.s3_uri import S3Uri
from landrun_ops.cli.rerun import LEFT_STOPPED, REPAIRED, UNDER_WAY, check, choose, start_again
from records import record

MANIFEST = "s3://out/manifests/a.json"


def run(name, status="FAILED", of=None, **more):
    row = {"name": name, "status": status, "input_message": f"s3://out/manifests/{name}.json"}
    return record(row | ({"rerun_of": of} if of else {}) | more)


@pytest.mark.parametrize(
    ("newest_first", "chosen", "left_out"),
    [
        ([run("c", "TIMED_OUT"), run("b", "SUCCEEDED"), run("a")], ["a", "c"], (0, 0, 0)),
        ([run("b", "SUCCEEDED", of="a"), run("a")], [], (1, 0, 0)),
        ([run("b", "RUNNING", of="a"), run("a")], [], (0, 1, 0)),
        ([run("b", "ABORTED"), run("a")], ["a"], (0, 0, 1)),
        ([run("b", "ABORTED", of="a"), run("a")], [], (0, 0, 1)),
        ([run("b", of="a"), run("a", "ABORTED")], ["b"], (0, 0, 0)),
        ([run("c", of="b"), run("b", of="a"), run("a")], ["c"], (0, 0, 0)),
        ([run("c", of="a"), run("b", of="a")], ["c"], (0, 0, 0)),
        ([run("c", "SUCCEEDED", of="b"), run("b", of="a"), run("a")], [], (1, 0, 0)),
        ([run("c", of="c")], ["c"], (0, 0, 0)),
    ],
)
def test_the_newest_of_a_run_and_its_reruns_is_chosen_unless_left_out(
    newest_first, chosen, left_out
):
    found, others = choose(newest_first)
    assert [one.name for one in found] == chosen
    assert tuple(others[why] for why in (REPAIRED, UNDER_WAY, LEFT_STOPPED)) == left_out


def test_a_stopped_run_runs_again_with_aborted():
    [found], left_out = choose([run("a", "ABORTED")], aborted=True)
    assert (found.name, left_out) == ("a", {})


def test_a_circle_of_reruns_is_survived():
    assert len(choose([run("a", of="b"), run("b", of="a")])[0]) in (1, 2)


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([run("a"), run("b", "RUNNING")], r"still RUNNING.*--follow.*landrun stop"),
        ([record({"name": "a", "status": "FAILED"})], "does not say what a read"),
    ],
)
def test_a_run_that_runs_or_whose_input_is_unknown_is_refused(runs, words):
    with pytest.raises(ConfigurationError, match=words):
        check(runs)


def again(executions, run, *, once=False):
    stack = Mock(executions=lambda: executions, processed=S3Uri("out", "processed/"))
    stack.output = {"JobNamePrefix": "nightly"}.__getitem__
    name = start_again(stack, run, MANIFEST, "ana", once=once)["name"]
    return name, executions.start.call_args.args[0]


def test_a_rerun_reads_the_same_manifest_and_writes_to_its_own_folder():
    executions = Mock()
    name, asked = again(executions, run("a"))
    assert re.fullmatch(r"nightly-[0-9a-f]{32}", name)
    assert name != again(executions, run("a"))[0]
    assert asked == ExecutionInput(
        PreprocessingJobName=name,
        InputMessage=MANIFEST,
        OutputProcessedMessage=f"s3://out/processed/{name}/",
        Trigger=ManualTrigger(StartedBy="ana", RerunOf="a"),
    )


def test_once_gives_each_failure_one_name_so_that_it_runs_again_only_once():
    first, again_, redriven, other = (
        again(Mock(), one, once=True)[0]
        for one in (run("a"), run("a"), run("a", redrive_count=1), run("b"))
    )
    assert first == again_
    assert len({first, redriven, other}) == 3
