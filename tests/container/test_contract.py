"""SageMaker's container contract, with the job's image in Docker.

Mounts owned by root, configuration, environment, exit codes, exit message, stop, outputs.
"""

from __future__ import annotations

import json
import textwrap
import threading
import time

import pytest

from landrun_ops.actions.docker import Docker
from landrun_ops.local.processing_job.docker_container import LABEL

from .conftest import IMAGE, INPUT, OUTPUT, Job

STAT = textwrap.dedent(f"""
    import json, os
    def owner(path):
        return os.stat(path).st_uid, oct(os.stat(path).st_mode & 0o777), os.access(path, os.W_OK)
    seen = {{path: owner(path) for path in
            ("/opt/ml/config", "{INPUT}", "{INPUT}/a.jsonl", "{OUTPUT}", "/opt/ml/output")}}
    seen["uid"] = os.getuid()
    seen["host"] = os.uname().nodename
    seen["config"] = json.load(open("/opt/ml/config/processingjobconfig.json"))
    seen["resources"] = json.load(open("/opt/ml/config/resourceconfig.json"))
    seen["environment"] = dict(os.environ)
    json.dump(seen, open("{OUTPUT}/seen.json", "w"))
""")


@pytest.fixture(autouse=True)
def _nothing_is_left(docker: Docker, job: Job):
    yield
    for what in (("ps", "--all"), ("volume", "ls")):
        assert docker(*what, "--quiet", "--filter", f"label={LABEL}={job.name}") == ""


def test_mounts_are_root_s_and_the_outputs_alone_become_the_user_s(job: Job) -> None:
    assert job.run("python3", "-c", STAT).status == "Completed", job.log()
    seen = json.loads(job.outputs()["seen.json"])
    assert seen["uid"] == 10001
    assert seen["/opt/ml/config"] == [0, "0o755", False]
    assert seen[INPUT] == [0, "0o755", False]
    assert seen[f"{INPUT}/a.jsonl"] == [0, "0o644", False]
    assert seen[OUTPUT] == [10001, "0o755", True]
    assert seen["/opt/ml/output"] == [10001, "0o755", True]


def test_configuration_and_environment_are_as_in_the_request(job: Job) -> None:
    request = job.request("python3", "-c", STAT, Environment={"MODE": "a b", "AT": "/opt/ml/x"})
    assert job.run("python3", "-c", STAT, Environment=request["Environment"]).status == "Completed"
    seen = json.loads(job.outputs()["seen.json"])
    assert seen["config"] == {"ProcessingJobArn": f"arn:{job.name}", **request}
    assert seen["resources"]["current_host"] == seen["host"] == "algo-1"
    assert seen["resources"]["hosts"] == ["algo-1"]
    environment = seen["environment"]
    assert environment.items() >= request["Environment"].items()
    assert not {"LANDRUN_OPT_ML", "HOSTNAME_OF_THE_LAPTOP", "VIRTUAL_ENV"} & environment.keys()


def test_the_script_s_exit_code_decides_and_its_message_says_why(job: Job) -> None:
    script = "open('/opt/ml/output/message', 'w').write('out of ink' * 200); raise SystemExit(3)"
    outcome = job.run("python3", "-c", script)
    assert outcome.status == "Failed"
    assert outcome.failure_reason == "AlgorithmError: , exit code: 3"
    assert outcome.exit_message == ("out of ink" * 200)[:1024]


def test_a_program_that_is_not_in_the_image_fails_the_job_and_the_log_says_so(job: Job) -> None:
    outcome = job.run("no-such-program")
    assert str(outcome.failure_reason).startswith("AlgorithmError: , exit code: ")
    assert "no-such-program" in job.log()


def test_an_image_that_is_not_there_fails_the_job_with_its_name(job: Job) -> None:
    missing = {"ImageUri": "landrun-no-such-image:1", "ContainerEntrypoint": ["x"]}
    outcome = job.run("x", AppSpecification=missing)
    assert outcome.status == "Failed"
    assert str(outcome.failure_reason).startswith("ClientError: cannot run landrun-no-such-image:1")


def test_the_default_job_runs_as_it_does_on_sagemaker(job: Job) -> None:
    entry = ["python3", "/opt/program/preprocess.py", "--input", INPUT, "--output", OUTPUT]
    assert job.run(*entry).status == "Completed", job.log()
    outputs = job.outputs()
    assert json.loads(outputs["summary.json"])["rows_out"] == 1
    assert [name for name in outputs if name.endswith(".parquet")]


def test_the_image_s_own_entrypoint_is_the_default_job(job: Job) -> None:
    arguments = ["--input", INPUT, "--output", OUTPUT]
    application = {"ImageUri": IMAGE, "ContainerArguments": arguments}
    assert job.run(AppSpecification=application).status == "Completed", job.log()


def test_an_isolated_job_has_no_network(job: Job) -> None:
    script = "import socket; print([name for _, name in socket.if_nameindex()])"
    network = {"EnableNetworkIsolation": True}
    assert job.run("python3", "-c", script, NetworkConfig=network).status == "Completed"
    assert job.log().strip() == "['lo']"


def test_each_instance_is_a_container_with_a_name_of_its_own(job: Job) -> None:
    script = f"import os; host = os.uname().nodename; open('{OUTPUT}/' + host, 'w').write(host)"
    assert job.run("python3", "-c", script, instances=2).status == "Completed"
    assert job.outputs() == {"algo-1": b"algo-1", "algo-2": b"algo-2"}


STOPPABLE = f"""
import signal, sys, time
def stop(*_):
    open('{OUTPUT}/stopped', 'w').write('in time')
    raise SystemExit(143)
signal.signal(signal.SIGTERM, {{}})
print('ready', flush=True)
time.sleep(100)
"""


def stopped(job: Job, handler: str) -> float:
    """Stop a job once it is ready, and say how many seconds that took."""
    order = job.order("python3", "-c", STOPPABLE.replace("{}", handler))
    asked: list[float] = []

    def stop_when_ready() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and "ready" not in _log(job):
            time.sleep(0.05)
        asked.append(time.monotonic())
        order.stop.set()

    threading.Thread(target=stop_when_ready).start()
    assert job.go(order).status == "Stopped"
    return time.monotonic() - asked[0]


def _log(job: Job) -> str:
    try:
        return job.log()
    except FileNotFoundError:
        return ""


def test_a_stopped_job_gets_sigterm_and_time_to_end(job: Job) -> None:
    stopped(job, "stop")
    assert job.outputs() == {"stopped": b"in time"}


def test_a_job_that_ignores_sigterm_is_killed_after_the_grace(job: Job) -> None:
    assert 2 <= stopped(job, "signal.SIG_IGN") < 60
    assert job.outputs() == {}


def test_a_job_over_its_time_limit_is_stopped(job: Job) -> None:
    limit = {"MaxRuntimeInSeconds": 1}
    outcome = job.run("python3", "-c", "import time; time.sleep(100)", StoppingCondition=limit)
    assert outcome.status == "Stopped"
    assert "MaxRuntimeInSeconds (1) reached" in job.log()


def test_links_in_the_outputs_are_not_followed(job: Job) -> None:
    script = f"import os; os.symlink('/etc/passwd', '{OUTPUT}/x'); open('{OUTPUT}/y', 'w').close()"
    assert job.run("python3", "-c", script).status == "Completed"
    assert job.outputs() == {"y": b""}


def test_where_sudo_is_not_allowed_the_log_says_what_to_do(docker: Docker) -> None:
    run = ("run", "--rm", "--security-opt", "no-new-privileges", *VOLUMES)
    script = "import os, sys; sys.stdout.write(str(os.access('/opt/ml/output', os.W_OK)))"
    told = docker(*run, "--entrypoint", "sh", IMAGE, "-c", f'python3 -c "{script}" 2>&1')
    assert "--build-arg RUN_AS=root" in told
    assert told.endswith("False")


def test_as_root_nothing_needs_to_be_given(docker: Docker) -> None:
    run = ("run", "--rm", "--user", "root", "--security-opt", "no-new-privileges", *VOLUMES)
    script = "import os; print(os.getuid(), os.access('/opt/ml/output', os.W_OK))"
    assert docker(*run, "--entrypoint", "python3", IMAGE, "-c", script) == "0 True"


VOLUMES = ("--mount", "type=volume,dst=/opt/ml/output,volume-nocopy=true")
