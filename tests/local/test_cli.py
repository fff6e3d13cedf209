"""`landrun local`, `landrun runs`: the installed command as a process, as its user types it."""

from __future__ import annotations

import http.client
import json
import os
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


@pytest.fixture
def environment(root: Path, env: dict[str, str]) -> dict[str, str]:
    """What `landrun local env` exports."""
    shown: dict[str, str] = json.loads(landrun("local", "env", "--json", env=env, cwd=root).stdout)
    return shown


def in_shell(script: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-ec", script], env=env, cwd=cwd, capture_output=True, text=True, check=False
    )


def test_up_says_in_one_line_where_it_is_and_how_to_use_and_to_leave_it(
    ready_line: str, root: Path, env: dict[str, str], environment: dict[str, str]
) -> None:
    assert ready_line.startswith("ready at http://127.0.0.1:77")
    command = ready_line.partition("in another shell: ")[2].strip()
    unset = landrun("local", "env", env=env, cwd=root).stdout.splitlines()[-1].partition(": ")[2]
    script = (
        f"{command}; echo $LANDRUN_LANDING_BUCKET $AWS_ENDPOINT_URL; {unset}; env | grep AWS_ ||:"
    )
    shown = in_shell(script, env, root)
    bucket, endpoint = environment["LANDRUN_LANDING_BUCKET"], environment["AWS_ENDPOINT_URL"]
    assert shown.stdout == f"{bucket} {endpoint}\n"
    assert endpoint in ready_line
    assert {"AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "LANDRUN_RUNS_TABLE"} < set(environment)


def test_the_exports_make_the_aws_cli_work(root: Path, env: dict[str, str]) -> None:
    script = (
        'eval "$(landrun local env)"; echo hello > "$FILE";'
        ' aws s3 cp --quiet "$FILE" "s3://$LANDRUN_OUTPUT_BUCKET/by hand/x.txt";'
        ' aws s3 ls "s3://$LANDRUN_OUTPUT_BUCKET/by hand/"'
    )
    done = in_shell(script, env | {"FILE": f"{env['LANDRUN_STATE_DIR']}/x y.txt"}, root)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[-2:] == ["6", "x.txt"]


def test_sam_local_gets_each_functions_variables_and_the_laptops_name_for_containers(
    root: Path, env: dict[str, str], environment: dict[str, str]
) -> None:
    variables = json.loads(landrun("local", "env", "--sam", env=env, cwd=root).stdout)
    port = environment["AWS_ENDPOINT_URL"].rpartition(":")[2]
    assert len(variables) == 4
    for of_function in variables.values():
        assert of_function["AWS_ENDPOINT_URL"] == f"http://host.docker.internal:{port}"
        assert of_function["STATE_MACHINE_ARN"] == environment["LANDRUN_STATE_MACHINE_ARN"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has 127.0.0.2")
def test_containers_reach_it_only_with_listen_which_warns_and_iam_can_be_asked_for(
    root: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    def reached(environment: dict[str, str]) -> bool:
        with socket.socket() as other:
            port = urlsplit(environment["AWS_ENDPOINT_URL"]).port
            return other.connect_ex(("127.0.0.2", port)) == 0

    assert not reached(environment)
    options = ("--listen", "desk.example", "--iam", "--json", "--port", "0")
    with local_up(root, tmp_path, *options) as (_, line):
        assert reached(json.loads(line))
        port = urlsplit(json.loads(line)["AWS_ENDPOINT_URL"]).port
        named, other = (
            listed_under(f"{host}:{port}", json.loads(line))
            for host in ("desk.example", "example.com")
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


def test_a_shell_of_an_earlier_laptop_or_of_another_stack_is_refused_with_the_remedy(
    root: Path, env: dict[str, str], environment: dict[str, str]
) -> None:
    shell = env | environment
    assert landrun("runs", env=shell | {"LANDRUN_STATE_DIR": "/nowhere"}, cwd=root).returncode == 0

    old_key = shell | {"AWS_ACCESS_KEY_ID": "LKIA0123456789ABCDEF"}
    old_address = old_key | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    for old in (old_key, old_address):
        refused = landrun("runs", env=old, cwd=root)
        assert refused.returncode == 2
        where = f"this shell points at {old['AWS_ENDPOINT_URL']}"
        assert_one_line(refused.stderr, where, f"is at {environment['AWS_ENDPOINT_URL']}", "eval")
    listed = in_shell("aws s3 ls", old_key, root)
    assert listed.returncode
    assert 'eval "$(landrun local env)"' in listed.stderr

    missing = landrun("runs", "--stack", "no-such", env=shell, cwd=root)
    assert missing.returncode == 2
    assert_one_line(missing.stderr, "'landrun' and no 'no-such'", "unset AWS_ENDPOINT_URL")


def test_a_tick_starts_one_run_that_is_listed_however_often_it_comes(
    root: Path, env: dict[str, str], environment: dict[str, str]
) -> None:
    nothing = landrun("local", "tick", "--time", "2020-01-01T03:00:00Z", env=env, cwd=root)
    assert (nothing.returncode, nothing.stdout[:8]) == (0, "no run: ")
    target = f"s3://{environment['LANDRUN_LANDING_BUCKET']}/daily/{DAY:%Y/%m/%d}/a.jsonl"
    subprocess.run(
        ["aws", "s3", "cp", "--quiet", "-", target],
        env=env | environment,
        input=b'{"text": "hello"}\n',
        check=True,
    )
    first, again = (
        json.loads(
            landrun("local", "tick", "--time", f"{DAY}{time}", "--json", env=env, cwd=root).stdout
        )
        for time in ("T03:00:00", "T04:00:00+01:00")
    )
    name = first["PreprocessingJobName"]
    assert again["PreprocessingJobName"] == name

    def listed() -> list[dict[str, Any]]:
        runs = json.loads(landrun("runs", "--json", env=env, cwd=root).stdout)
        return [run for run in runs if run["name"] == name]

    (run,) = eventually(listed, f"{name} among the runs")
    assert run["trigger"]["ScheduledTime"] == f"{DAY}T03:00:00Z"


def test_a_tick_whose_function_fails_is_one_line_and_exit_code_1(root: Path, aws: LocalAws) -> None:
    without_scheduled_input = clean_environment(Path(aws.logs).parent)
    ticked = landrun("local", "tick", env=without_scheduled_input, cwd=root)
    assert ticked.returncode == 1
    assert_one_line(ticked.stderr, "ScheduleFunction failed", "ScheduledInput")


def test_what_keeps_it_from_starting_is_one_line_with_the_remedy(
    root: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    (tmp_path / "template.yaml").write_text("Resources:\n  Bucket: [unclosed\n")
    state = clean_environment(tmp_path / "state")
    wrong = ("--parameter", "LandingPerfix=x/")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for given, cwd, options, words in (
            (env, root, (), ("already up",)),
            (state, root, ("--port", port), (port, "--port")),
            (state, root, wrong, ("LandingPerfix", "LandingPrefix")),
            (state, tmp_path, (), ("template.yaml",)),
            (clean_environment(tmp_path / "template.yaml"), root, (), ("--state-dir",)),
        ):
            up = landrun("local", "up", *options, env=given, cwd=cwd)
            assert (up.returncode, up.stdout) == (2, "")
            assert_one_line(up.stderr, *words)


@pytest.mark.parametrize(
    "command", [("local", "env"), ("local", "tick"), ("runs",), ("reconcile",)]
)
def test_without_one_up_the_remedy_is_shown(
    command: tuple[str, ...], root: Path, tmp_path: Path
) -> None:
    done = landrun(*command, env=clean_environment(tmp_path), cwd=root)
    assert (done.returncode, done.stdout) == (2, "")
    assert_one_line(done.stderr, "landrun local up")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "kill"])
def test_stopping_leaves_no_process_and_no_state_behind(
    stop: signal.Signals, root: Path, tmp_path: Path
) -> None:
    with local_up(root, tmp_path, "--port", "0") as (process, line):
        assert line.startswith("ready")
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(stop)
        assert process.wait(SECONDS) == 0
        assert psutil.wait_procs(children, timeout=30)[1] == []
    assert (tmp_path / "stderr.txt").read_text() == ""
    assert landrun("local", "env", env=clean_environment(tmp_path), cwd=root).returncode == 2


def test_a_crash_and_an_edit_are_lines_and_an_edited_script_runs_while_it_stays_up(
    root: Path, tmp_path: Path
) -> None:
    project, state = tmp_path / "project", tmp_path / "state"
    state.mkdir()
    shutil.copytree(root / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "template.yaml", project)
    handler = project / "src/functions/landrun/handlers/schedule.py"
    handler.write_text("import os\n\n\ndef handler(event, context):\n    os._exit(3)\n")
    with local_up(project, state, "--port", "0") as (process, _):
        ticked = landrun("local", "tick", env=clean_environment(state), cwd=project)
        assert ticked.returncode == 1
        assert_one_line((state / "stderr.txt").read_text(), "ScheduleFunction")
        handler.write_text("")
        said = eventually(
            lambda: (state / "stderr.txt").read_text().partition("landrun: src/")[2], "the edit"
        )
        assert said.startswith("functions/landrun/handlers/schedule.py changed")
        assert "start it again" in said
        (project / "src/processing/preprocess.py").write_text("raise ValueError('edited')\n")
        aws = LocalAws.attach(state)
        bucket = aws.outputs["LandingBucket"]
        aws.client("s3").put_object(Bucket=bucket, Key="incoming/a.csv", Body=b"text\na\n")
        run = eventually(lambda: failed_run(state, project), "a run of the edited script")
        assert "ValueError: edited" in json.dumps(run)
        assert process.poll() is None


def failed_run(state: Path, project: Path) -> dict[str, Any] | None:
    listed = landrun("runs", "--json", env=clean_environment(state), cwd=project).stdout
    return next((run for run in json.loads(listed) if run["status"] == "FAILED"), None)
