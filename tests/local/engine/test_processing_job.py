"""Processing jobs as a boto3 client sees them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

IN, OUT = "/opt/ml/processing/input/in", "/opt/ml/processing/output/out"

# Lists its inputs (path: text) into one file of its output.
LISTS = """
import json, os, pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:3])
found = {p.relative_to(source).as_posix(): p.read_text() for p in source.rglob("*") if p.is_file()}
(target / "found.json").write_text(json.dumps(found))
"""


def found_by(laptop: Any, source: dict[str, Any]) -> dict[str, str]:
    bucket = laptop.bucket()
    job = laptop.run(LISTS, IN, OUT, inputs=(source,), output=f"s3://{bucket}/out/")
    assert job["ProcessingJobStatus"] == "Completed", job
    return json.loads(laptop.read(bucket)["out/found.json"])


def test_job_is_in_progress_then_completed_with_its_times_and_message(laptop) -> None:
    # Given a script that says something and takes a moment
    text = (
        "import os, time; time.sleep(0.5)\n"
        "open(os.environ['LANDRUN_OPT_ML'] + '/output/message', 'w').write('41 rows')"
    )
    # When it runs
    name = laptop.start(laptop.request(text))
    first = laptop.describe(name)
    last = laptop.ended(name)
    # Then its status was the truth all along
    assert first["ProcessingJobStatus"] == "InProgress"
    assert "ProcessingEndTime" not in first
    assert last["ProcessingJobStatus"] == "Completed"
    assert last["ExitMessage"] == "41 rows"
    assert "FailureReason" not in last
    took = last["ProcessingEndTime"] - last["ProcessingStartTime"]
    assert 0.5 <= took.total_seconds() < 60
    assert last["CreationTime"] <= last["ProcessingStartTime"]


def test_description_repeats_the_request(laptop) -> None:
    request = laptop.request("", "--rows", "3", Environment={"A": "b"})
    job = laptop.ended(laptop.start(request))
    assert {key: job[key] for key in request} == request


def test_jobs_run_at_the_same_time(laptop) -> None:
    names = [laptop.start(laptop.request("import time; time.sleep(1.5)")) for _ in range(3)]
    jobs = [laptop.ended(name) for name in names]
    assert [job["ProcessingJobStatus"] for job in jobs] == ["Completed"] * 3
    last_start = max(job["ProcessingStartTime"] for job in jobs)
    assert last_start < min(job["ProcessingEndTime"] for job in jobs)


def test_list_tells_the_status_of_each_job(laptop) -> None:
    done = laptop.run("")["ProcessingJobName"]
    running = laptop.start(laptop.request("import time; time.sleep(30)"))
    sagemaker = laptop.client("sagemaker")
    summaries = sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    status = {job["ProcessingJobName"]: job["ProcessingJobStatus"] for job in summaries}
    sagemaker.stop_processing_job(ProcessingJobName=running)
    assert (status[done], status[running]) == ("Completed", "InProgress")


def test_nonzero_exit_is_an_algorithm_error_with_the_message_and_what_was_written(laptop) -> None:
    bucket = laptop.bucket()
    text = (
        "import os, sys\n"
        "open(sys.argv[1] + '/part', 'w').write('half')\n"
        "open(os.environ['LANDRUN_OPT_ML'] + '/output/message', 'w').write('bad column')\n"
        "sys.exit(3)"
    )
    job = laptop.run(text, OUT, output=f"s3://{bucket}/out/")
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: , exit code: 3"
    assert job["ExitMessage"] == "bad column"
    assert laptop.read(bucket) == {"out/part": "half"}


def test_killed_script_has_the_exit_code_of_a_shell(laptop) -> None:
    job = laptop.run("import os; os.kill(os.getpid(), 9)")
    assert job["FailureReason"] == "AlgorithmError: , exit code: 137"


def test_message_is_cut_at_one_kilobyte_of_whole_characters(laptop) -> None:
    text = (
        "import os; open(os.environ['LANDRUN_OPT_ML'] + '/output/message', 'w', "
        "encoding='utf-8').write('x' + 'é' * 2000)"
    )
    job = laptop.run(text)
    assert job["ExitMessage"] == "x" + "é" * 511


def test_message_that_is_not_utf8_fails_the_job(laptop) -> None:
    text = "import os; open(os.environ['LANDRUN_OPT_ML'] + '/output/message', 'wb').write(b'\\xff')"
    job = laptop.run(text)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ")


@pytest.mark.parametrize("key", ["a b+c%2B.txt", "emoji-😀/é.txt", "quo\"te's.txt"])
def test_manifest_brings_odd_keys_unchanged(laptop, s3_input, key: str) -> None:
    bucket = laptop.bucket()
    laptop.put(bucket, **{f"in/{key}": "x", f"in/{key}.bak": "y", "m": ""})
    manifest = [{"prefix": f"s3://{bucket}/in/"}, key]
    laptop.client("s3").put_object(Bucket=bucket, Key="m", Body=json.dumps(manifest).encode())
    assert found_by(laptop, s3_input(f"s3://{bucket}/m", "ManifestFile")) == {key: "x"}


def test_prefix_is_a_string_and_not_a_folder(laptop, s3_input) -> None:
    bucket = laptop.bucket()
    laptop.put(bucket, **{"in/a.csv": "1", "in/a.csv.bak": "2", "in/b.csv": "3"})
    assert found_by(laptop, s3_input(f"s3://{bucket}/in/a")) == {"a.csv": "1", "a.csv.bak": "2"}


def test_missing_object_of_a_manifest_fails_the_job_by_name(laptop, s3_input) -> None:
    bucket = laptop.bucket()
    manifest = json.dumps([{"prefix": f"s3://{bucket}/in/"}, "gone.csv"])
    laptop.put(bucket, m=manifest)
    job = laptop.run("", inputs=(s3_input(f"s3://{bucket}/m", "ManifestFile"),))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Failed to download data.")
    assert f"s3://{bucket}/in/gone.csv" in job["FailureReason"]
    assert "NoSuchKey" in job["FailureReason"]
    assert "ProcessingStartTime" not in job


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("[]", "is not"),
        ('[{"prefix": 3}, "a"]', "is not"),
        ('[{"prefix": "https://b/"}, "a"]', "is not"),
        ("not json", "is not"),
        ('[{"prefix": "s3://b/"}]', "names no objects"),
        ('[{"prefix": "s3://b/"}, "../../etc/passwd"]', "no path of a file"),
    ],
)
def test_broken_manifest_fails_the_job_with_the_reason(laptop, s3_input, body, why) -> None:
    bucket = laptop.bucket()
    laptop.put(bucket, m=body)
    job = laptop.run("", inputs=(s3_input(f"s3://{bucket}/m", "ManifestFile"),))
    assert job["ProcessingJobStatus"] == "Failed"
    assert why in job["FailureReason"]


def test_empty_prefix_fails_the_job_by_its_uri(laptop, s3_input) -> None:
    bucket = laptop.bucket()
    job = laptop.run("", inputs=(s3_input(f"s3://{bucket}/nothing/"),))
    assert f's3://{bucket}/nothing/"' in job["FailureReason"]


def test_sharded_input_is_divided_among_hosts_that_know_each_other(laptop, s3_input) -> None:
    # Given five objects and two hosts
    bucket = laptop.bucket()
    laptop.put(bucket, **{f"in/{n}": str(n) for n in range(5)})
    text = (
        "import json, os, pathlib, sys\n"
        "config = pathlib.Path(os.environ['LANDRUN_OPT_ML'], 'config')\n"
        "here = json.loads((config / 'resourceconfig.json').read_text())\n"
        "job = json.loads((config / 'processingjobconfig.json').read_text())\n"
        "folder = job['ProcessingInputs'][0]['S3Input']['LocalPath']\n"
        "here['found'] = sorted(os.listdir(folder))\n"
        "pathlib.Path(sys.argv[1], here['current_host']).write_text(json.dumps(here))\n"
    )
    source = s3_input(f"s3://{bucket}/in/", S3DataDistributionType="ShardedByS3Key")
    # When they run
    laptop.run(text, OUT, inputs=(source,), output=f"s3://{bucket}/out", instances=2)
    # Then each has its share, and knows who else is there
    hosts = {key[4:]: json.loads(body) for key, body in laptop.read(bucket, "out/").items()}
    assert hosts["algo-1"]["found"] == ["0", "2", "4"]
    assert hosts["algo-2"]["found"] == ["1", "3"]
    assert hosts["algo-2"]["hosts"] == ["algo-1", "algo-2"]
    assert hosts["algo-2"]["current_instance_type"] == "ml.m5.large"


def test_what_one_host_overwrites_of_another_is_noted_in_its_log(laptop) -> None:
    bucket = laptop.bucket()
    text = (
        "import json, os, pathlib, sys\n"
        "config = pathlib.Path(os.environ['LANDRUN_OPT_ML'], 'config', 'resourceconfig.json')\n"
        "host = json.loads(config.read_text())['current_host']\n"
        "for name in (host, 'same'): pathlib.Path(sys.argv[1], name).write_text(host)\n"
    )
    name = laptop.run(text, OUT, output=f"s3://{bucket}/p", instances=2)["ProcessingJobName"]
    assert laptop.read(bucket) == {"p/algo-1": "algo-1", "p/algo-2": "algo-2", "p/same": "algo-2"}
    logs = [laptop.work_dir / "jobs" / name / f"algo-{number}.log" for number in (1, 2)]
    lost = f"[landrun] s3://{bucket}/p/same of algo-1 is overwritten\n"
    assert [log.read_text() for log in logs] == ["", lost]


def test_more_hosts_than_objects_leaves_some_with_an_empty_folder(laptop, s3_input) -> None:
    bucket = laptop.bucket()
    laptop.put(bucket, **{"in/a": "a"})
    text = (
        "import json, os, pathlib, sys\n"
        "config = pathlib.Path(os.environ['LANDRUN_OPT_ML'], 'config', 'resourceconfig.json')\n"
        "host = json.loads(config.read_text())['current_host']\n"
        "pathlib.Path(sys.argv[2], host).write_text(' '.join(os.listdir(sys.argv[1])))\n"
    )
    manifest = json.dumps([{"prefix": f"s3://{bucket}/in/"}, "a"])
    laptop.put(bucket, m=manifest)
    source = s3_input(f"s3://{bucket}/m", "ManifestFile", S3DataDistributionType="ShardedByS3Key")
    laptop.run(text, IN, OUT, inputs=(source,), output=f"s3://{bucket}/out", instances=3)
    assert laptop.read(bucket, "out/") == {"out/algo-1": "a", "out/algo-2": "", "out/algo-3": ""}


def test_one_failing_host_ends_the_others(laptop) -> None:
    text = (
        "import json, os, sys, time\n"
        "here = json.load(open(os.environ['LANDRUN_OPT_ML'] + '/config/resourceconfig.json'))\n"
        "time.sleep(60) if here['current_host'] == 'algo-1' else sys.exit(5)\n"
    )
    job = laptop.run(text, instances=2)
    assert job["FailureReason"] == "AlgorithmError: , exit code: 5"


def test_script_reaches_the_laptops_s3_and_sees_the_paths_it_was_given(laptop) -> None:
    bucket = laptop.bucket()
    text = (
        "import boto3, json, os, sys\n"
        "seen = {'model': os.environ['MODEL'], 'uri': os.environ['URI'], 'argument': sys.argv[2]}\n"
        "seen['exists'] = os.path.isdir(os.path.dirname(seen['model']))\n"
        "boto3.client('s3').put_object(Bucket=sys.argv[1], Key='seen', Body=json.dumps(seen))\n"
    )
    environment = {"MODEL": "/opt/ml/processing/model.bin", "URI": "s3://b/opt/ml/x"}
    job = laptop.run(text, bucket, f"--in={IN}", Environment=environment)
    assert job["ProcessingJobStatus"] == "Completed"
    seen = json.loads(laptop.read(bucket)["seen"])
    assert seen["exists"]
    assert seen["uri"] == "s3://b/opt/ml/x"
    assert seen["argument"].startswith("--in=")
    assert seen["argument"].endswith("/algo-1/opt/ml/processing/input/in")


def test_output_is_uploaded_without_following_links(laptop) -> None:
    bucket = laptop.bucket()
    text = (
        "import os, pathlib, sys\n"
        "out = pathlib.Path(sys.argv[1]); (out / 'a' / 'b').mkdir(parents=True)\n"
        "(out / 'a' / 'b' / 'c d').write_text('x'); os.symlink('a/b/c d', out / 'link')\n"
    )
    laptop.run(text, OUT, output=f"s3://{bucket}/p")
    assert laptop.read(bucket) == {"p/a/b/c d": "x"}


def test_output_to_a_bucket_that_is_not_there_fails_the_job(laptop) -> None:
    text = "import sys; open(sys.argv[1] + '/x', 'w').write('x')"
    job = laptop.run(text, OUT, output="s3://no-such-bucket-here/p/")
    assert job["FailureReason"].startswith("ClientError: Failed to upload data.")
    assert "s3://no-such-bucket-here/p/x" in job["FailureReason"]


def test_stop_ends_the_script_and_its_children(laptop) -> None:
    # Given a job whose script has a child, and both ignore SIGTERM politely for a moment
    bucket = laptop.bucket()
    text = (
        "import boto3, os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "body = f'{os.getpid()} {child.pid}'\n"
        "boto3.client('s3').put_object(Bucket=sys.argv[1], Key='pids', Body=body)\n"
        "time.sleep(60)\n"
    )
    name = laptop.start(laptop.request(text, bucket))
    deadline = time.monotonic() + 10
    while not (pids := laptop.read(bucket)) and time.monotonic() < deadline:
        time.sleep(0.05)
    # When it is stopped
    laptop.client("sagemaker").stop_processing_job(ProcessingJobName=name)
    status = laptop.describe(name)["ProcessingJobStatus"]
    job = laptop.ended(name)
    # Then it goes by Stopping to Stopped, and nothing of it lives
    assert status in ("Stopping", "Stopped")
    assert job["ProcessingJobStatus"] == "Stopped"
    for pid in map(int, pids["pids"].split()):
        laptop.until(lambda pid=pid: not alive(pid), seconds=5)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan that nobody has reaped yet is dead all the same.
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_stop_of_a_job_that_has_ended_is_refused(laptop) -> None:
    name = laptop.run("")["ProcessingJobName"]
    with pytest.raises(ClientError, match="in status Completed") as refused:
        laptop.client("sagemaker").stop_processing_job(ProcessingJobName=name)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_time_limit_stops_the_job_and_keeps_its_output(laptop) -> None:
    bucket = laptop.bucket()
    text = (
        "import sys, time\n"
        "open(sys.argv[1] + '/x', 'w').write('x')\n"
        "print('working'); time.sleep(60)\n"
    )
    request = laptop.request(
        text, OUT, output=f"s3://{bucket}/", StoppingCondition={"MaxRuntimeInSeconds": 1}
    )
    job = laptop.ended(laptop.start(request))
    assert job["ProcessingJobStatus"] == "Stopped"
    assert (job["ProcessingEndTime"] - job["ProcessingStartTime"]).total_seconds() >= 1
    assert laptop.read(bucket) == {"x": "x"}
    log = (laptop.work_dir / "jobs" / request["ProcessingJobName"] / "algo-1.log").read_text()
    assert log == "working\n[landrun] stopped: MaxRuntimeInSeconds (1) reached\n"


def test_output_of_the_script_is_in_cloudwatch_logs(laptop) -> None:
    text = "import sys; print('out'); print('err', file=sys.stderr); print('no end', end='')"
    name = laptop.run(text)["ProcessingJobName"]
    logs = laptop.client("logs")
    group = "/aws/sagemaker/ProcessingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")
    stream = streams["logStreams"][0]["logStreamName"]
    assert stream.startswith(f"{name}/algo-1-")
    events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
    assert sorted(event["message"] for event in events) == ["err", "no end", "out"]


def test_name_is_accepted_once(laptop) -> None:
    request = laptop.request("")
    laptop.start(request)
    with pytest.raises(ClientError, match="Job name must be unique") as refused:
        laptop.start(request)
    assert refused.value.response["Error"]["Code"] == "ResourceInUse"
    laptop.ended(request["ProcessingJobName"])


def test_quota_refuses_in_sagemakers_words(laptop) -> None:
    with laptop.quota(1):
        running = laptop.start(laptop.request("import time; time.sleep(30)"))
        with pytest.raises(ClientError) as refused:
            laptop.start(laptop.request(""))
        laptop.client("sagemaker").stop_processing_job(ProcessingJobName=running)
        laptop.ended(running)
        laptop.run("")  # the place is free again
    error = refused.value.response["Error"]
    assert error["Code"] == "ResourceLimitExceeded"
    assert "'ml.m5.large for processing job usage' is 1 Instances" in error["Message"]
    assert "current utilization of 1 Instances" in error["Message"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"ProcessingJobName": "under_score"}, "processingJobName"),
        ({"ProcessingJobName": "x" * 64}, "less than or equal to 63"),
        ({"Environment": {"A": "x" * 257}}, "less than or equal to 256"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 999_999}}, "maxRuntimeInSeconds"),
    ],
)
def test_invalid_request_is_refused_by_name(laptop, change: dict[str, Any], why: str) -> None:
    with pytest.raises(ClientError) as refused:
        laptop.client("sagemaker").create_processing_job(**{**laptop.request(""), **change})
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert why in error["Message"]
