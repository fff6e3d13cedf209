"""`landrun runs`, `show`, `logs` and `rerun`: as processes, about one run that failed."""

import json

import pytest

from landrun_ops.stack.runs_table import RunsReader
from laptop_stack import eventually
from local.commands import landrun, told

KEY = "incoming/runs and logs/no+text.csv"
WHY = "no text column"


@pytest.fixture(scope="module")
def failed(aws):
    """A run whose job failed; not waited for to fail once more, but stopped."""
    s3, states, jobs = aws.client("s3"), aws.client("stepfunctions"), aws.client("sagemaker")
    s3.put_object(Bucket=aws.outputs["LandingBucket"], Key=KEY, Body=b"id,sender\n1,a\n")

    def execution():
        machine = aws.outputs["StateMachineArn"]
        for found in states.list_executions(stateMachineArn=machine)["executions"]:
            described = states.describe_execution(executionArn=found["executionArn"])
            if json.loads(described["input"])["Trigger"].get("Key") == KEY:
                return found
        return None

    def job_failed_and_is_known():
        """Whether the execution has noted its job, too: a quick one may fail before."""
        listed = jobs.list_processing_jobs(NameContains=found["name"])["ProcessingJobSummaries"]
        history = states.get_execution_history(executionArn=found["executionArn"])["events"]
        known = any(event["type"] == "TaskSubmitted" for event in history)
        return known and any(job["ProcessingJobStatus"] == "Failed" for job in listed)

    found = eventually(execution)
    eventually(job_failed_and_is_known)
    states.stop_execution(executionArn=found["executionArn"], error="Test", cause="seen enough")
    return _recorded(aws, found["name"])


def _recorded(aws, name):
    reader = RunsReader(aws.client("dynamodb"), aws.outputs["RunsTable"])

    def ended():
        run = reader.get(name)
        return run if run and run.finished else None

    return eventually(ended)


def test_a_run_that_failed_is_listed_shown_whole_and_its_log_read(env, failed):
    listed = landrun(env, "runs", "--status", "failed", "--contains", "no+text", "--since", "1h")
    assert (listed.returncode, listed.stderr) == (0, "")
    digits = failed.name.rpartition("-")[2][:8]
    assert f"✗ {digits}: seen enough\n" in listed.stdout
    assert f"more about the failure: landrun show {digits}\n" in listed.stdout

    shown = landrun(env, "show", digits)
    assert (shown.returncode, shown.stderr) == (1, "")
    lines = shown.stdout.splitlines()
    assert lines[0].startswith(failed.name)
    text = " ".join(shown.stdout.split())
    assert "no+text.csv" in text
    assert WHY in text
    assert "attempt 1: failed after" in text
    assert f"again     landrun rerun {failed.name}" in lines
    assert {line.split()[0] for line in lines if len(line) > 80} == {"manifest", "output", "resume"}

    read = landrun(env, "logs", digits, "--json")
    assert (read.returncode, read.stderr) == (0, "")
    written = [json.loads(line) for line in read.stdout.splitlines()]
    assert any(WHY in line["message"] for line in written)
    assert {(line["attempt"], line["instance"]) for line in written} >= {(1, "algo-1")}


def test_a_rerun_reads_the_same_manifest_and_is_linked_to_the_first(aws, env, failed):
    (started,) = told(env, "rerun", failed.name)
    assert started["rerun_of"] == failed.name
    aws.client("stepfunctions").stop_execution(executionArn=started["execution_arn"])
    again = _recorded(aws, started["name"])
    assert again.input_message == failed.input_message
    assert str(again.output_processed_message).endswith(f"/processed/{again.name}/")

    rows = {row["name"]: row for row in told(env, "runs", "--status", "aborted")}
    assert [name for name in rows if name in (again.name, failed.name)] == [again.name, failed.name]
    listed = landrun(env, "runs", "--trigger", "manual").stdout
    assert "(rerun of" in listed
    assert "no+text.csv" in listed
    asked = landrun(env, "rerun", again.name, failed.name)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "Nobody is here to answer: say --yes" in asked.stderr.splitlines()[-1]

    shown = told(env, "show", failed.name, code=1)
    assert [run["name"] for run in shown["reruns"]] == [again.name]
    assert shown["execution_arn"] == rows[failed.name]["execution_arn"]
    assert shown["input"]["keys"] == [KEY]
    assert shown["not_seen"] == []
