"""The laptop's AWS itself: what is up, what it refuses, and that it leaves nothing behind."""

import re
import signal
import socket

import psutil
import pytest

from landrun_ops.local import read_environment
from landrun_ops.local.errors import NotUpError
from laptop_stack import eventually
from local.laptop import processing_job

MINIMAL = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Size: {Type: Number, Default: 2048, MaxValue: 300000}}
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {MaximumMessageSize: !Ref Size}}
  Function:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: code, Handler: app.handler, Runtime: python3.13, Timeout: 60}
Outputs:
  QueueUrl: {Value: !Ref Queue}
"""
SLEEPING = """
import subprocess, sys, time

def handler(event, context):
    sleeping = "import time; time.sleep(60)"
    subprocess.Popen([sys.executable, "-c", sleeping])
    time.sleep(60)
"""


@pytest.fixture
def project(tmp_path):
    """A project with one queue and one function, quick to bring up."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text("def handler(event, context):\n    return event\n")
    (tmp_path / "template.yaml").write_text(MINIMAL)
    return tmp_path


def test_the_default_port_is_always_the_same_unless_it_is_taken(laptop, project, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        next_one = laptop(project, tmp_path / "next", port=None, default_port=port)
    found = int(next_one.aws.endpoint_url.rpartition(":")[2])
    assert port < found < port + 20
    said = f"port {port} is taken: the laptop's AWS is at {found} this time"
    assert next_one.said.splitlines() == [said]


def test_a_kill_amid_an_invocation_and_a_job_leaves_no_process_and_the_next_one_starts_clean(
    laptop, project, tmp_path
):
    (project / "code" / "app.py").write_text(SLEEPING)
    started = laptop(project, tmp_path / "state")
    aws, daemon = started.aws, tmp_path / "daemon"
    functions = aws.client("lambda")
    name = functions.list_functions()["Functions"][0]["FunctionName"]
    functions.invoke(FunctionName=name, Payload=b"1", InvocationType="Event")
    command = f"setsid sleep 600 & echo $! > {daemon}; wait"
    aws.client("sagemaker").create_processing_job(**processing_job(command))
    pid = int(eventually(lambda: daemon.exists() and daemon.read_text()))
    ours = psutil.Process(started.process.pid)
    eventually(lambda: len(ours.children(recursive=True)) > 3)
    processes = [*ours.children(recursive=True), psutil.Process(pid)]
    started.stop(signal.SIGKILL)
    assert psutil.wait_procs(processes, timeout=30)[1] == []
    with pytest.raises(NotUpError):
        read_environment(tmp_path / "state")

    again = laptop(project, tmp_path / "state")
    assert "the laptop's AWS was killed here: it starts empty" in again.said
    assert again.aws.client("sqs").list_queues()["QueueUrls"] == [again.aws.outputs["QueueUrl"]]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("CodeUri: code,", "CodeUri: code, Handle: x,", "Function.*Handle"),
        ("Default: 2048", "Default: 1", r"Queue \(AWS::SQS::Queue\) cannot be created"),
        ("Default: 2048, ", "", r"the stack cannot be created: .*Size"),
    ],
    ids=["no such property", "resource", "parameter without value"],
)
def test_a_broken_template_is_one_error_that_names_the_trouble(
    laptop, project, tmp_path, old, new, says
):
    assert old in MINIMAL
    (project / "template.yaml").write_text(MINIMAL.replace(old, new))
    broken = laptop(project, tmp_path / "state")
    assert not broken.is_up
    [line] = broken.said.splitlines()
    assert re.search(says, line)
    assert not (tmp_path / "state" / "env.json").exists()
