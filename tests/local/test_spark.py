"""A stack of Engine=spark on the laptop's AWS: one cluster of all hosts, one run.

Needs .venv-spark (tests/spark/install.sh) and Java: `make spark` has both.
"""

from __future__ import annotations

import io
import json
import os
from functools import partial

import polars as pl
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


def put(aws, folder, **files):
    bucket = aws.outputs["LandingBucket"]
    for name, body in files.items():
        aws.client("s3").put_object(Bucket=bucket, Key=f"{folder}{name}.jsonl", Body=body)
    return f"s3://{bucket}/{folder}"


def test_a_run_of_spark_drops_duplicates_among_all_its_objects(aws, landrun):
    lines = [
        b"".join(b'{"text": "%s"}\n' % t for t in (b"everybody", n, b"")) for n in (b"a", b"b")
    ]
    source = put(aws, "elsewhere/", a=lines[0], b=lines[1])

    row = landrun("show", landrun("start", source, "--wait")["name"])

    counts = ("rows_in", "rows_out", "duplicates", "empty", "rejected")
    assert [row["summary"][name] for name in counts] == [6, 3, 1, 2, 0]
    bucket, _, prefix = row["output_processed_message"].removeprefix("s3://").partition("/")
    s3 = aws.client("s3")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    parts = [key for key in keys if "/part-" in key]
    names = {key.removeprefix(prefix) for key in keys}
    assert names - set(row["summary"]["parts"]) == {"rejected.jsonl", "summary.json"}
    bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in parts]
    frames = [pl.read_parquet(io.BytesIO(body)) for body in bodies]
    assert sorted(pl.concat(frames)["text"]) == ["a", "b", "everybody"]


def test_a_run_of_spark_that_fails_says_why(aws, landrun):
    source = put(aws, "colours/", a=b'{"colour": "red"}\n')

    started = landrun("start", source, "--wait", code=1)

    row = landrun("show", started["name"], code=1)
    assert row["status"] == "FAILED"
    assert "no text column" in json.dumps(row)
