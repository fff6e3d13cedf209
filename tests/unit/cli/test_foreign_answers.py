"""Whatever answers in AWS's place, a command ends with one line on stderr and exit code 2.

The answers are put below botocore, where it would send a request: no port is opened.
"""

from collections import defaultdict
from unittest.mock import Mock

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from moto.core.botocore_stubber import MockRawResponse

from landrun_ops import cli
from landrun_ops.stack import clients, stack

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


NO_STACK = b"<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answered(200, PAGE), "a proxy or sign-in page may have answered"),
        (answered(400, NO_STACK, "text/xml"), "no stack 'ours' in us-east-1: check"),
        (ConnectionClosedError(endpoint_url="https://aws.invalid/"), "check the network"),
    ],
    ids=["a page", "no such stack", "nobody"],
)
def test_whatever_answers_for_cloudformation_is_one_line_and_exit_code_2(
    send, monkeypatch, capsys, answer, words
):
    send.side_effect = [answer] * 5
    monkeypatch.setattr(clients, "ATTEMPTS", 5)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    assert cli.run(["ui"]) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith("landrun: ")
    assert words in line
    assert (out, send.call_count) == ("", 2 if "network" in words else 1)


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
