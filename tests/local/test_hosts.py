"""A job of several hosts on the laptop's AWS is one run: each reads its share, or Spark reads all.

Spark needs .venv-spark (tests/spark/install.sh) and Java: `make spark` has both.
"""

import json
import os

import pytest

from laptop_stack import LaptopStack
from local import commands
from local.commands import told

HOSTS = ["algo-1", "algo-2", "algo-3"]
LINES = '{{"text": "everybody"}}\n{{"text": "{}"}}\n{{"text": ""}}\n'
COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")


@pytest.fixture
def started(laptop, root, tmp_path):
    """``started("ab", Engine="spark")``: a stack, its commands' environment, and a prefix's URI."""

    def start(names, **parameters):
        stack = LaptopStack(laptop(root, tmp_path / "state", parameters).aws)
        for name in names:
            stack.put(stack.outputs["LandingBucket"], f"elsewhere/{name}.jsonl", LINES.format(name))
        uri = f"s3://{stack.outputs['LandingBucket']}/elsewhere/"
        return stack, commands.environment(stack.aws), uri

    return start


def outputs(stack, row):
    """The names of what a run has written."""
    prefix = row["output_processed_message"].split("/", 3)[3]
    listed = stack.client("s3").list_objects_v2(Bucket=stack.outputs["OutputBucket"], Prefix=prefix)
    return {one["Key"].removeprefix(prefix) for one in listed["Contents"]}


@pytest.mark.skipif(os.environ.get("FAULTS") != "thorough", reason="make faults runs it")
def test_three_hosts_share_five_objects_and_the_run_is_their_sum_though_one_could_use_none(started):
    stack, env, uri = started("abde", InstanceCount="3")
    stack.put(stack.outputs["LandingBucket"], "elsewhere/c.jsonl", '{"colour": "red"}\n')

    row = told(env, "show", told(env, "start", uri, "--wait")["name"])

    assert row["status"] == "SUCCEEDED"
    summary = row["summary"]
    # "everybody" is in four files: once in each of two shards, with a duplicate within each
    assert [summary[name] for name in COUNTS] == [12, 6, 2, 4, 0]
    files = {host: shard["files"] for host, shard in summary["shards"].items()}
    assert files == dict(zip(HOSTS, [2, 2, 1], strict=True))
    assert (summary["hosts"], summary["duplicates_within"]) == (HOSTS, "shard")
    for problem in (summary["problem"], row["exit_message"]):
        assert problem.startswith("algo-3: no file could be used: ")
    assert outputs(stack, row) == {
        *(f"summary-{host}.json" for host in HOSTS),
        *(f"rejected-{host}.jsonl" for host in HOSTS),
        *(f"part-{host}-00000.parquet" for host in HOSTS),
    }


@pytest.mark.skipif(not os.environ.get("LANDRUN_SPARK"), reason="make spark runs it")
@pytest.mark.timeout(400)
def test_runs_of_spark_drop_duplicates_among_all_objects_or_say_why_they_fail(started):
    stack, env, uri = started("ab", Engine="spark", InstanceCount="2")
    colours = stack.put(stack.outputs["LandingBucket"], "colours/a.jsonl", '{"colour": "red"}\n')

    run = told(env, "start", uri, "--wait")
    failed = told(env, "start", colours, "--wait", code=1)

    row = told(env, "show", run["name"])
    assert [row["summary"][name] for name in COUNTS] == [6, 3, 1, 2, 0]
    assert outputs(stack, row) == {*row["summary"]["parts"], "rejected.jsonl", "summary.json"}
    shown = told(env, "show", failed["name"], code=1)
    assert (shown["status"], "no text column" in json.dumps(shown)) == ("FAILED", True)
