"""`landrun land` and `landrun stop`: as processes, on the laptop's AWS."""

import shutil
import uuid

from laptop_stack import eventually
from local.commands import landrun, told

PART = 8 * 2**20
"""Bytes from which boto3 uploads in parts."""


def test_files_and_folders_land_and_their_runs_are_followed(aws, env, root, tmp_path):
    (tmp_path / "more").mkdir()
    shutil.copy(root / "samples/orders.jsonl", tmp_path / "more" / "a b+é.jsonl")
    prefix = uuid.uuid4().hex

    paths = (str(root / "samples/orders.jsonl"), str(tmp_path))
    said = told(env, "land", *paths, "--prefix", prefix, "--wait")

    bucket = aws.outputs["LandingBucket"]
    names = ("orders.jsonl", "more/a b+é.jsonl")
    uris = [f"s3://{bucket}/incoming/{prefix}/{name}" for name in names]
    assert [one["uri"] for one in said["landed"]] == uris
    ended = {run["name"]: run for run in said["ended"]}
    for one in said["landed"]:
        run = ended[one["run"]]
        assert (run["status"], run["summary"]["rows_in"]) == ("SUCCEEDED", 44)


def test_a_large_file_lands_in_parts_and_what_to_watch_is_said(aws, env, tmp_path):
    file = tmp_path / f"{uuid.uuid4().hex}.txt"
    file.write_text("hello\n" + "\n" * PART)
    done = landrun(env, "land", str(file))
    key = f"incoming/{file.name}"
    uri = f"s3://{aws.outputs['LandingBucket']}/{key}"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"landed {uri}",
        f"what becomes of it: landrun explain {uri}",
        "all runs: landrun runs",
    ]
    found = aws.client("s3").head_object(Bucket=aws.outputs["LandingBucket"], Key=key)
    assert (found["ContentLength"], found["ETag"][-3:]) == (PART + 6, '-2"')
    run = eventually(lambda: told(env, "explain", uri)["run"])

    # Whether it is stopped in time or has ended before, it does not run any more.
    [stopped] = told(env, "stop", run)
    assert (stopped["name"], stopped["status"] == "RUNNING") == (run, False)
    again = landrun(env, "stop", run)
    assert (again.returncode, again.stderr) == (0, "")
    assert "had ended before" in again.stdout
