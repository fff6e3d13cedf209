"""`landrun start` and `landrun watch`: as processes, on the laptop's AWS."""

import json

from local.commands import landrun, told


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
    manifest = s3.get_object(
        Bucket=aws.outputs["OutputBucket"], Key=f"manifests/{run['name']}.json"
    )
    listed = json.loads(manifest["Body"].read())
    assert listed == [{"prefix": f"s3://{bucket}/"}, "by hand/c.jsonl", "by hand/a+b.jsonl"]
    assert f"started {run['name']}" in done.stderr.splitlines()[0]

    seen = told(env, "watch", "--once")
    assert run["name"] in [one["name"] for one in seen["runs"]]
    assert seen["notes"] == []
    assert seen["dead_letters"] is not None
