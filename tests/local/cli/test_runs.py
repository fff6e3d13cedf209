"""`landrun runs`, `show`, `logs` and `rerun`: as processes, about one run that failed."""

import json

import pytest

from landrun_ops.stack.runs_table import RunsReader
from laptop_stack import eventually
from local.commands import environment, landrun, told

WHY = "no text column"


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
    assert f"more about the failure: landrun show {digits}\n" in listed.stdout

    shown = landrun(env, "show", digits)
    assert (shown.returncode, shown.stderr) == (1, "")
    lines = shown.stdout.splitlines()
    assert lines[0].startswith(failed)
    text = " ".join(shown.stdout.split())
    assert "no+text.csv" in text
    assert WHY in text
    assert "attempt 1: failed after" in text
    assert f"again     landrun rerun {failed}" in lines

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
    assert shown["not_seen"] == []
