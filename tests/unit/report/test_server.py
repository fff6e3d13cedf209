"""The live page's server: who may ask, what it answers, and that it only reads."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from landrun.errors import ConfigurationError, ServiceError
from landrun_ops.stack.stack import Stack
from landrun_ops.web import server
from landrun_ops.web.live import LiveStack
from landrun_ops.web.server import HOST, application, new_token, served

TOKEN = "t0ken"
HERE = "127.0.0.1:8765"


class Live:
    """What the server asks of `LiveStack`."""

    stack = Stack("shop", "eu-west-1", {}, {}, client=lambda *_: None)
    span = timedelta(days=30)

    def update(self, after: int) -> dict[str, Any]:
        return {"version": after + 1}

    def dead_letters(self) -> dict[str, Any]:
        raise ServiceError("sqs:ReceiveMessage", "AccessDenied", "no")


def describe(name: str) -> dict[str, Any]:
    if name == "landrun-none":
        raise ConfigurationError("there is no run landrun-none")
    if name == "landrun-bug":
        raise KeyError("a\nb")
    return {"run": {"name": name}}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr(server, "chart_library", lambda: "window.vegaEmbed = 1;")
    return application(cast("LiveStack", Live()), TOKEN, describe).test_client()


def get(client: FlaskClient, path: str, token: str = TOKEN, **headers: str) -> Any:
    sent = {"Host": HERE} | {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(path, query_string={"token": token} if token else {}, headers=sent)


REFUSED_HOST, FOREIGN, NO_TOKEN = "this server answers", "this server takes no", "the token is"


@pytest.mark.parametrize(
    ("headers", "token", "said"),
    [
        ({"Host": "127.0.0.1:8765"}, TOKEN, ""),
        ({"Host": "localhost:9000"}, TOKEN, ""),
        ({"Host": "[::1]:8765"}, TOKEN, ""),
        ({"Host": "evil.example:8765"}, TOKEN, REFUSED_HOST),
        ({"Host": "127.0.0.1.evil.example"}, TOKEN, REFUSED_HOST),
        ({"Host": "localhost.evil.example"}, TOKEN, REFUSED_HOST),
        ({"Host": "[::1"}, TOKEN, REFUSED_HOST),
        ({"Host": ""}, TOKEN, REFUSED_HOST),
        ({"Origin": "http://127.0.0.1:8765"}, TOKEN, ""),
        ({"Origin": "http://localhost:8765"}, TOKEN, FOREIGN),
        ({"Origin": "https://evil.example"}, TOKEN, FOREIGN),
        ({"Origin": "null"}, TOKEN, FOREIGN),
        ({"Sec_Fetch_Site": "none"}, TOKEN, ""),
        ({"Sec_Fetch_Site": "same-origin"}, TOKEN, ""),
        ({"Sec_Fetch_Site": "same-site"}, TOKEN, FOREIGN),
        ({"Sec_Fetch_Site": "cross-site"}, TOKEN, FOREIGN),
        ({}, "", NO_TOKEN),
        ({}, "t0keN", NO_TOKEN),
        ({}, "t0ken2", NO_TOKEN),
        ({}, "é", NO_TOKEN),
    ],
)
@pytest.mark.parametrize("path", ["/", "/data", "/runs/landrun-1", "/dead-letters", "/nowhere"])
def test_requests_of_others_are_refused_whatever_they_ask_for(
    client: FlaskClient, path: str, headers: dict[str, str], token: str, said: str
) -> None:
    answer = get(client, path, token, **headers)

    assert (answer.status_code == 403) is bool(said)
    assert not said or answer.json["error"].startswith(said)


@pytest.mark.parametrize("path", ["/", "/data", "/nowhere"])
def test_every_answer_forbids_caching_framing_and_foreign_scripts(
    client: FlaskClient, path: str
) -> None:
    headers = get(client, path).headers
    policy = headers["Content-Security-Policy"]

    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "Access-Control-Allow-Origin" not in headers


def test_the_page_may_run_its_own_scripts_and_ask_its_own_server(client: FlaskClient) -> None:
    answer = get(client, "/")
    policy = answer.headers["Content-Security-Policy"]

    assert answer.mimetype == "text/html"
    assert TOKEN not in answer.text
    assert policy.count("'sha256-") == 3
    assert "connect-src 'self'" in policy
    assert policy.removesuffix("; frame-ancestors 'none'") in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("get", "/data?after=41", 200, {"version": 42}),
        ("get", "/runs/landrun-1?", 200, {"run": {"name": "landrun-1"}}),
        ("get", "/runs/landrun-none?", 404, {"error": "there is no run landrun-none"}),
        ("get", "/runs/landrun-bug?", 500, {"error": r"KeyError: 'a\\nb'"}),
        ("get", "/dead-letters?", 502, {"error": "sqs:ReceiveMessage: AccessDenied: no"}),
        ("get", "/nowhere?", 404, None),
        *((method, "/data?", 405, None) for method in ("post", "put", "patch", "delete")),
    ],
)
def test_answers_are_json_and_nothing_writes(
    client: FlaskClient, method: str, path: str, status: int, said: Any
) -> None:
    answer = client.open(f"{path}&token={TOKEN}", method=method, headers={"Host": HERE})

    assert answer.status_code == status
    assert answer.json == said if said else answer.json and "error" in answer.json


def test_it_listens_on_this_machine_only_and_takes_another_port_when_one_is_taken() -> None:
    app = application(cast("LiveStack", Live()), TOKEN, describe)
    with served(app) as first, served(app) as second:
        assert first != second
        with urllib.request.urlopen(f"http://{HOST}:{second}/data?token={TOKEN}") as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"http://{HOST}:{second}/data")
    with socket.socket() as gone:
        assert gone.connect_ex((HOST, second)) != 0


def test_a_port_that_was_asked_for_and_is_taken_is_an_error() -> None:
    app = application(cast("LiveStack", Live()), TOKEN, describe)
    with (
        served(app, 0) as port,
        pytest.raises(ConfigurationError, match=f"port {port} .* choose another"),
        served(app, port),
    ):
        pass


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert all(len(token) >= 32 for token in tokens)
