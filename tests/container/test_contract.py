"""SageMaker's container contract, with the job's image in Docker.

Mounts owned by root, configuration, environment, exit codes, exit message, stop, outputs.
"""

import json
import subprocess
import sys
import uuid

import polars as pl
import pytest

from default_job import COUNTS
from default_job import Job as InProcess
from landrun_ops.local.processing_job.docker_container import (
    LABEL,
    DockerContainer,
    connect,
    remove_leftovers,
)
from laptop_stack import eventually

from .conftest import IMAGE

INPUT = "/opt/ml/processing/input/messages"
LEFT = "processing/output/processed"
OUTPUT = f"/opt/ml/{LEFT}"
FOLDERS = ("/opt/ml/config", INPUT, f"{INPUT}/a.jsonl", OUTPUT, "/opt/ml/output")
LOOK = f"""
import json, os
def owner(path):
    return os.stat(path).st_uid, oct(os.stat(path).st_mode & 0o777), os.access(path, os.W_OK)
seen = {{path: owner(path) for path in {FOLDERS}}}
seen |= {{"uid": os.getuid(), "host": os.uname().nodename, "environment": dict(os.environ)}}
json.dump(seen, open("{OUTPUT}/seen.json", "w"))
open("/opt/ml/output/message", "w").write("out of ink")
raise SystemExit(3)
"""
STOPPABLE = f"""
import signal, sys, time
def stop(*_):
    open('{OUTPUT}/stopped', 'w').write('in time')
    raise SystemExit(143)
signal.signal(signal.SIGTERM, stop)
print('ready', flush=True)
time.sleep(100)
"""


@pytest.fixture
def job(docker, tmp_path):
    """``job(*words)`` is a container of the image with an input and an output, not yet started."""
    name, opt_ml = f"landrun-test-{uuid.uuid4().hex}", tmp_path / "opt/ml"
    containers = []

    def prepared(*words, owner=tmp_path):
        request = {
            "ProcessingJobName": name,
            "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": list(words)},
            "Environment": {"MODE": "a b", "AT": "/opt/ml/x"},
            "ProcessingInputs": [{"S3Input": {"LocalPath": INPUT}}],
            "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"LocalPath": OUTPUT}}]},
        }
        for file, text in {
            "config/processingjobconfig.json": json.dumps(request),
            "processing/input/messages/a.jsonl": '{"text": "hello"}\n',
        }.items():
            (opt_ml / file).parent.mkdir(parents=True, exist_ok=True)
            (opt_ml / file).write_text(text, encoding="utf-8")
        files = {"owner": owner, "opt_ml": opt_ml, "log": tmp_path / "log"}
        client = connect(IMAGE, "make container")
        containers.append(DockerContainer(request, "algo-1", {}, **files, grace=2, client=client))
        return containers[-1]

    yield prepared
    for one in containers:
        one.discard()
    for what in (("ps", "--all"), ("volume", "ls")):
        assert docker(*what, "--quiet", "--filter", f"label={LABEL}={name}") == ""


def test_mounts_environment_host_exit_code_and_message_are_as_on_sagemaker(job):
    container = job("python3", "-c", LOOK)
    container.start()
    code = eventually(lambda: container.wait(0.1))
    container.collect()
    assert code == 3, container.log.read_text()
    assert (container.opt_ml / "output/message").read_text() == "out of ink"

    seen = json.loads((container.opt_ml / LEFT / "seen.json").read_text())
    assert [seen[folder] for folder in FOLDERS] == [
        [0, "0o755", False],
        [0, "0o755", False],
        [0, "0o644", False],
        [10001, "0o755", True],
        [10001, "0o755", True],
    ]
    assert (seen["uid"], seen["host"]) == (10001, "algo-1")
    assert seen["environment"].items() >= container.request["Environment"].items()
    assert not {"LANDRUN_OPT_ML", "VIRTUAL_ENV"} & seen["environment"].keys()


def test_a_stopped_job_gets_sigterm_and_its_outputs_come_back(job):
    container = job("python3", "-c", STOPPABLE)
    container.start()
    eventually(lambda: container.log.exists() and "ready" in container.log.read_text())
    container.stop()
    container.collect()
    assert (container.opt_ml / LEFT / "stopped").read_text() == "in time"


def test_the_containers_of_a_killed_laptop_are_removed_and_no_others(job, tmp_path):
    container = job("sleep", "100")
    container.start()
    remove_leftovers(container.client, tmp_path / "another")
    assert container.wait(0) is None
    remove_leftovers(container.client, tmp_path)


CANNOT = ("--security-opt", "no-new-privileges")
CANNOT += ("--mount", "type=volume,dst=/opt/ml/output,volume-nocopy=true")
WRITABLE = "python3 -c \"import os; print(os.getuid(), os.access('/opt/ml/output', os.W_OK))\" 2>&1"


def test_where_sudo_is_not_allowed_the_log_says_what_to_do_unless_the_user_is_root(shell):
    said = shell(WRITABLE, *CANNOT)
    assert "--build-arg RUN_AS=root" in said
    assert said.endswith("False")
    assert shell(WRITABLE, *CANNOT, "--user", "root") == "0 True"


def test_a_demo_in_docker_leaves_what_the_job_leaves_here(root, tmp_path):
    orders = root / "samples/orders.jsonl"
    expected = InProcess(tmp_path / "here").give("incoming/orders.jsonl", orders.read_bytes()).run()
    for name in ("template.yaml", "src"):
        (tmp_path / name).symlink_to(root / name)
    options = ("--docker", "--image", IMAGE, f"--project={tmp_path}")
    command = (sys.executable, "-m", "landrun_ops", "demo", str(orders), *options)
    subprocess.run(command, check=True)

    left = tmp_path / ".landrun/demo/orders.jsonl"
    frame = pl.concat(pl.read_parquet(part) for part in left.glob("*.parquet"))
    assert frame.sort("text", "message_id").equals(expected.frame.sort("text", "message_id"))
    summary = json.loads((left / "summary.json").read_bytes())
    assert [summary[name] for name in COUNTS] == [*expected.counts]
    rejected = (expected.output / "rejected.jsonl").read_bytes()
    assert (left / "rejected.jsonl").read_bytes() == rejected
