"""`landrun verify`: does a stack work, in one command."""

import json
from pathlib import Path

from landrun_ops.cli.verify import failure_of
from landrun_ops.local.settings import STACK
from laptop_stack import LaptopStack
from local.commands import environment, landrun
from records import record

ROOT = Path(__file__).resolve().parents[2]


def verify(aws, *arguments):
    """Run the command with a long patience, in an environment that names no stack."""
    env = environment(aws, LANDRUN_STACK="")
    return landrun(env, "verify", "--stack", STACK, *arguments, "--patience", "60", cwd=ROOT)


def test_a_stack_that_works_records_a_run_of_the_users_file(aws, tmp_path):
    mine = tmp_path / "my messages.csv"
    mine.write_text("id,text\n1,hello\n2,bye\n")
    done = verify(aws, str(mine), "--json")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["status"], row["summary"]["rows_in"]) == ("SUCCEEDED", 2)
    assert row["trigger"]["Key"].startswith("incoming/landrun-verify-")
    assert f"landrun show {row['name']} --stack {STACK}" in done.stderr


def test_the_run_of_a_tick_is_followed_where_landings_wait(laptop, root, tmp_path):
    aws = laptop(root, tmp_path / "state", {"StartOn": "schedule"}).aws
    done = verify(aws)
    assert (done.returncode, done.stdout) == (0, "the stack works\n"), done.stderr
    [run] = LaptopStack(aws).executions()
    assert run["name"] in done.stderr


def test_a_run_that_fails_is_the_exit_code_and_a_line_of_verify_and_of_start(aws, tmp_path):
    bad, bucket = tmp_path / "bad.csv", aws.outputs["OutputBucket"]
    bad.write_text("colour,size\nred,3\n")
    aws.client("s3").upload_file(str(bad), bucket, "by-hand/bad.csv")
    uri = f"s3://{bucket}/by-hand/bad.csv"
    for done in verify(aws, str(bad)), landrun(environment(aws), "start", uri, "--wait"):
        said = done.stdout + done.stderr
        assert done.returncode == 1, said
        assert ": FAILED after " in said
        assert said.splitlines()[-1].startswith("landrun: why: landrun show landrun-")


def test_only_a_recorded_run_that_read_something_shows_that_a_stack_works():
    run, empty = (
        record({"name": "r", "status": "SUCCEEDED", "summary": {"rows_in": rows}})
        for rows in (3, 0)
    )
    assert failure_of(run) == ""
    assert "read nothing" in failure_of(empty)
    assert "runs table does not have its end" in failure_of(run, recorded=False)
