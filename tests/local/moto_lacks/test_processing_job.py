"""Processing jobs as a boto3 client sees them."""

import errno
import json

import psutil
import pytest
from botocore.exceptions import ClientError

from landrun.models.processing_job import LOG_GROUP
from landrun_ops.local.moto_patches.sagemaker import ProcessingJobs

from .conftest import ENDPOINT, IN, OUT, client, moto_lacks, request

MESSAGE = "$LANDRUN_OPT_ML/output/message"
# Notes its process id and those of a child and of a daemon that has left its session; then sleeps.
SPREADS = (
    "printf x > $2/x; sleep 60 & child=$!; setsid sleep 60 & echo $$ $child $! > $0.part;"
    "mv $0.part $0; sleep $1"
)


def s3_input(uri, kind="S3Prefix", **more):
    where = {"S3Uri": uri, "LocalPath": IN, "S3DataType": kind, "S3InputMode": "File"}
    return {**where, **more}


@moto_lacks
def test_job_is_in_progress_then_completed_with_its_times_and_message(aws):
    go_on = aws.folder / "go-on"
    text = f"until [ -e $0 ]; do sleep 0.05; done; printf '41 rows' > {MESSAGE}"
    asked = request(text, str(go_on), Environment={"A": "b"})
    name = aws.start(asked)
    first = aws.describe(name)
    [listed] = aws.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    go_on.touch()
    last = aws.ended(name)
    assert first["ProcessingJobStatus"] == listed["ProcessingJobStatus"] == "InProgress"
    assert "ProcessingEndTime" not in first
    assert (last["ProcessingJobStatus"], last["ExitMessage"]) == ("Completed", "41 rows")
    assert "FailureReason" not in last
    assert last["CreationTime"] <= last["ProcessingStartTime"] < last["ProcessingEndTime"]
    assert {key: last[key] for key in asked} == asked


CUT = f"(printf x; yes é | head -600 | tr -d '\\n') > {MESSAGE}; exit 1"


@pytest.mark.parametrize(
    ("text", "hosts", "code", "message"),
    [
        (f"printf 'bad column' > {MESSAGE}; exit 3", 1, 3, "bad column"),
        ("kill -9 $$", 1, 137, None),
        ("[ ${PWD##*/} = algo-1 ] && sleep 60; exit 5", 2, 5, None),
        (CUT, 1, 1, "x" + "é" * 511),
    ],
    ids=["message", "killed", "one of two hosts", "message cut at 1 KB of whole characters"],
)
def test_nonzero_exit_is_an_algorithm_error_with_the_message(aws, text, hosts, code, message):
    job = aws.run(text, instances=hosts)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == f"AlgorithmError: , exit code: {code}"
    assert job.get("ExitMessage") == message


def test_input_that_cannot_be_brought_fails_the_job_with_the_reason(aws):
    bucket = aws.bucket(gone='[{"prefix": "s3://gone/in/"}, "gone.csv"]')
    job = aws.run(inputs=[s3_input(f"s3://{bucket}/gone", "ManifestFile")])
    assert job["FailureReason"].startswith("ClientError: ")
    assert "GetObject failed for s3://gone/in/gone.csv" in job["FailureReason"]
    assert "ProcessingStartTime" not in job


def test_sharded_input_is_divided_among_hosts_that_know_each_other(aws):
    # Given two objects and three hosts
    objects = aws.bucket(**{"in/0": "0", "in/1": "1"})
    bucket = aws.bucket()
    text = (
        "host=${PWD##*/}; cd $LANDRUN_OPT_ML; ls processing/input/in > $0/$host-found;"
        "cat config/resourceconfig.json > $0/$host; echo $host > $0/same"
    )
    source = s3_input(f"s3://{objects}/in/", S3DataDistributionType="ShardedByS3Key")
    # When they run
    aws.run(text, OUT, inputs=[source], output=f"s3://{bucket}", instances=3)
    # Then each has its share, and knows who else is there
    read = aws.read(bucket)
    assert [read[f"algo-{number}-found"] for number in (1, 2, 3)] == ["0\n", "1\n", ""]
    host = json.loads(read["algo-2"])
    assert (host["current_host"], host["hosts"]) == ("algo-2", ["algo-1", "algo-2", "algo-3"])
    assert host["current_instance_type"] == "ml.m5.large"
    assert read["same"] == "algo-3\n"


def test_script_has_the_key_of_the_laptop_and_sees_the_paths_it_was_given(aws, monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    bucket = aws.bucket()
    words = "$AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $URI $MODEL $1 ${SECRET-unset}"
    text = f"printf '%s\\n' {words} > $0/seen"
    environment = {"MODEL": "/opt/ml/processing/model.bin", "URI": "s3://b/opt/ml/x"}
    aws.run(text, OUT, f"--in={IN}", Environment=environment, output=f"s3://{bucket}")
    endpoint, key, uri, model, argument, secret = aws.read(bucket)["seen"].splitlines()
    assert (endpoint, key[:4], uri, secret) == (ENDPOINT, "LKIA", environment["URI"], "unset")
    assert model.endswith("/algo-1/opt/ml/processing/model.bin")
    assert argument.startswith("--in=")
    assert argument.endswith("/algo-1/opt/ml/processing/input/in")


def test_output_that_cannot_be_uploaded_is_named_and_keeps_no_other_from_it(aws):
    bucket = aws.bucket()
    text = (
        "cd $0; mkdir -p a/b; printf x > 'a/b/c d'; ln -s 'a/b/c d' link; mkfifo a/pipe;"
        "touch $(printf '\\377'); printf z > z"
    )
    job = aws.run(text, OUT, output=f"s3://{bucket}/p")
    assert aws.read(bucket) == {"p/a/b/c d": "x", "p/z": "z"}
    assert job["FailureReason"].startswith("ClientError: Failed to upload data. ")
    assert f"s3://{bucket}/p/a/pipe: it is no regular file" in job["FailureReason"]
    assert r"b'\xff' is not UTF-8" in job["FailureReason"]


@pytest.mark.parametrize(("end", "seconds"), [("Completed", "0"), ("Stopped", "60")])
def test_nothing_of_a_job_outlives_it_but_its_output(aws, end, seconds):
    notes, bucket = aws.folder / "pids", aws.bucket()
    asked = request(SPREADS, str(notes), seconds, OUT, output=f"s3://{bucket}/")
    name = aws.start(asked)
    aws.until(notes.exists)
    if end == "Stopped":
        aws.sagemaker.stop_processing_job(ProcessingJobName=name)
        assert aws.describe(name)["ProcessingJobStatus"] in ("Stopping", "Stopped")
    assert aws.ended(name)["ProcessingJobStatus"] == end
    with pytest.raises(ClientError, match=f"in status {end}"):
        aws.sagemaker.stop_processing_job(ProcessingJobName=name)
    assert not [pid for pid in notes.read_text().split() if psutil.pid_exists(int(pid))]
    assert aws.read(bucket) == {"x": "x"}


def test_time_limit_stops_the_job_and_is_in_its_log(aws):
    job = aws.run("sleep 60", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert job["ProcessingJobStatus"] == "Stopped"
    assert (job["ProcessingEndTime"] - job["ProcessingStartTime"]).total_seconds() >= 1
    log = (aws.folder / "jobs" / job["ProcessingJobName"] / "algo-1.log").read_text()
    assert log == "[landrun] stopped: MaxRuntimeInSeconds (1) reached\n"


def test_folders_of_twenty_jobs_are_kept(aws):
    old = aws.folder / "jobs"
    for number in range(25):
        (old / f"old-{number}").mkdir(parents=True)
    name = aws.run()["ProcessingJobName"]
    kept = [folder.name for folder in old.iterdir()]
    assert name in kept
    assert len(kept) == 20


def test_output_of_the_script_is_in_cloudwatch_logs(aws):
    name = aws.run("echo out; echo err >&2; printf 'no end'")["ProcessingJobName"]
    found = client("logs").filter_log_events(
        logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/algo-1-"
    )
    assert sorted(event["message"] for event in found["events"]) == ["err", "no end", "out"]


def test_quota_refuses_in_sagemakers_words_and_leaves_the_name_free(aws):
    asked, aws.engine.jobs.quota = request(), 1
    running = aws.start(request("sleep 60"))
    with pytest.raises(ClientError) as refused:
        aws.start(asked)
    aws.sagemaker.stop_processing_job(ProcessingJobName=running)
    aws.ended(running)
    aws.start(asked)
    error = refused.value.response["Error"]
    assert error["Code"] == "ResourceLimitExceeded"
    assert "'ml.m5.large for processing job usage' is 1 Instances" in error["Message"]
    assert "current utilization of 1 Instances" in error["Message"]


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("error", "lines"), [(RuntimeError("why"), True), (OSError(errno.ENOSPC, "no space"), False)]
)
def test_runner_that_breaks_is_a_failed_job_and_a_full_disk_is_one_line(caplog, error, lines):
    def run(_):
        raise error

    job = ProcessingJobs(run).create(request())
    assert job.ended.wait(30)
    described = job.response_object
    assert described["ProcessingJobStatus"] == "Failed"
    assert f"{type(error).__name__}: {error}" in described["FailureReason"]
    assert ("Traceback" in caplog.text) is lines
    assert str(error) in caplog.text
