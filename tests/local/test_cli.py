"""`landrun local`: the installed command as a process, as its user types it."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from landrun_ops.local import LocalAws
from laptop_stack import eventually
from local import commands
from local.commands import LANDRUN, SECONDS, landrun, told
from local.laptop import staying

GIVEN = ("ScheduledInput=daily/{date:%Y/%m/%d}/", "ScheduleTimezone=Asia/Tokyo")


def shell(state_dir):
    """A shell in which nobody has typed eval."""
    path = f"{Path(LANDRUN).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return commands.shell(PATH=path, LANDRUN_STATE_DIR=str(state_dir))


def local_up(project, state_dir, *arguments):
    """`landrun local up`, ready, and the line that it said so with."""
    return staying(shell(state_dir), state_dir, "local", "up", *arguments, cwd=project)


def assert_one_line(said, *words):
    (line,) = said.splitlines()
    assert line.startswith("landrun: ")
    for word in words:
        assert word in line


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    return shell(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def ready_line(root, env):
    given = [f"--parameter={one}" for one in GIVEN]
    with local_up(root, Path(env["LANDRUN_STATE_DIR"]), *given) as (_, line):
        yield line


@pytest.fixture(scope="module")
def environment(ready_line, env):
    """What `landrun local env` exports."""
    return told(env, "local", "env")


def in_shell(script, env, cwd):
    return subprocess.run(
        ["sh", "-ec", script], env=env, cwd=cwd, capture_output=True, text=True, check=False
    )


def test_up_says_in_one_line_where_it_is_and_how_to_use_and_to_leave_it(
    ready_line, root, env, environment
):
    assert ready_line.startswith("ready at http://127.0.0.1:77")
    command = ready_line.partition("in another shell: ")[2].strip()
    unset = landrun(env, "local", "env").stdout.splitlines()[-1].partition(": ")[2]
    show = "echo $LANDRUN_LANDING_BUCKET $AWS_ENDPOINT_URL"
    shown = in_shell(f"{command}; {show}; {unset}; env | grep AWS_ ||:", env, root)
    bucket, endpoint = environment["LANDRUN_LANDING_BUCKET"], environment["AWS_ENDPOINT_URL"]
    assert shown.stdout == f"{bucket} {endpoint}\n"
    assert endpoint in ready_line


def test_sam_local_gets_each_functions_variables_and_the_laptops_name_for_containers(
    env, environment
):
    variables = told(env, "local", "env", "--sam")
    port = environment["AWS_ENDPOINT_URL"].rpartition(":")[2]
    assert len(variables) == 4
    for of_function in variables.values():
        assert of_function["AWS_ENDPOINT_URL"] == f"http://host.docker.internal:{port}"
        assert of_function["STATE_MACHINE_ARN"] == environment["LANDRUN_STATE_MACHINE_ARN"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has 127.0.0.2")
def test_containers_reach_it_only_with_listen_which_warns_and_iam_can_be_asked_for(
    root, environment, tmp_path
):
    def answered(environment, host):
        """The status of a signed request by another address, under the name of a host."""
        port = urlsplit(environment["AWS_ENDPOINT_URL"]).port
        connection = http.client.HTTPConnection("127.0.0.2", port)
        signature = f"AWS {environment['AWS_ACCESS_KEY_ID']}:0"
        headers = {"Host": f"{host}:{port}", "Authorization": signature}
        connection.request("GET", "/", headers=headers)
        status = connection.getresponse().status
        connection.close()
        return status

    with pytest.raises(ConnectionRefusedError):
        answered(environment, "localhost")
    options = ("--listen", "desk.example", "--iam", "--json", "--port", "0")
    with local_up(root, tmp_path, *options) as (_, line):
        assert answered(json.loads(line), "desk.example") == 200
        assert answered(json.loads(line), "example.com") == 403
    warning = (tmp_path / "stderr.txt").read_text()
    assert_one_line(warning, "--listen", "every machine", "run commands as you")


def test_a_shell_of_an_earlier_laptop_or_of_another_stack_is_refused_with_the_remedy(
    root, env, environment
):
    here = env | environment
    assert landrun(here | {"LANDRUN_STATE_DIR": "/nowhere"}, "runs").returncode == 0

    old_key = here | {"AWS_ACCESS_KEY_ID": "LKIA0123456789ABCDEF"}
    for old in (old_key, old_key | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}):
        refused = landrun(old, "runs")
        assert refused.returncode == 2
        where = f"this shell points at {old['AWS_ENDPOINT_URL']}"
        assert_one_line(refused.stderr, where, f"is at {environment['AWS_ENDPOINT_URL']}", "eval")
    listed = in_shell("aws s3 ls", old_key, root)
    assert listed.returncode
    assert 'eval "$(landrun local env)"' in listed.stderr

    missing = landrun(here, "runs", "--stack", "no-such")
    assert missing.returncode == 2
    assert_one_line(missing.stderr, "'landrun' and no 'no-such'", "unset AWS_ENDPOINT_URL")


def test_a_tick_is_one_recorded_run_over_all_that_lies_there_however_often_it_comes(
    env, environment
):
    nothing = landrun(env, "local", "tick", "--time", "2020-01-01T03:00:00Z")
    assert (nothing.returncode, nothing.stdout[:8]) == (0, "no run: ")
    aws = LocalAws.attach(Path(env["LANDRUN_STATE_DIR"]))
    bucket = environment["LANDRUN_LANDING_BUCKET"]
    for key in ("23/a.jsonl", "23/b.jsonl", "22/yesterday.jsonl"):
        where = {"Bucket": bucket, "Key": f"daily/2026/11/{key}"}
        aws.client("s3").put_object(**where, Body=b'{"text": "hello"}\n')
    times = ("2026-11-22T18:00:00", "2026-11-22T19:00:00+01:00", "2026-11-22T18:00:00Z")
    ticks = [told(env, "local", "tick", "--time", time) for time in times]
    name = ticks[0]["PreprocessingJobName"]
    assert ticks == [ticks[0]] * 3
    run = eventually(lambda: (run := told(env, "show", name)) and "job_name" in run and run)
    assert run["trigger"]["ScheduledTime"] == "2026-11-22T18:00:00Z"
    assert run["input"]["keys"] == ["daily/2026/11/23/a.jsonl", "daily/2026/11/23/b.jsonl"]


def test_what_keeps_it_from_starting_is_one_line_with_the_remedy(root, tmp_path, env, environment):
    (tmp_path / "template.yaml").write_text("Resources:\n  Bucket: [unclosed\n")
    state = shell(tmp_path / "state")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for given, cwd, options, words in (
            (env, root, (), ("already up",)),
            (state, root, ("--port", port), (port, "--port")),
            (state, root, ("--parameter", "LandingPerfix=x/"), ("LandingPerfix", "LandingPrefix")),
            (state, tmp_path, (), ("template.yaml",)),
            (shell(tmp_path / "template.yaml"), root, (), ("--state-dir",)),
        ):
            up = landrun(given, "local", "up", *options, cwd=cwd)
            assert (up.returncode, up.stdout) == (2, "")
            assert_one_line(up.stderr, *words)


def test_stopping_leaves_no_process_and_no_state_and_commands_then_show_the_remedy(root, tmp_path):
    with local_up(root, tmp_path, "--port", "0") as (process, line):
        assert line.startswith("ready")
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        os.kill(process.pid, signal.SIGTERM)
        process.join(SECONDS)
        assert process.exitcode == 0
        assert psutil.wait_procs(children, timeout=30)[1] == []
    assert (tmp_path / "stderr.txt").read_text() == ""
    for command in ("local env", "local tick", "runs", "reconcile"):
        done = landrun(shell(tmp_path), *command.split())
        assert (done.returncode, done.stdout) == (2, "")
        assert_one_line(done.stderr, "landrun local up")


def test_a_crash_and_an_edit_are_lines_and_an_edited_script_runs_while_it_stays_up(root, tmp_path):
    project, state = tmp_path / "project", tmp_path / "state"
    state.mkdir()
    shutil.copytree(root / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "template.yaml", project)
    handler = project / "src/functions/landrun/handlers/schedule.py"
    handler.write_text("import os\n\n\ndef handler(event, context):\n    os._exit(3)\n")
    said = state / "stderr.txt"
    with local_up(project, state, "--port", "0") as (process, _):
        ticked = landrun(shell(state), "local", "tick")
        assert ticked.returncode == 1
        assert_one_line(ticked.stderr, "ScheduleFunction failed")
        assert_one_line(said.read_text(), "ScheduleFunction")
        handler.write_text("")
        eventually(lambda: "src/functions/landrun/handlers/schedule.py" in said.read_text())
        assert_one_line(said.read_text().splitlines()[-1], "schedule.py changed", "start it again")
        (project / "src/processing/preprocess.py").write_text("raise ValueError('edited')\n")
        aws = LocalAws.attach(state)
        bucket = aws.outputs["LandingBucket"]
        aws.client("s3").put_object(Bucket=bucket, Key="incoming/a.csv", Body=b"text\na\n")
        logs = state / "jobs"
        eventually(
            lambda: any("ValueError: edited" in log.read_text() for log in logs.rglob("*.log"))
        )
        assert process.is_alive()
