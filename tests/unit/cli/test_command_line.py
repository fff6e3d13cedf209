"""What holds for every command: its help, hostile texts, and one line of error whatever goes wrong.

Answers in AWS's place are put below botocore, where it would send a request: no port is opened.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from moto.core.botocore_stubber import MockRawResponse

from docs.made import leaves
from landrun.errors import ConfigurationError
from landrun_ops import cli
from landrun_ops.cli import console
from landrun_ops.cli.tables import runs_table
from landrun_ops.cli.target import Target
from landrun_ops.cli.watch import screen
from landrun_ops.stack import clients, stack
from landrun_ops.stack.activity import Activity
from landrun_ops.units import since
from records import record

NOT_ON_A_STACK = ("landrun adopt", "landrun demo", "landrun image", "landrun workflow render")


def test_the_help_of_every_command_has_an_example_json_and_the_stack_it_is_about():
    for command, context in leaves():
        path, options = context.command_path, {flag for one in command.params for flag in one.opts}
        assert path in " ".join(command.help.partition("Example: ")[2].split())
        assert "--json" in options
        if not path.startswith(("landrun local", *NOT_ON_A_STACK)):
            assert options >= {"--stack", "--profile", "--region"}


def test_a_shell_completes_commands_and_options(monkeypatch, capsys):
    monkeypatch.setenv("_LANDRUN_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "landrun runs --st")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit):
        cli.run([])
    assert set(capsys.readouterr().out.split()) == {"--stack", "--status", "--state-dir"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "No such command 'nonsense'; see: landrun --help"),
        (["runs", "--nonsense"], "see: landrun runs --help"),
        (["local", "up", "--parameter", "Name"], "write --parameter Name=Value"),
        (["local", "tick", "--time", "yesterday"], "does not match the formats"),
        (["demo", "docs/alarms"], "has no data in .jsonl"),
        (["start", "incoming/"], "'incoming/' is not an S3 URI: write s3://bucket/key"),
        (["rerun", "a", "--failed"], "name runs, or give --failed"),
        (["runs", "--region", "eu-west-1"], "name it with --stack"),
        (["runs", "--stack", "ours", "--profile", "nobody"], "aws configure list-profiles"),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy_and_exit_code_2(
    arguments, words, root, monkeypatch, capsys
):
    monkeypatch.chdir(root)
    assert cli.run(arguments) == 2
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith("landrun: ")
    assert words in line
    assert said.out == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_closed_pipe_ends_the_command_without_a_word_and_a_full_disk_with_one_line(root):
    reader, closed = os.pipe()  # as in ``landrun runs | head -1``
    os.close(reader)
    line = "landrun: cannot write the output: No space left on device\n"
    for stdout, end in ((closed, (141, "")), (os.open("/dev/full", os.O_WRONLY), (2, line))):
        command = [sys.executable, "-m", "landrun_ops", "--help"]
        to = {"stdout": stdout, "stderr": subprocess.PIPE}
        done = subprocess.run(command, cwd=root, **to, text=True, check=False)
        os.close(stdout)
        assert (done.returncode, done.stderr) == end


def test_help_imports_nothing_that_is_slow():
    script = (
        "import sys; from landrun_ops import cli; cli.run(['local', 'up', '--help']);"
        "slow = {'boto3', 'moto', 'polars', 'sagemaker', 'samtranslator'};"
        "sys.exit(' '.join(slow & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_span_or_a_time_is_a_time_in_utc_and_anything_else_is_refused_with_what_to_write():
    for text, hour in (("90m", 10.5), ("2026-11-22", 0), ("2026-11-22T03:00:00+01:00", 2)):
        assert since(text, NOW) == NOW.replace(hour=0) + timedelta(hours=hour)
    for text in ("", "yesterday", "-2d", "1.5h", "999999w", "2030-01-01"):
        with pytest.raises(ConfigurationError, match="write"):
            since(text, NOW)


def test_an_output_that_a_stack_lacks_is_named_with_the_remedy():
    with pytest.raises(ConfigurationError, match=r"ours has no output RunsTable: .*deploy"):
        stack.Stack("ours", "eu-west-1", {}, {}, None).output("RunsTable")


def test_a_command_to_be_typed_names_the_same_stack_unless_the_environment_does(monkeypatch):
    monkeypatch.setenv("LANDRUN_STACK", "prod")
    same, other = Target(stack="prod"), Target(stack="dev 2", profile="me")
    assert console.typed(same, "explain", "s3://b/\x1b") == r"landrun explain $'s3://b/\x1b'"
    assert console.typed(other, "runs") == "landrun runs --stack 'dev 2' --profile me"


HOSTILE = "a\x1b[2J\x1b]0;owned\x07\r\n\x9b31m\x7f\u202egnp.exe\u2028é"


def harmless(text):
    return all(line.isprintable() for line in text.split("\n")) and "é" in text


def test_hostile_texts_reach_the_terminal_harmless_and_json_is_exact(capsys):
    counts = {"rows_in": HOSTILE, "rows_out": 10**60, "duplicates": {"a": 1}}
    trigger = {"Kind": "object-created", "Key": HOSTILE}
    row = {"name": HOSTILE, "status": "FAILED", "trigger": trigger, "summary": counts}
    rows = [
        record(row | {"cause": HOSTILE * 1000}),
        record({"status": "SUCCEEDED", "trigger": {"Kind": ["x"]}}),
    ]
    watched = Activity(stack="s", region="eu", at=NOW, runs=rows, notes=[HOSTILE])
    for shown in (runs_table(rows), screen(watched), HOSTILE):
        console.console().print(shown)
        console.say(HOSTILE)
    console.complain(f"first\n  {HOSTILE}")
    out, err = capsys.readouterr()
    assert all(map(harmless, (out, err)))
    assert out.count("SUCCEEDED") == 2  # beside the hostile ones
    assert err.startswith("landrun: first a")
    assert len(rows[0].reason) <= 1000
    console.show_json({"Cause": HOSTILE})
    shown = capsys.readouterr().out
    assert harmless(shown)
    assert json.loads(shown) == {"Cause": HOSTILE}


MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:m"
SCHEDULE = "arn:aws:scheduler:eu-central-1:123456789012:schedule/landrun/tick"
ARGUMENTS = {
    "show": "run-1",
    "logs": "run-1",
    "land": "README.md",
    "start": "s3://b/k",
    "stop": "run-1",
    "rerun": "run-1 --yes",
    "explain": "s3://b/in/k",
    "backfill": "s3://x/in/ --yes",
    "watch": "--once",
    "adopt": MACHINE,
    "workflow execute": f"s3://b/k s3://b/out/ --state-machine-arn {MACHINE}",
}
"""What commands cannot do without; --stack comes from the environment."""

OTHERS = {"demo", "local", "ui", "workflow"}
"""They start their own AWS, serve what they find, or need the SDK (tests/unit/workflow)."""

PAGE = b"<!doctype html><title>Sign in to the hotel's network</title>"


def answered(status, body, kind="text/html"):
    headers = {"Content-Type": kind, "Content-Length": str(len(body))}
    return AWSResponse("https://aws.invalid/", status, headers, MockRawResponse(body))


@pytest.fixture
def send(monkeypatch):
    """What answers every request of botocore, which does not wait before it tries again."""
    sent = Mock(side_effect=lambda _: answered(200, PAGE))
    monkeypatch.setattr(URLLib3Session, "send", lambda _, request: sent(request))
    monkeypatch.setattr(clients, "ATTEMPTS", 1)
    for name in ("LANDRUN_STACK", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "ours")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return sent


def refused(code):
    body = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"
    return answered(400, body.encode(), "text/xml")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answered(200, PAGE), "a proxy or sign-in page may have answered"),
        (refused("ValidationError"), "no stack 'ours' in us-east-1: check"),
        (refused("ExpiredToken"), "sign in again"),
        (refused("AccessDenied"), "ask for that permission"),
        (ConnectionClosedError(endpoint_url="https://aws.invalid/"), "check the network"),
    ],
    ids=["a page", "no stack", "expired", "denied", "nobody"],
)
def test_whatever_answers_for_cloudformation_is_one_line_and_exit_code_2(
    send, monkeypatch, capsys, caplog, answer, words
):
    send.side_effect = [answer] * 5
    monkeypatch.setattr(clients, "ATTEMPTS", 5)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    assert cli.run(["ui"]) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith("landrun: ")
    assert words in line
    silent = "network" in words
    assert (out, send.call_count) == ("", 2 if silent else 1)
    assert ("did not answer DescribeStacks, asking again" in caplog.text) == silent


@pytest.mark.parametrize("command", sorted({*cli.COMMANDS, *ARGUMENTS} - OTHERS))
def test_no_command_shows_a_traceback_when_a_service_answers_with_a_page(
    command, root, send, monkeypatch, capsys
):
    known = {"LandingPrefix": "in/", "StateMachineArn": MACHINE, "ScheduleArn": SCHEDULE}
    outputs = defaultdict(lambda: "x", known)
    ours = stack.Stack("ours", "eu-central-1", outputs, {}, clients.Clients(), laptop=True)
    monkeypatch.setattr(stack, "find", lambda *_, **__: ours)
    monkeypatch.chdir(root)
    code = cli.run([*command.split(), *ARGUMENTS.get(command, "").split()])
    out, err = capsys.readouterr()
    if command == "doctor":
        assert (code, err, "UnexpectedAnswer" in out) == (1, "", True)
    else:
        assert code == 2
        assert err.splitlines()[-1].startswith("landrun: ")


def test_a_credential_process_that_prints_no_credentials_is_one_line_and_exit_code_2(
    monkeypatch, tmp_path, capsys
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text("[default]\nregion = us-east-1\ncredential_process = echo signed in\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert cli.run(["runs", "--stack", "ours"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "credential" in line
