"""What failed runs again once, under a new name that is linked to the old."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from landrun.adapters.step_functions import Started as Execution
from landrun.errors import AlreadyStarted, ConfigurationError
from landrun.models.run import ExecutionInput, ManualTrigger
from landrun.models.s3_uri import S3Uri
from landrun_ops import cli
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
def test_of_a_run_and_its_reruns_the_newest_runs_again_unless_left_out(
    newest_first, chosen, left_out
):
    found, others = choose(newest_first)
    assert [one.name for one in found] == chosen
    assert tuple(others[why] for why in (REPAIRED, UNDER_WAY, LEFT_STOPPED)) == left_out


def test_what_somebody_stopped_runs_again_when_it_is_asked_for():
    [found], left_out = choose([run("a", "ABORTED")], aborted=True)
    assert (found.name, left_out) == ("a", {})


def test_reruns_in_a_circle_come_to_an_end():
    assert len(choose([run("a", of="b"), run("b", of="a")])[0]) in (1, 2)


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([run("a"), run("b", "RUNNING")], r"still RUNNING.*--follow.*landrun stop"),
        ([record({"name": "a", "status": "FAILED"})], "does not say what a read"),
    ],
)
def test_what_cannot_run_again_is_refused(runs, words):
    with pytest.raises(ConfigurationError, match=words):
        check(runs)


class Executions:
    """Starts each name once."""

    def __init__(self):
        self.asked = []

    def start(self, given):
        name = given.PreprocessingJobName
        if name in [one.PreprocessingJobName for one in self.asked]:
            raise AlreadyStarted(name)
        self.asked.append(given)
        return Execution(f"arn:{name}", datetime.now(UTC))


def again(executions, run, *, once=False):
    stack = SimpleNamespace(
        output={"JobNamePrefix": "nightly"}.__getitem__,
        processed=S3Uri("out", "processed/"),
        executions=lambda: executions,
    )
    found = start_again(stack, run, MANIFEST, "ana", once=once)
    name = found["name"]
    assert found == {"name": name, "rerun_of": run.name, "execution_arn": f"arn:{name}"}
    return name


def test_a_rerun_reads_the_same_manifest_and_writes_to_its_own_folder():
    executions = Executions()
    name = again(executions, run("a"))
    assert re.fullmatch(r"nightly-[0-9a-f]{32}", name)
    assert name != again(executions, run("a"))
    assert executions.asked[0] == ExecutionInput(
        PreprocessingJobName=name,
        InputMessage=MANIFEST,
        OutputProcessedMessage=f"s3://out/processed/{name}/",
        Trigger=ManualTrigger(StartedBy="ana", RerunOf="a"),
    )


def test_a_failure_is_run_again_only_once_where_that_is_asked():
    executions = Executions()
    first = again(executions, run("a"), once=True)
    with pytest.raises(AlreadyStarted, match=first):
        again(executions, run("a"), once=True)
    for other in (run("a", redrive_count=1), run("b")):
        assert again(executions, other, once=True) != first


@pytest.mark.parametrize(
    "words", [[], ["a", "--failed"], ["a", "--since", "1d"], ["a", "--aborted"]], ids=" ".join
)
def test_what_is_to_run_again_has_to_be_clear(words, capsys):
    assert cli.run(["rerun", *words]) == 2
    assert "name runs, or give --failed" in capsys.readouterr().err
