"""SageMaker's container contract, with the job's image in Docker.

Mounts owned by root, configuration, environment, exit codes, exit message, stop, outputs.
"""

from __future__ import annotations

import io
import json
import textwrap
import threading
import time

import polars as pl
import pytest

from default_job import COUNTS
from default_job import Job as InProcess
from landrun_ops.local.processing_job.docker_container import LABEL, remove_leftovers
from landrun_ops.local.processing_job.job import Host

from .conftest import HELLO, IMAGE, INPUT, OUTPUT

FOLDERS = ("/opt/ml/config", INPUT, f"{INPUT}/a.jsonl", OUTPUT, "/opt/ml/output")
STAT = textwrap.dedent(f"""
    import json, os
    def owner(path):
        return os.stat(path).st_uid, oct(os.stat(path).st_mode & 0o777), os.access(path, os.W_OK)
    seen = {{path: owner(path) for path in {FOLDERS}}}
    seen["uid"] = os.getuid()
    seen["host"] = os.uname().nodename
    seen["config"] = json.load(open("/opt/ml/config/processingjobconfig.json"))
    seen["resources"] = json.load(open("/opt/ml/config/resourceconfig.json"))
    seen["environment"] = dict(os.environ)
    json.dump(seen, open("{OUTPUT}/seen.json", "w"))
""")
DEFAULT = ["python3", "/opt/program/preprocess.py"]
ARGUMENTS = ["--input", INPUT, "--output", OUTPUT]


@pytest.fixture(autouse=True)
def _nothing_is_left(docker, job):
    yield
    for what in (("ps", "--all"), ("volume", "ls")):
        assert docker(*what, "--quiet", "--filter", f"label={LABEL}={job.name}") == ""


def test_mounts_configuration_and_environment_are_as_on_sagemaker(job):
    request = job.request("python3", "-c", STAT, Environment={"MODE": "a b", "AT": "/opt/ml/x"})
    outcome = job.run("python3", "-c", STAT, Environment=request["Environment"])
    assert outcome.status == "Completed", job.log()

    seen = json.loads(job.outputs()["seen.json"])
    assert [seen[folder] for folder in FOLDERS] == [
        [0, "0o755", False],
        [0, "0o755", False],
        [0, "0o644", False],
        [10001, "0o755", True],
        [10001, "0o755", True],
    ]
    assert seen["uid"] == 10001
    assert seen["config"] == {"ProcessingJobArn": f"arn:{job.name}", **request}
    assert seen["resources"]["current_host"] == seen["host"] == "algo-1"
    assert seen["resources"]["hosts"] == ["algo-1"]
    assert seen["environment"].items() >= request["Environment"].items()
    assert not {"LANDRUN_OPT_ML", "HOSTNAME_OF_THE_LAPTOP", "VIRTUAL_ENV"} & {*seen["environment"]}


def test_the_script_s_exit_code_decides_and_its_message_says_why(job):
    script = "open('/opt/ml/output/message', 'w').write('out of ink' * 200); raise SystemExit(3)"
    outcome = job.run("python3", "-c", script)
    assert outcome.status == "Failed"
    assert outcome.failure_reason == "AlgorithmError: , exit code: 3"
    assert outcome.exit_message == ("out of ink" * 200)[:1024]


def test_a_program_or_an_image_that_is_not_there_fails_the_job_and_is_named(job):
    outcome = job.run("no-such-program")
    assert str(outcome.failure_reason).startswith(f"ClientError: cannot run {IMAGE}: ")
    assert "no-such-program" in str(outcome.failure_reason)

    missing = {"ImageUri": "landrun-no-such-image:1", "ContainerEntrypoint": ["x"]}
    outcome = job.run(AppSpecification=missing)
    assert outcome.status == "Failed"
    assert str(outcome.failure_reason).startswith("ClientError: cannot run landrun-no-such-image:1")


@pytest.mark.parametrize("entrypoint", [{"ContainerEntrypoint": DEFAULT}, {}], ids=["ours", "own"])
def test_the_default_job_leaves_what_it_leaves_as_a_subprocess_and_is_the_image_s_entrypoint(
    job, root, tmp_path, entrypoint
):
    here = InProcess(tmp_path / "here")
    for path in (root / "samples").iterdir():
        if path.suffix not in (".md", ".ipynb"):
            here.give(path.name, path.read_bytes())
            job.land(path.name, path.read_bytes())
    application = {"ImageUri": IMAGE, "ContainerArguments": ARGUMENTS, **entrypoint}
    assert job.run(AppSpecification=application).status == "Completed", job.log()

    expected, outputs = here.give("a.jsonl", HELLO).run(), job.outputs()
    parts = [io.BytesIO(data) for name, data in outputs.items() if name.endswith(".parquet")]
    frame = pl.concat(pl.read_parquet(part) for part in parts)
    assert frame.sort("text", "message_id").equals(expected.frame.sort("text", "message_id"))
    assert [json.loads(outputs["summary.json"])[name] for name in COUNTS] == [*expected.counts]
    assert outputs["rejected.jsonl"] == (expected.output / "rejected.jsonl").read_bytes()


def test_an_isolated_job_has_no_network(job):
    script = "import socket; print([name for _, name in socket.if_nameindex()])"
    network = {"EnableNetworkIsolation": True}
    assert job.run("python3", "-c", script, NetworkConfig=network).status == "Completed"
    assert job.log().strip() == "['lo']"


def test_each_instance_is_a_container_with_a_name_of_its_own(job):
    script = f"import os; host = os.uname().nodename; open('{OUTPUT}/' + host, 'w').write(host)"
    assert job.run("python3", "-c", script, instances=2).status == "Completed"
    assert job.outputs() == {"algo-1": b"algo-1", "algo-2": b"algo-2"}


STOPPABLE = f"""
import signal, sys, time
def stop(*_):
    open('{OUTPUT}/stopped', 'w').write('in time')
    raise SystemExit(143)
signal.signal(signal.SIGTERM, HANDLER)
print('ready', flush=True)
time.sleep(100)
"""


@pytest.mark.parametrize(
    ("handler", "left"), [("stop", {"stopped": b"in time"}), ("signal.SIG_IGN", {})]
)
def test_a_stopped_job_gets_sigterm_and_is_killed_after_the_grace(job, handler, left):
    order = job.order("python3", "-c", STOPPABLE.replace("HANDLER", handler))

    def stop_when_ready():
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and "ready" not in job.log():
            time.sleep(0.05)
        order.stop.set()

    threading.Thread(target=stop_when_ready).start()
    assert job.go(order).status == "Stopped"
    assert job.outputs() == left


CANNOT = ("--security-opt", "no-new-privileges")
CANNOT += ("--mount", "type=volume,dst=/opt/ml/output,volume-nocopy=true")
WRITABLE = "python3 -c \"import os; print(os.getuid(), os.access('/opt/ml/output', os.W_OK))\" 2>&1"


def test_where_sudo_is_not_allowed_the_log_says_what_to_do_unless_the_user_is_root(shell):
    said = shell(WRITABLE, *CANNOT)
    assert "--build-arg RUN_AS=root" in said
    assert said.endswith("False")
    assert shell(WRITABLE, *CANNOT, "--user", "root") == "0 True"


def test_the_containers_of_a_killed_laptop_are_removed_and_no_others(job):
    laptop = job.laptop
    host = Host("algo-1", laptop.work_dir, job.order("sleep", "100"), laptop)
    host.lay_out(["algo-1"])
    host.start()
    remove_leftovers(laptop.docker, laptop.work_dir / "another")
    assert host.container.wait(0) is None
    remove_leftovers(laptop.docker, laptop.work_dir)
