"""A job of three hosts on the laptop's AWS: one process each, and one run for all of them."""

import json
import os
import uuid
from functools import partial

import pytest

from local import commands

pytestmark = pytest.mark.skipif(
    os.environ.get("FAULTS") != "thorough", reason="takes half a minute: make faults runs it"
)

NAMES = [f"{letter}.jsonl" for letter in "abcde"]
HOSTS = ["algo-1", "algo-2", "algo-3"]


@pytest.fixture(scope="module")
def aws(laptop, root, tmp_path_factory):
    """The real template with three instances."""
    state = tmp_path_factory.mktemp("shards") / "state"
    return laptop(root, state, {"InstanceCount": "3"}).aws


@pytest.fixture(scope="module")
def landrun(aws):
    """``landrun("show", run)`` is what the command says with --json; it must end with ``code``."""
    return partial(commands.told, commands.environment(aws))


def messages(*texts):
    rows = [{"id": str(n), "sender": "ada", "text": text} for n, text in enumerate(texts)]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def run_over(aws, landrun, files):
    """Start one run over files, beside where landings are looked for, and wait for its end."""
    bucket, folder = aws.outputs["LandingBucket"], f"elsewhere/{uuid.uuid4()}/"
    for name, body in files.items():
        aws.client("s3").put_object(Bucket=bucket, Key=folder + name, Body=body)
    started = landrun("start", f"s3://{bucket}/{folder}", "--wait")
    return landrun("show", started["name"])


def test_three_hosts_share_five_objects_and_the_run_is_their_sum(aws, landrun):
    row = run_over(aws, landrun, {name: messages("everybody", name, "") for name in NAMES})

    assert row["status"] == "SUCCEEDED"
    summary = row["summary"]
    counts = ("rows_in", "rows_out", "duplicates", "empty", "rejected")
    # "everybody" is in five files: once in each of the three shards, two duplicates within them
    assert [summary[name] for name in counts] == [15, 8, 2, 5, 0]
    assert sorted(file["name"].rpartition("/")[2] for file in summary["files"]) == NAMES
    assert sorted(shard["files"] for shard in summary["shards"].values()) == [1, 2, 2]
    assert summary["hosts"] == HOSTS
    assert summary["duplicates_within"] == "shard"
    assert "problem" not in summary
    keys = aws.client("s3").list_objects_v2(
        Bucket=aws.outputs["OutputBucket"], Prefix=row["output_processed_message"].split("/", 3)[3]
    )["Contents"]
    names = {one["Key"].rpartition("/")[2] for one in keys}
    assert names == {
        made
        for host in HOSTS
        for made in (
            f"part-{host}-00000.parquet",
            f"rejected-{host}.jsonl",
            f"summary-{host}.json",
        )
    }


def test_one_object_is_one_hosts_and_the_others_succeed_with_nothing(aws, landrun):
    row = run_over(aws, landrun, {"a.jsonl": messages("a")})

    assert row["status"] == "SUCCEEDED"
    assert row["summary"]["rows_out"] == 1
    assert [row["summary"]["shards"][host]["files"] for host in HOSTS] == [1, 0, 0]


def test_an_object_that_cannot_be_used_is_said_and_costs_the_others_nothing(aws, landrun):
    row = run_over(aws, landrun, {"a.jsonl": messages("a"), "b.jsonl": b'{"colour": "red"}\n'})

    assert row["status"] == "SUCCEEDED"
    assert row["summary"]["rows_out"] == 1
    problem = row["summary"]["problem"]
    assert problem.startswith("algo-2: no file could be used: ")
    assert row["exit_message"].startswith("algo-2: no file could be used: ")
