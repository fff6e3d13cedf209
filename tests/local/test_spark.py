"""A stack of Engine=spark on the laptop's AWS: one cluster of all hosts, one run.

Needs .venv-spark (tests/spark/install.sh) and Java: `make spark` has both.
"""

import json
import os
from functools import partial

import pytest

from local import commands

pytestmark = [
    pytest.mark.skipif(not os.environ.get("LANDRUN_SPARK"), reason="make spark runs it"),
    pytest.mark.timeout(400),
]


@pytest.fixture(scope="module")
def aws(laptop, root, tmp_path_factory):
    """The real template with two instances of Spark."""
    state = tmp_path_factory.mktemp("spark") / "state"
    return laptop(root, state, {"Engine": "spark", "InstanceCount": "2"}).aws


@pytest.fixture(scope="module")
def landrun(aws):
    """``landrun("show", run)`` is what the command says with --json; it must end with ``code``."""
    return partial(commands.told, commands.environment(aws))


def put(aws, folder, *texts):
    s3, bucket = aws.client("s3"), aws.outputs["LandingBucket"]
    for number, text in enumerate(texts):
        s3.put_object(Bucket=bucket, Key=f"{folder}{number}.jsonl", Body=text.encode())
    return f"s3://{bucket}/{folder}"


def test_a_run_of_spark_drops_duplicates_among_all_its_objects(aws, landrun):
    line = '{{"text": "everybody"}}\n{{"text": "{}"}}\n{{"text": ""}}\n'
    source = put(aws, "elsewhere/", line.format("a"), line.format("b"))

    row = landrun("show", landrun("start", source, "--wait")["name"])

    counts = ("rows_in", "rows_out", "duplicates", "empty", "rejected")
    assert [row["summary"][name] for name in counts] == [6, 3, 1, 2, 0]
    bucket, _, prefix = row["output_processed_message"].removeprefix("s3://").partition("/")
    listed = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    names = {one["Key"].removeprefix(prefix) for one in listed}
    assert names == {*row["summary"]["parts"], "rejected.jsonl", "summary.json"}


def test_a_run_of_spark_that_fails_says_why(aws, landrun):
    started = landrun("start", put(aws, "colours/", '{"colour": "red"}\n'), "--wait", code=1)

    row = landrun("show", started["name"], code=1)
    assert row["status"] == "FAILED"
    assert "no text column" in json.dumps(row)
