"""`landrun local`, `landrun runs`: the installed command as a process, as its user types it."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from landrun_ops.local import LocalAws

BIN = Path(sys.executable).parent
LANDRUN = str(BIN / "landrun")
DAY = date(2026, 11, 22)
SECONDS = 60
"""Longest wait for anything."""


def clean_environment(state_dir: Path, **more: str) -> dict[str, str]:
    mine = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "LANDRUN_", "COLUMNS"))
    }
    path = f"{BIN}{os.pathsep}{mine.get('PATH', '')}"
    return mine | {"PATH": path, "LANDRUN_STATE_DIR": str(state_dir)} | more


def landrun(*arguments: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LANDRUN, *arguments],
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@contextmanager
def local_up(
    project: Path, state_dir: Path, *arguments: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`landrun local up`, ready, and the line that it said so with."""
    env = clean_environment(state_dir)
    errors = state_dir / "stderr.txt"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [LANDRUN, "local", "up", *arguments],
            env=env,
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
    assert process.stdout
    try:
        yield process, process.stdout.readline()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(SECONDS)
        process.stdout.close()


def eventually(check: Callable[[], Any], what: str) -> Any:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if found := check():
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} within {SECONDS} s")


def assert_one_line(said: str, *words: str) -> None:
    (line,) = said.splitlines()
    assert line.startswith("landrun: ")
    for word in words:
        assert word in line
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def ready_line(root: Path, state_dir: Path) -> Iterator[str]:
    scheduled = "ScheduledInput=daily/{date:%Y/%m/%d}/"
    with local_up(root, state_dir, "--parameter", scheduled) as (_, line):
        yield line


@pytest.fixture
def env(ready_line: str, state_dir: Path) -> dict[str, str]:
    return clean_environment(state_dir)


def test_up_says_in_one_line_where_it_is_and_how_to_use_it(
    ready_line: str, state_dir: Path, root: Path, env: dict[str, str]
) -> None:
    assert ready_line.startswith("ready at http://127.0.0.1:")
    command = ready_line.partition("in another shell: ")[2].strip()
    shown = subprocess.run(
        ["sh", "-c", f'{command}; echo "$LANDRUN_LANDING_BUCKET $AWS_ENDPOINT_URL"'],
        env=env,
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert shown[1] in ready_line
    assert len(shown) == 2


def test_the_exports_make_the_aws_cli_work(root: Path, env: dict[str, str]) -> None:
    script = (
        'set -e; eval "$(landrun local env)"; echo hello > "$1";'
        ' aws s3 cp --quiet "$1" "s3://$LANDRUN_OUTPUT_BUCKET/by hand/x.txt";'
        ' aws s3 ls "s3://$LANDRUN_OUTPUT_BUCKET/by hand/"'
    )
    file = Path(env["LANDRUN_STATE_DIR"]) / "x y.txt"
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(file)],
        env=env,
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[-2:] == ["6", "x.txt"]


def test_the_environment_has_every_output_also_as_json(root: Path, env: dict[str, str]) -> None:
    environment = json.loads(landrun("local", "env", "--json", env=env, cwd=root).stdout)
    assert environment.keys() >= {
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
        "LANDRUN_LANDING_BUCKET",
        "LANDRUN_OUTPUT_BUCKET",
        "LANDRUN_STATE_MACHINE_ARN",
        "LANDRUN_RUNS_TABLE",
    }


def test_sam_local_gets_each_functions_variables_and_the_laptops_name_for_containers(
    root: Path, env: dict[str, str]
) -> None:
    environment = json.loads(landrun("local", "env", "--json", env=env, cwd=root).stdout)
    variables = json.loads(landrun("local", "env", "--sam", env=env, cwd=root).stdout)
    assert set(variables) == {
        "ObjectCreatedFunction",
        "ScheduleFunction",
        "ExecutionStatusFunction",
        "ReconcileFunction",
    }
    port = environment["AWS_ENDPOINT_URL"].rpartition(":")[2]
    for of_function in variables.values():
        assert of_function["AWS_ENDPOINT_URL"] == f"http://host.docker.internal:{port}"
        assert of_function["STATE_MACHINE_ARN"] == environment["LANDRUN_STATE_MACHINE_ARN"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has 127.0.0.2")
def test_containers_reach_it_only_when_told_to_listen_and_with_a_warning(
    root: Path, ready_line: str, tmp_path: Path
) -> None:
    def reached(line: str) -> bool:
        port = int(re.split(r"127\.0\.0\.1:|;", line)[1])
        with socket.socket() as other:
            return other.connect_ex(("127.0.0.2", port)) == 0

    assert not reached(ready_line)
    with local_up(root, tmp_path, "--listen", "desk.example", "--json") as (_, line):
        environment = json.loads(line)
        assert reached(environment["AWS_ENDPOINT_URL"])
        port = environment["AWS_ENDPOINT_URL"].rpartition(":")[2]
        named, other = (
            listed_under(f"{host}:{port}", environment) for host in ("desk.example", "example.com")
        )
    assert (named, other) == (200, 403)
    warning = (tmp_path / "stderr.txt").read_text()
    assert_one_line(warning, "--listen", "every machine", "run commands as you")


def listed_under(host: str, environment: dict[str, str]) -> int:
    """The status of a signed request for the list of buckets, made under the name of a host."""
    connection = http.client.HTTPConnection(urlsplit(environment["AWS_ENDPOINT_URL"]).netloc)
    signature = f"AWS {environment['AWS_ACCESS_KEY_ID']}:0"
    connection.request("GET", "/", headers={"Host": host, "Authorization": signature})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("host", ["http://desk.example", "desk.example:4566", "a b", ""])
def test_what_is_no_name_of_a_host_is_one_line(host: str, root: Path, tmp_path: Path) -> None:
    up = landrun("local", "up", "--listen", host, env=clean_environment(tmp_path), cwd=root)
    assert (up.returncode, up.stdout) == (2, "")
    assert_one_line(up.stderr, "--listen", "host.docker.internal")


def test_a_shell_with_the_key_of_an_earlier_one_is_told_to_get_the_new_one(
    root: Path, env: dict[str, str]
) -> None:
    environment = json.loads(landrun("local", "env", "--json", env=env, cwd=root).stdout)
    stale = environment | {"AWS_ACCESS_KEY_ID": "LKIA0123456789ABCDEF"}
    listed = subprocess.run(
        ["aws", "s3", "ls"], env=env | stale, capture_output=True, text=True, check=False
    )
    assert listed.returncode
    assert 'eval "$(landrun local env)"' in listed.stderr


def test_a_tick_over_nothing_starts_no_run(root: Path, env: dict[str, str]) -> None:
    ticked = landrun("local", "tick", "--time", "2020-01-01T03:00:00Z", env=env, cwd=root)
    assert (ticked.returncode, ticked.stderr) == (0, "")
    assert ticked.stdout == "no run: nothing waits, and nothing lies under ScheduledInput\n"


def test_a_tick_starts_one_run_that_the_ledger_lists_however_often_it_comes(
    root: Path, env: dict[str, str]
) -> None:
    environment = json.loads(landrun("local", "env", "--json", env=env, cwd=root).stdout)
    target = f"s3://{environment['LANDRUN_LANDING_BUCKET']}/daily/{DAY:%Y/%m/%d}/a.jsonl"
    subprocess.run(
        ["aws", "s3", "cp", "--quiet", "-", target],
        env=env | environment,
        input=b'{"text": "hello"}\n',
        check=True,
    )
    time = f"{DAY}T03:00:00+00:00"
    first = landrun("local", "tick", "--time", time, "--json", env=env, cwd=root)
    again = landrun("local", "tick", "--time", time, "--json", env=env, cwd=root)
    name = json.loads(first.stdout)["PreprocessingJobName"]
    assert json.loads(again.stdout)["PreprocessingJobName"] == name

    def listed() -> list[dict[str, Any]]:
        runs = json.loads(landrun("runs", "--json", env=env, cwd=root).stdout)
        return [run for run in runs if run["name"] == name]

    (run,) = eventually(listed, f"{name} in the ledger")
    assert run["trigger"]["ScheduledTime"] == f"{DAY}T03:00:00Z"
    for width in (80, 200):
        table = landrun("runs", env=env | {"COLUMNS": str(width)}, cwd=root).stdout
        assert name.rpartition("-")[2][:8] in table
        assert max(map(len, table.splitlines())) <= width


def test_a_tick_whose_function_fails_is_one_line_and_exit_code_1(root: Path, aws: LocalAws) -> None:
    without_scheduled_input = clean_environment(Path(aws.logs).parent)
    ticked = landrun("local", "tick", env=without_scheduled_input, cwd=root)
    assert ticked.returncode == 1
    assert_one_line(ticked.stderr, "ScheduleFunction failed", "ScheduledInput")


def test_commands_find_the_stack_that_the_environment_names(
    root: Path, env: dict[str, str]
) -> None:
    environment = json.loads(landrun("local", "env", "--json", env=env, cwd=root).stdout)
    elsewhere = env | environment | {"LANDRUN_STATE_DIR": "/nowhere"}
    assert landrun("runs", env=elsewhere, cwd=root).returncode == 0

    missing = landrun("runs", env=elsewhere | {"LANDRUN_STACK": "no-such"}, cwd=root)
    assert missing.returncode == 2
    assert_one_line(missing.stderr, "no stack 'no-such'", "--region")


def test_a_second_up_in_the_same_place_says_that_one_is_up(root: Path, env: dict[str, str]) -> None:
    second = landrun("local", "up", env=env, cwd=root)
    assert second.returncode == 2
    assert_one_line(second.stderr, "already up")


def test_a_port_in_use_is_one_line(root: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        up = landrun("local", "up", "--port", port, env=clean_environment(tmp_path), cwd=root)
    assert (up.returncode, up.stdout) == (2, "")
    assert_one_line(up.stderr, port, "--port")


def test_an_unknown_parameter_is_one_line(root: Path, tmp_path: Path) -> None:
    wrong = ("--parameter", "LandingPerfix=x/")
    up = landrun("local", "up", *wrong, env=clean_environment(tmp_path), cwd=root)
    assert (up.returncode, up.stdout) == (2, "")
    assert_one_line(up.stderr, "LandingPerfix", "LandingPrefix")


def test_a_broken_template_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources:\n  Bucket: [unclosed\n")
    up = landrun("local", "up", env=clean_environment(tmp_path / "state"), cwd=tmp_path)
    assert (up.returncode, up.stdout) == (2, "")
    assert_one_line(up.stderr, "template.yaml")


@pytest.mark.parametrize(
    "command", [("local", "env"), ("local", "tick"), ("runs",), ("reconcile",)]
)
def test_without_one_up_the_remedy_is_told(
    command: tuple[str, ...], root: Path, tmp_path: Path
) -> None:
    done = landrun(*command, env=clean_environment(tmp_path), cwd=root)
    assert (done.returncode, done.stdout) == (2, "")
    assert_one_line(done.stderr, "landrun local up")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "kill"])
def test_stopping_leaves_no_process_and_no_state_behind(
    stop: signal.Signals, root: Path, tmp_path: Path
) -> None:
    with local_up(root, tmp_path) as (process, line):
        assert line.startswith("ready")
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(stop)
        assert process.wait(SECONDS) == 0
        assert psutil.wait_procs(children, timeout=30)[1] == []
    assert (tmp_path / "stderr.txt").read_text() == ""
    assert landrun("local", "env", env=clean_environment(tmp_path), cwd=root).returncode == 2


def test_a_handler_that_crashes_is_a_line_while_it_stays_up(root: Path, tmp_path: Path) -> None:
    project, state = tmp_path / "project", tmp_path / "state"
    state.mkdir()
    shutil.copytree(root / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "template.yaml", project)
    handler = project / "src/functions/landrun/handlers/schedule.py"
    handler.write_text("import os\n\n\ndef handler(event, context):\n    os._exit(3)\n")
    with local_up(project, state) as (process, _):
        ticked = landrun("local", "tick", env=clean_environment(state), cwd=project)
        assert ticked.returncode == 1
        reported = (state / "stderr.txt").read_text()
        assert_one_line(reported, "ScheduleFunction")
        assert process.poll() is None


def test_iam_can_be_asked_for(root: Path, tmp_path: Path) -> None:
    with local_up(root, tmp_path, "--iam") as (_, ready):
        assert ready.startswith("ready at")
        aws = LocalAws.attach(tmp_path)
        functions = aws.client("lambda").list_functions()["Functions"]
        assert functions
