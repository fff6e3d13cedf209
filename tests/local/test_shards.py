"""A job of three hosts on the laptop's AWS: one process each, and one run for all of them."""

import os

import pytest

from laptop_stack import LaptopStack
from local import commands
from local.commands import told

pytestmark = pytest.mark.skipif(
    os.environ.get("FAULTS") != "thorough", reason="takes long: make faults runs it"
)

HOSTS = ["algo-1", "algo-2", "algo-3"]
LINES = '{{"text": "everybody"}}\n{{"text": "{}"}}\n{{"text": ""}}\n'


def test_three_hosts_share_five_objects_and_the_run_is_their_sum_though_one_could_use_none(
    laptop, root, tmp_path
):
    stack = LaptopStack(laptop(root, tmp_path / "state", {"InstanceCount": "3"}).aws)
    bucket, env = stack.outputs["LandingBucket"], commands.environment(stack.aws)
    for name in "abde":
        stack.put(bucket, f"elsewhere/{name}.jsonl", LINES.format(name))
    stack.put(bucket, "elsewhere/c.jsonl", '{"colour": "red"}\n')

    started = told(env, "start", f"s3://{bucket}/elsewhere/", "--wait")

    row = told(env, "show", started["name"])
    assert row["status"] == "SUCCEEDED"
    summary = row["summary"]
    counts = ("rows_in", "rows_out", "duplicates", "empty", "rejected")
    # "everybody" is in four files: once in each of two shards, with a duplicate within each
    assert [summary[name] for name in counts] == [12, 6, 2, 4, 0]
    assert {host: shard["files"] for host, shard in summary["shards"].items()} == dict(
        zip(HOSTS, [2, 2, 1], strict=True)
    )
    assert summary["hosts"] == HOSTS
    assert summary["duplicates_within"] == "shard"
    assert summary["problem"].startswith("algo-3: no file could be used: ")
    assert row["exit_message"].startswith("algo-3: no file could be used: ")
    prefix = row["output_processed_message"].split("/", 3)[3]
    listed = stack.client("s3").list_objects_v2(Bucket=stack.outputs["OutputBucket"], Prefix=prefix)
    assert {one["Key"].removeprefix(prefix) for one in listed["Contents"]} == {
        *(f"summary-{host}.json" for host in HOSTS),
        *(f"rejected-{host}.jsonl" for host in HOSTS),
        *(f"part-{host}-00000.parquet" for host in HOSTS),
    }
