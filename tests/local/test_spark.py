"""A stack of Engine=spark on the laptop's AWS: one cluster of all hosts, one run.

Needs .venv-spark (tests/spark/install.sh) and Java: `make spark` has both.
"""

import json
import os

import pytest

from laptop_stack import LaptopStack
from local import commands
from local.commands import told

pytestmark = [
    pytest.mark.skipif(not os.environ.get("LANDRUN_SPARK"), reason="make spark runs it"),
    pytest.mark.timeout(400),
]

LINES = '{{"text": "everybody"}}\n{{"text": "{}"}}\n{{"text": ""}}\n'


def test_runs_of_spark_drop_duplicates_among_all_objects_or_say_why_they_fail(
    laptop, root, tmp_path
):
    given = {"Engine": "spark", "InstanceCount": "2"}
    stack = LaptopStack(laptop(root, tmp_path / "state", given).aws)
    bucket, env = stack.outputs["LandingBucket"], commands.environment(stack.aws)
    for name in "ab":
        stack.put(bucket, f"elsewhere/{name}.jsonl", LINES.format(name))
    colours = stack.put(bucket, "colours/a.jsonl", '{"colour": "red"}\n')

    run = told(env, "start", f"s3://{bucket}/elsewhere/", "--wait")
    failed = told(env, "start", colours, "--wait", code=1)

    row = told(env, "show", run["name"])
    counts = ("rows_in", "rows_out", "duplicates", "empty", "rejected")
    assert [row["summary"][name] for name in counts] == [6, 3, 1, 2, 0]
    prefix = row["output_processed_message"].split("/", 3)[3]
    listed = stack.client("s3").list_objects_v2(Bucket=stack.outputs["OutputBucket"], Prefix=prefix)
    names = {one["Key"].removeprefix(prefix) for one in listed["Contents"]}
    assert names == {*row["summary"]["parts"], "rejected.jsonl", "summary.json"}
    shown = told(env, "show", failed["name"], code=1)
    assert (shown["status"], "no text column" in json.dumps(shown)) == ("FAILED", True)
