"""`landrun start` and `watch`; `runs`, `show`, `logs` and `rerun` about one run that failed."""

import json

import pytest

from landrun_ops.stack.runs_table import RunsReader
from laptop_stack import eventually
from local.commands import environment, landrun, told

WHY = "no text column"


def test_a_run_by_hand_reads_what_it_is_told_and_ends_as_its_row_says(aws, env, root):
    s3, bucket = aws.client("s3"), aws.outputs["LandingBucket"]
    sample = (root / "samples" / "orders.jsonl").read_bytes()
    for key, body in {"a+b.jsonl": sample, "c.jsonl": sample, "": b""}.items():
        s3.put_object(Bucket=bucket, Key=f"by hand/{key}", Body=body)

    uris = (f"s3://{bucket}/by hand/c.jsonl", f"s3://{bucket}/by hand/*")
    done = landrun(env, "start", *uris, "--wait", "--json")

    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert (run["status"], run["ended"]["status"]) == ("SUCCEEDED", "SUCCEEDED")
    assert (run["objects"], run["bytes"]) == (2, 2 * len(sample))
    assert (run["left_out"], run["warnings"]) == ({"folder-marker": 1}, [])
    assert run["ended"]["summary"]["rows_in"] == 88
    assert run["output"] == f"s3://{aws.outputs['OutputBucket']}/processed/{run['name']}/"
    keys = told(env, "show", run["name"])["input"]["keys"]
    assert keys == ["by hand/c.jsonl", "by hand/a+b.jsonl"]

    seen = told(env, "watch", "--once")
    assert run["name"] in [one["name"] for one in seen["runs"]]
    assert seen["notes"] == []
    assert seen["dead_letters"] is not None


@pytest.fixture(scope="module")
def failed(aws, tmp_path_factory):
    """The name of a run whose job failed, and once more."""
    file = tmp_path_factory.mktemp("landed") / "no+text.csv"
    file.write_text("id,sender\n1,a\n")
    options = ("--prefix", "runs and logs", "--wait")
    said = told(environment(aws), "land", str(file), *options, code=1)
    return said["ended"][0]["name"]


def test_a_run_that_failed_is_listed_shown_whole_and_its_log_read(env, failed):
    listed = landrun(env, "runs", "--status", "failed", "--contains", "no+text", "--since", "1h")
    assert (listed.returncode, listed.stderr) == (0, "")
    digits = failed.rpartition("-")[2][:8]
    assert f"✗ {digits}: no file could be used" in listed.stdout

    shown = landrun(env, "show", digits)
    assert (shown.returncode, shown.stderr) == (1, "")
    text = " ".join(shown.stdout.split())
    assert "no+text.csv" in text
    assert WHY in text
    assert "attempt 1: failed after" in text
    assert f"landrun rerun {failed}" in text

    read = landrun(env, "logs", digits, "--json")
    assert (read.returncode, read.stderr) == (0, "")
    written = [json.loads(line) for line in read.stdout.splitlines()]
    assert any(WHY in line["message"] for line in written)
    assert {(line["attempt"], line["instance"]) for line in written} >= {(1, "algo-1")}


def test_a_rerun_reads_the_same_manifest_and_is_linked_to_the_first(aws, env, failed):
    (started,) = told(env, "rerun", failed)
    assert started["rerun_of"] == failed
    told(env, "stop", started["name"])
    reader = RunsReader(aws.client("dynamodb"), aws.outputs["RunsTable"])
    again = eventually(lambda: (run := reader.get(started["name"])) and run.finished and run)
    assert again.input_message == reader.get(failed).input_message
    assert str(again.output_processed_message).endswith(f"/processed/{again.name}/")

    rows = [row["name"] for row in told(env, "runs", "--status", "failed")]
    assert [name for name in rows if name in (again.name, failed)] == [again.name, failed]
    listed = landrun(env, "runs", "--trigger", "manual").stdout
    assert "(rerun of" in listed
    assert "no+text.csv" in listed
    asked = landrun(env, "rerun", again.name, failed)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "Nobody is here to answer: say --yes" in asked.stderr.splitlines()[-1]

    shown = told(env, "show", failed, code=1)
    assert [run["name"] for run in shown["reruns"]] == [again.name]
    assert shown["input"]["keys"] == ["incoming/runs and logs/no+text.csv"]
