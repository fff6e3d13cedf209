"""The live page's server: who may ask, what it answers, and that it only reads."""

from __future__ import annotations

import re
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
        return {"version": after + 1, "z": 1, "a": 2}

    def dead_letters(self) -> dict[str, Any]:
        raise ServiceError("sqs:ReceiveMessage", "AccessDenied", "no")


def describe(name: str) -> dict[str, Any]:
    if name == "landrun-none":
        raise ConfigurationError("no run in the ledger is called landrun-none")
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


@pytest.mark.parametrize("path", ["/", "/data", "/runs/landrun-1", "/dead-letters", "/else"])
@pytest.mark.parametrize("token", ["", "t0keN", "t0ken2", "é"])
def test_nothing_is_answered_without_the_token(client: FlaskClient, path: str, token: str) -> None:
    answer = get(client, path, token)

    assert answer.status_code == 403
    assert answer.json["error"].startswith("the token is missing or wrong")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:8765"}, 200),
        ({"Host": "localhost:9000"}, 200),
        ({"Host": "[::1]:8765"}, 200),
        ({"Host": "evil.example:8765"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://127.0.0.1:8765"}, 200),
        ({"Origin": "http://localhost:8765"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec_Fetch_Site": "none"}, 200),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
    ],
)
def test_foreign_hosts_and_pages_are_refused_with_the_token_too(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    assert get(client, "/data", **headers).status_code == status


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
    assert re.search(r'"live": ?true', answer.text)
    assert TOKEN not in answer.text
    assert policy.count("'sha256-") == 3
    assert "connect-src 'self'" in policy
    assert policy.removesuffix("; frame-ancestors 'none'") in answer.text.replace("&#x27;", "'")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_writes(client: FlaskClient, method: str) -> None:
    answer = getattr(client, method)("/data?token=" + TOKEN, headers={"Host": HERE})

    assert answer.status_code == 405


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/runs/landrun-none", 404, "no run in the ledger is called landrun-none"),
        ("/runs/landrun-bug", 500, "KeyError: 'a\\nb'"),
        ("/dead-letters", 502, "sqs:ReceiveMessage"),
        ("/nowhere", 404, "Not Found"),
    ],
)
def test_what_goes_wrong_is_an_error_in_a_line(
    client: FlaskClient, path: str, status: int, said: str
) -> None:
    answer = get(client, path)

    assert answer.status_code == status
    assert said in answer.json["error"]
    assert "\n" not in answer.json["error"]


def test_data_is_what_changed_after_the_version_that_the_page_has(client: FlaskClient) -> None:
    answer = client.get(f"/data?token={TOKEN}&after=41", headers={"Host": HERE})

    assert answer.json == {"version": 42, "z": 1, "a": 2}
    assert get(client, "/runs/landrun-1").json == {"run": {"name": "landrun-1"}}


def test_it_listens_on_this_machine_only_and_takes_the_next_port_when_one_is_taken() -> None:
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
