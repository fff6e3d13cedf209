"""Whatever answers in AWS's place, a command ends with one line on stderr and exit code 2."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from landrun.adapters.step_functions import Executions
from landrun.errors import ConfigurationError, ServiceError
from landrun_ops import cli
from landrun_ops.cli import workflow
from landrun_ops.stack import clients, stack

ROLE = "arn:aws:iam::123456789012:role/r"
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:m"
SCHEDULE = "arn:aws:scheduler:eu-central-1:123456789012:schedule/landrun/tick"
COMMANDS = {
    "runs": "",
    "show": "run-1",
    "logs": "run-1",
    "land": "README.md",
    "start": "s3://b/k",
    "stop": "run-1",
    "rerun": "run-1 --yes",
    "explain": "s3://b/in/k",
    "redrive": "",
    "backfill": "s3://x/in/ --yes",
    "reconcile": "",
    "watch": "--once",
    "report": "",
    "doctor": "",
    "verify": "",
    "adopt": MACHINE,
    "ui": "",
    "image": "--stack ours",
    "workflow execute": f"s3://b/k s3://b/out/ --state-machine-arn {MACHINE}",
    "workflow create": f"--role {ROLE} --processing-role {ROLE} --image i",
    "workflow update": f"--state-machine-arn {MACHINE} --processing-role {ROLE} --image i",
}
"""What is typed, by command; --stack comes from the environment."""

NO_AWS = {"demo", "workflow render"}
"""Commands that call no AWS but the laptop's own, which they start."""

HTML = b"<!doctype html><title>Sign in to the hotel's network</title>"


class Answer(NamedTuple):
    """What a server answers to any request; ``length`` is what Content-Length says."""

    status: int
    body: bytes
    kind: str = "text/html"
    length: int | None = None


ANSWERS = {
    "a page": Answer(200, HTML),
    "nothing": Answer(200, b""),
    "an empty object": Answer(200, b"{}", "application/json"),
    "a list": Answer(200, b"[1]", "application/json"),
    "other XML": Answer(200, b"<a><b/></a>", "text/xml"),
    "a body cut off": Answer(200, b'{"a', "application/json", 1000),
    "a redirect": Answer(302, HTML),
    "a proxy's refusal": Answer(403, HTML),
    "a gateway's failure": Answer(502, HTML),
}


class Server(ThreadingHTTPServer):
    """An endpoint on loopback that answers every request with `answer`."""

    answer: Callable[[bytes], Answer]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = server.answer(body)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        length = len(answer.body) if answer.length is None else answer.length
        self.send_header("Content-Length", str(length))
        self.send_header("Location", "https://sign-in.invalid/")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Write no log."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def environment(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANDRUN_STACK", "ours")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr(clients, "ATTEMPTS", 1)  # botocore waits before it tries again


@pytest.mark.parametrize(
    ("command", "answer"),
    [*(("runs", answer) for answer in ANSWERS), ("ui", "a page")],  # the first call's is XML
)
def test_what_is_not_aws_answer_is_one_line_and_exit_code_2(
    server: Server, capsys: pytest.CaptureFixture[str], command: str, answer: str
) -> None:
    server.answer = lambda _: ANSWERS[answer]
    assert cli.run([command]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert line.startswith("landrun: ")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    """A stack that is found, while all that is asked afterwards is answered with a page."""
    template = Path("template.yaml").read_text(encoding="utf-8")
    names = re.findall(r"^  (\w+):$", template.partition("\nOutputs:\n")[2], re.MULTILINE)
    known = {"LandingPrefix": "in/", "StateMachineArn": MACHINE, "ScheduleArn": SCHEDULE}
    outputs = dict.fromkeys(names, "x") | known
    ours = stack.Stack("ours", "eu-central-1", outputs, {}, clients.Clients(), laptop=True)
    monkeypatch.setattr(stack, "find", lambda *_, **__: ours)
    server.answer = lambda _: ANSWERS["a page"]


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"ui"}))
def test_no_command_shows_a_traceback_when_a_service_answers_with_a_page(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    code = cli.run([*command.split(), *COMMANDS[command].split()])
    out, err = capsys.readouterr()
    if command == "doctor":
        assert (code, err, "UnexpectedAnswer" in out) == (1, "", True)
    else:
        assert code == 2
        assert err.splitlines()[-1].startswith("landrun: ")


def test_every_command_that_calls_aws_is_tried() -> None:
    commands = {name for name in cli.COMMANDS if name not in ("local", "workflow")}
    inner = (one.callback.__name__ for one in workflow.app.registered_commands if one.callback)
    commands |= {f"workflow {name}" for name in inner}
    assert commands <= COMMANDS.keys() | NO_AWS


@pytest.mark.parametrize("prints", ["echo signed in", "echo []", "false", "/nowhere/is/this"])
def test_credentials_that_a_program_does_not_print_are_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    prints: str,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {prints}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert cli.run(["runs"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "credential" in line


def test_an_endpoint_that_is_no_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nowhere")
    with pytest.raises(ConfigurationError, match=r"Invalid endpoint: nowhere; check AWS_ENDPOINT"):
        clients.Clients()("s3")


def test_an_endpoint_that_does_not_answer_is_asked_twice_and_named_on_the_way(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, lines, asked = threading.Event(), list[str](), list[bytes]()

    def report(line: str) -> None:
        lines.append(line)
        named.set()

    def hang_up(body: bytes) -> Answer:
        asked.append(body)
        assert named.wait(60)
        raise ConnectionAbortedError

    monkeypatch.setattr(clients, "ATTEMPTS", 5)
    monkeypatch.setattr(clients, "SILENT_SECONDS", 0)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr(server, "handle_error", lambda *_: None)
    server.answer = hang_up
    client = clients.Clients(report=report)("stepfunctions")
    machine = Executions(client, MACHINE)
    with pytest.raises(ServiceError, match="states:ListExecutions: ConnectionClosedError"):
        machine.page()
    assert (len(asked), lines) == (2, ["still waiting for AWS to answer states:ListExecutions"])


def test_a_client_waits_30_seconds_at_most_and_is_made_once_for_each_service_and_config() -> None:
    client = clients.Clients()
    config = client("s3").meta.config
    wait = 1  # seconds at most before a second attempt, in botocore's standard mode
    assert (config.connect_timeout + config.read_timeout) * clients.SILENT_ATTEMPTS + wait < 30
    assert client("s3") is client("s3")
    transfer = client("s3", clients.TRANSFER)
    assert transfer is client("s3", clients.TRANSFER)
    assert (transfer.meta.config.read_timeout, transfer.meta.config.retries) == (60, config.retries)
