"""Processing jobs as a boto3 client sees them."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from .conftest import IN, OUT, alive, moto_lacks, s3_input

GROUP = "/aws/sagemaker/ProcessingJobs"

# Notes its own process id and those of a child, and of a daemon that has left its session.
SPREADS = """
import os, pathlib, subprocess, sys, time
sleeps = [sys.executable, '-c', 'import time; time.sleep(60)']
started = [subprocess.Popen(sleeps, start_new_session=new).pid for new in (False, True)]
notes = pathlib.Path(sys.argv[1])
notes.with_suffix('.part').write_text(' '.join(map(str, [os.getpid(), *started])))
notes.with_suffix('.part').rename(notes)
time.sleep(float(sys.argv[2]))
"""
CONFIG = "os.environ['LANDRUN_OPT_ML'] + '/config/resourceconfig.json'"
MESSAGE = "os.environ['LANDRUN_OPT_ML'] + '/output/message'"


@moto_lacks
def test_job_is_in_progress_then_completed_with_its_times_and_message(laptop):
    text = f"import os, time; time.sleep(0.5); open({MESSAGE}, 'w').write('41 rows')"
    request = laptop.request(text, "--rows", "3", Environment={"A": "b"})
    name = laptop.start(request)
    first, listed = laptop.describe(name), laptop.client("sagemaker").list_processing_jobs()
    last = laptop.ended(name)
    assert first["ProcessingJobStatus"] == "InProgress"
    assert "ProcessingEndTime" not in first
    summaries = listed["ProcessingJobSummaries"]
    status = {job["ProcessingJobName"]: job["ProcessingJobStatus"] for job in summaries}
    assert status[name] == "InProgress"
    assert (last["ProcessingJobStatus"], last["ExitMessage"]) == ("Completed", "41 rows")
    assert "FailureReason" not in last
    took = last["ProcessingEndTime"] - last["ProcessingStartTime"]
    assert 0.5 <= took.total_seconds() < 60
    assert last["CreationTime"] <= last["ProcessingStartTime"]
    assert {key: last[key] for key in request} == request


def test_jobs_run_at_the_same_time(laptop):
    names = [laptop.start(laptop.request("import time; time.sleep(1.5)")) for _ in range(3)]
    jobs = [laptop.ended(name) for name in names]
    assert [job["ProcessingJobStatus"] for job in jobs] == ["Completed"] * 3
    last_start = max(job["ProcessingStartTime"] for job in jobs)
    assert last_start < min(job["ProcessingEndTime"] for job in jobs)


def test_nonzero_exit_is_an_algorithm_error_with_the_message_and_what_was_written(laptop):
    bucket = laptop.bucket()
    text = (
        "import os, sys\n"
        "open(sys.argv[1] + '/part', 'w').write('half')\n"
        f"open({MESSAGE}, 'w').write('bad column')\n"
        "sys.exit(3)"
    )
    job = laptop.run(text, OUT, output=f"s3://{bucket}/out/")
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: , exit code: 3"
    assert job["ExitMessage"] == "bad column"
    assert laptop.read(bucket) == {"out/part": "half"}


@pytest.mark.parametrize(
    ("text", "field", "wanted"),
    [
        ("import os; os.kill(os.getpid(), 9)", "FailureReason", "AlgorithmError: , exit code: 137"),
        (
            f"import os; open({MESSAGE}, 'w').write('x' + 'é' * 2000)",
            "ExitMessage",
            "x" + "é" * 511,
        ),
    ],
    ids=["killed", "message cut at 1 KB of whole characters"],
)
def test_end_is_described_as_sagemaker_does(laptop, text, field, wanted):
    assert laptop.run(text)[field] == wanted


@pytest.mark.parametrize(
    ("kind", "key", "why"),
    [
        ("ManifestFile", "escapes", "no path of a file"),
        ("ManifestFile", "gone", "GetObject failed for s3://gone/in/gone.csv"),
        ("S3Prefix", "nothing/", '/nothing/"'),
    ],
)
def test_input_that_cannot_be_brought_fails_the_job_with_the_reason(laptop, kind, key, why):
    bucket = laptop.bucket()
    escapes = '[{"prefix": "s3://b/"}, "../../etc/passwd"]'
    laptop.put(bucket, escapes=escapes, gone='[{"prefix": "s3://gone/in/"}, "gone.csv"]')
    job = laptop.run("", inputs=(s3_input(f"s3://{bucket}/{key}", kind),))
    assert job["FailureReason"].startswith("ClientError: ")
    assert why in job["FailureReason"]
    assert "ProcessingStartTime" not in job


def test_sharded_input_is_divided_among_hosts_that_know_each_other(laptop):
    # Given two objects and three hosts
    bucket = laptop.bucket()
    laptop.put(bucket, **{f"in/{n}": str(n) for n in range(2)})
    text = (
        f"import json, os, pathlib, sys; here = json.load(open({CONFIG}))\n"
        "job = pathlib.Path(os.environ['LANDRUN_OPT_ML'], 'config/processingjobconfig.json')\n"
        "source = json.loads(job.read_text())['ProcessingInputs'][0]['S3Input']\n"
        "here['found'] = os.listdir(source['LocalPath'])\n"
        "for name in (here['current_host'], 'same'):\n"
        "    pathlib.Path(sys.argv[1], name).write_text(json.dumps(here))\n"
    )
    source = s3_input(f"s3://{bucket}/in/", S3DataDistributionType="ShardedByS3Key")
    # When they run
    laptop.run(text, OUT, inputs=(source,), output=f"s3://{bucket}/out", instances=3)
    # Then each has its share, and knows who else is there
    hosts = {key[4:]: json.loads(body) for key, body in laptop.read(bucket, "out/").items()}
    found = [hosts[f"algo-{number}"]["found"] for number in (1, 2, 3)]
    assert found == [["0"], ["1"], []]
    assert hosts["algo-2"]["hosts"] == ["algo-1", "algo-2", "algo-3"]
    assert hosts["algo-2"]["current_instance_type"] == "ml.m5.large"
    assert hosts["same"]["current_host"] == "algo-3"


def test_one_failing_host_ends_the_others(laptop):
    text = (
        f"import json, os, sys, time; here = json.load(open({CONFIG}))\n"
        "time.sleep(60) if here['current_host'] == 'algo-1' else sys.exit(5)\n"
    )
    job = laptop.run(text, instances=2)
    assert job["FailureReason"] == "AlgorithmError: , exit code: 5"


def test_script_reaches_the_laptops_s3_and_sees_the_paths_it_was_given(laptop):
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


def test_output_that_cannot_be_uploaded_is_named_and_keeps_no_other_from_it(laptop):
    bucket = laptop.bucket()
    text = (
        "import os, pathlib, sys\n"
        "out = pathlib.Path(sys.argv[1]); (out / 'a' / 'b').mkdir(parents=True)\n"
        "(out / 'a' / 'b' / 'c d').write_text('x'); os.symlink('a/b/c d', out / 'link')\n"
        "os.mkfifo(out / 'a' / 'pipe'); open(os.fsencode(out) + b'/\\xff', 'w').close()\n"
        "(out / 'z').write_text('z')\n"
    )
    job = laptop.run(text, OUT, output=f"s3://{bucket}/p")
    assert laptop.read(bucket) == {"p/a/b/c d": "x", "p/z": "z"}
    assert job["FailureReason"].startswith("ClientError: Failed to upload data. ")
    assert f"s3://{bucket}/p/a/pipe: it is no regular file" in job["FailureReason"]
    assert r"b'\xff' is not UTF-8" in job["FailureReason"]


def test_output_to_a_bucket_that_is_not_there_fails_the_job_with_a_few_names(laptop):
    text = "import sys; [open(f'{sys.argv[1]}/{n}', 'w').write('x') for n in range(5)]"
    job = laptop.run(text, OUT, output="s3://no-such-bucket-here/p/")
    assert "PutObject failed for s3://no-such-bucket-here/p/0: NoSuchBucket" in job["FailureReason"]
    assert job["FailureReason"].endswith("; and 2 files more")


def test_thousands_of_outputs_take_seconds(laptop):
    bucket = laptop.bucket()
    text = "import sys; [open(f'{sys.argv[1]}/{n}', 'w').close() for n in range(10_000)]"
    job = laptop.run(text, OUT, output=f"s3://{bucket}/")
    assert job["ProcessingJobStatus"] == "Completed"
    assert len(laptop.client("s3").list_objects_v2(Bucket=bucket)["Contents"]) == 1000
    took = job["ProcessingEndTime"] - job["ProcessingStartTime"]
    assert took.total_seconds() < 40  # by requests, it would be minutes


def noted(laptop, notes):
    laptop.until(notes.exists)
    return [int(pid) for pid in notes.read_text().split()]


@pytest.mark.parametrize("end", ["by itself", "stopped", "laptop killed"])
def test_nothing_of_a_job_outlives_it(laptop, tmp_path, end):
    own = laptop if end != "laptop killed" else type(laptop)("engine", tmp_path)
    notes, seconds = tmp_path / "pids", "0" if end == "by itself" else "60"
    name = own.start(own.request(SPREADS, str(notes), seconds))
    pids = noted(laptop, notes)
    if end == "stopped":
        own.client("sagemaker").stop_processing_job(ProcessingJobName=name)
        assert own.describe(name)["ProcessingJobStatus"] in ("Stopping", "Stopped")
        assert own.ended(name)["ProcessingJobStatus"] == "Stopped"
        with pytest.raises(ClientError, match="in status Stopped"):
            own.client("sagemaker").stop_processing_job(ProcessingJobName=name)
    elif end == "laptop killed":
        own.kill()
    else:
        assert own.ended(name)["ProcessingJobStatus"] == "Completed"
    for pid in pids:
        laptop.until(lambda pid=pid: not alive(pid))


def test_time_limit_stops_the_job_and_keeps_its_output(laptop):
    bucket = laptop.bucket()
    text = (
        "import sys, time\n"
        "open(sys.argv[1] + '/x', 'w').write('x')\n"
        "print('working'); time.sleep(60)\n"
    )
    limit = {"MaxRuntimeInSeconds": 1}
    job = laptop.run(text, OUT, output=f"s3://{bucket}/", StoppingCondition=limit)
    assert job["ProcessingJobStatus"] == "Stopped"
    assert (job["ProcessingEndTime"] - job["ProcessingStartTime"]).total_seconds() >= 1
    assert laptop.read(bucket) == {"x": "x"}
    log = (laptop.work_dir / "jobs" / job["ProcessingJobName"] / "algo-1.log").read_text()
    assert log == "working\n[landrun] stopped: MaxRuntimeInSeconds (1) reached\n"


def test_folders_of_twenty_jobs_are_kept(laptop):
    old = laptop.work_dir / "jobs"
    for number in range(25):
        (old / f"old-{number}").mkdir(parents=True)
    name = laptop.run("")["ProcessingJobName"]
    kept = [folder.name for folder in old.iterdir()]
    assert name in kept
    assert len(kept) == 20


def test_output_of_the_script_is_in_cloudwatch_logs_and_hides_no_other_jobs(laptop):
    text = "import sys; print('out'); print('err', file=sys.stderr); print('no end', end='')"
    name = laptop.run(text)["ProcessingJobName"]
    laptop.run("for n in range(50_000): print('a long line of another job', n)")
    found = laptop.client("logs").filter_log_events(
        logGroupName=GROUP, logStreamNamePrefix=f"{name}/"
    )
    assert "nextToken" not in found
    assert sorted(event["message"] for event in found["events"]) == ["err", "no end", "out"]
    assert found["events"][0]["logStreamName"].startswith(f"{name}/algo-1-")


def test_quota_refuses_in_sagemakers_words_and_leaves_the_name_free(laptop):
    request = laptop.request("")
    with laptop.quota(1):
        running = laptop.start(laptop.request("import time; time.sleep(30)"))
        with pytest.raises(ClientError) as refused:
            laptop.start(request)
        laptop.client("sagemaker").stop_processing_job(ProcessingJobName=running)
        laptop.ended(running)
        laptop.start(request)
    error = refused.value.response["Error"]
    assert error["Code"] == "ResourceLimitExceeded"
    assert "'ml.m5.large for processing job usage' is 1 Instances" in error["Message"]
    assert "current utilization of 1 Instances" in error["Message"]
    with pytest.raises(ClientError, match="Job name must be unique") as taken:
        laptop.start(request)
    assert taken.value.response["Error"]["Code"] == "ResourceInUse"


def test_invalid_request_is_refused_in_sagemakers_words(laptop):
    with pytest.raises(ClientError) as refused:
        laptop.start(laptop.request("", "", ProcessingJobName="under_score"))
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].startswith("2 validation errors detected: ")
    assert "Value 'under_score' at 'processingJobName' failed to satisfy" in error["Message"]
    assert "Value '' at 'appSpecification.containerArguments.1.member'" in error["Message"]
