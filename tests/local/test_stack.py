"""The laptop's AWS itself: what is up, what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from landrun_ops.actions.invoke import FunctionError
from landrun_ops.local import LocalAws, LocalAwsError, read_environment
from landrun_ops.local.errors import NotUpError

MINIMAL = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Size: {Type: Number, Default: 2048, MaxValue: 300000}}
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {MaximumMessageSize: !Ref Size}}
  Function:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: code, Handler: app.handler, Runtime: python3.13}
Outputs:
  QueueUrl: {Value: !Ref Queue}
"""
BODY = b'{"id": "1", "sender": "a", "text": "hello"}\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one queue and one function, quick to bring up."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text("def handler(event, context):\n    return event\n")
    (tmp_path / "template.yaml").write_text(MINIMAL)
    return tmp_path


def change(project: Path, old: str, new: str) -> None:
    template = project / "template.yaml"
    assert old in template.read_text()
    template.write_text(template.read_text().replace(old, new))


def alive() -> dict[int, int]:
    """Parent by process, of all that run on this machine."""
    found = psutil.process_iter(["pid", "ppid", "status"])
    said = [process.info for process in found]
    return {one["pid"]: one["ppid"] for one in said if one["status"] != psutil.STATUS_ZOMBIE}


def children(started: Any) -> set[int]:
    return {pid for pid, parent in alive().items() if parent == started.process.pid}


def rows(aws: LocalAws) -> list[dict[str, Any]]:
    items = aws.client("dynamodb").scan(TableName=aws.outputs["RunsTable"])["Items"]
    return [{key: next(iter(value.values())) for key, value in item.items()} for item in items]


def test_an_object_that_lands_becomes_a_recorded_run(
    aws: LocalAws, eventually: Callable[..., Any]
) -> None:
    bucket, key = aws.outputs["LandingBucket"], "incoming/a+b %2B ü.jsonl"
    version = aws.client("s3").put_object(Bucket=bucket, Key=key, Body=BODY)["VersionId"]

    def recorded() -> dict[str, Any] | None:
        mine = {"S": version}
        found = [row for row in rows(aws) if row.get("trigger", {}).get("VersionId") == mine]
        return next((row for row in found if row["status"] != "RUNNING"), None)

    row = eventually(recorded, timeout=60)
    assert row["status"] == "SUCCEEDED", row
    assert row["trigger"]["Key"] == {"S": key}
    assert row["summary"]["rows_out"] == {"N": "1"}


def test_the_environment_leads_other_processes_to_it(aws: LocalAws) -> None:
    environment = aws.environment()
    assert environment["LANDRUN_LANDING_BUCKET"] == aws.outputs["LandingBucket"]
    assert environment["LANDRUN_STATE_MACHINE_ARN"] == aws.outputs["StateMachineArn"]
    assert environment["LANDRUN_LANDING_DEAD_LETTER_QUEUE_URL"]
    asking = (
        "import boto3; print([b['Name'] for b in boto3.client('s3').list_buckets()['Buckets']])"
    )
    said = subprocess.run(
        [sys.executable, "-c", asking],
        env={**environment, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert aws.outputs["LandingBucket"] in said.stdout


def test_queue_urls_of_the_outputs_work_as_they_are(aws: LocalAws) -> None:
    sqs = aws.client("sqs")
    for name in ("LandingQueueUrl", "LandingDeadLetterQueueUrl", "StatusQueueUrl"):
        assert sqs.get_queue_attributes(QueueUrl=aws.outputs[name], AttributeNames=["QueueArn"])


def test_the_landing_bucket_keeps_versions(aws: LocalAws) -> None:
    s3, bucket = aws.client("s3"), aws.outputs["LandingBucket"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_the_state_machine_has_the_templates_parameters(aws: LocalAws) -> None:
    client = aws.client("stepfunctions")
    machine = client.describe_state_machine(stateMachineArn=aws.outputs["StateMachineArn"])
    definition = json.loads(machine["definition"])
    assert definition["States"]
    assert "${" not in machine["definition"]
    assert "$$.Execution" in machine["definition"]


def test_reconcile_has_a_schedule_and_can_be_called(aws: LocalAws) -> None:
    [sweep] = [one for one in aws.schedules if one.function == aws.outputs["ReconcileFunction"]]
    assert (sweep.expression, sweep.enabled) == ("rate(15 minutes)", True)
    kinds = {"Statuses", "Executions", "Claims", "Manifests", "Notifications"}
    kinds |= {"SlotsNotCounted", "ExecutionsNotResumed", "SlotsNotReleased"}
    assert set(aws.reconcile()) == kinds


def test_a_reconcile_that_fails_is_told(aws: LocalAws) -> None:
    with pytest.raises(FunctionError, match=r"ReconcileFunction failed: .*GraceSeconds"):
        aws.reconcile(grace_seconds=-1)


def test_a_tick_without_a_scheduled_input_is_told(aws: LocalAws) -> None:
    with pytest.raises(FunctionError, match=r"ScheduleFunction failed.*ScheduledInput"):
        aws.tick()


def test_closing_leaves_no_thread_and_no_trace_in_this_process(
    project: Path, tmp_path: Path
) -> None:
    threads, variables = set(threading.enumerate()), dict(os.environ)
    for _ in range(2):
        with LocalAws.up(project, state_dir=tmp_path / "state") as aws:
            assert aws.client("sqs").list_queues()["QueueUrls"] == [aws.outputs["QueueUrl"]]
    assert set(threading.enumerate()) == threads
    assert dict(os.environ) == variables


def test_a_signal_leaves_no_process_and_no_environment_behind(
    laptop: Callable[..., Any], project: Path, tmp_path: Path
) -> None:
    """A Ctrl-C is test_cli.py's."""
    # Given one that is up and whose function has run
    started = laptop(project, tmp_path / "state")
    aws = started.aws
    name = aws.client("lambda").list_functions()["Functions"][0]["FunctionName"]
    aws.client("lambda").invoke(FunctionName=name, Payload=b"1")
    workers = children(started)
    assert workers
    # When it is told to end
    started.stop(signal.SIGTERM)
    # Then all is gone
    assert not workers & alive().keys()
    assert not (tmp_path / "state" / "env.json").exists()
    assert "Traceback" not in started.said


def test_killing_it_leaves_no_process_behind_even_amid_an_invocation(
    laptop: Callable[..., Any], project: Path, tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    (project / "code" / "app.py").write_text(
        "import time\n\ndef handler(event, context):\n    time.sleep(60)\n"
    )
    change(project, "Runtime: python3.13", "Runtime: python3.13, Timeout: 60")
    started = laptop(project, tmp_path / "state")
    client = started.aws.client("lambda")
    name = client.list_functions()["Functions"][0]["FunctionName"]
    client.invoke(FunctionName=name, Payload=b"1", InvocationType="Event")
    workers = eventually(lambda: children(started))
    started.stop(signal.SIGKILL)
    eventually(lambda: not workers & alive().keys())
    with pytest.raises(NotUpError):
        read_environment(tmp_path / "state")


def test_nothing_up_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotUpError, match=r"not up in .*landrun local up"):
        LocalAws.attach(tmp_path / "nowhere")


def test_a_second_one_in_the_same_folder_is_refused(aws: LocalAws, root: Path) -> None:
    folder = Path(aws.logs).parent
    with (
        pytest.raises(LocalAwsError, match=r"already up in .* \(process \d+\)"),
        LocalAws.up(root, state_dir=folder),
    ):
        pass
    assert read_environment(folder)["AWS_ENDPOINT_URL"] == aws.endpoint_url


def test_a_port_in_use_is_told(project: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(LocalAwsError, match=f"port {port} .*choose another"),
            LocalAws.up(project, port=port, state_dir=tmp_path / "state"),
        ):
            pass


BROKEN = {
    "no YAML": ("Resources:", "Resources: [", "is not YAML"),
    "no such property": ("CodeUri: code,", "CodeUri: code, Handle: x,", "Function.*Handle"),
    "no code": ("CodeUri: code", "CodeUri: nowhere", "Function: its CodeUri 'nowhere'"),
    "reference": ("!Ref Queue}", "!Ref Quue}", "QueueUrl refers to Quue"),
    "resource": ("Size: {Type: Number, Default: 2048", "Size: {Type: Number, Default: 1", "Queue "),
}


@pytest.mark.parametrize("case", list(BROKEN))
def test_a_broken_template_is_one_error_that_names_the_trouble(
    project: Path, tmp_path: Path, case: str
) -> None:
    old, new, says = BROKEN[case]
    change(project, old, new)
    with (
        pytest.raises(LocalAwsError, match=says) as raised,
        LocalAws.up(project, state_dir=tmp_path / "state"),
    ):
        pass
    assert "Traceback" not in str(raised.value)
    assert not (tmp_path / "state" / "env.json").exists()


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"Size": "many"}, "parameter Size is 'many', but it must be a number"),
        ({"Size": "400000"}, "must be between -inf and 300000"),
        ({"Sise": "1"}, "no parameter Sise; it has: Size"),
    ],
)
def test_a_wrong_parameter_is_told(
    project: Path, tmp_path: Path, parameters: dict[str, str], says: str
) -> None:
    with (
        pytest.raises(LocalAwsError, match=says),
        LocalAws.up(project, parameters=parameters, state_dir=tmp_path / "state"),
    ):
        pass
    assert not (tmp_path / "state" / "env.json").exists()
