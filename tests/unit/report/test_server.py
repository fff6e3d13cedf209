"""The live page's server: who may ask, what it answers, and that it only reads."""

from datetime import timedelta
from unittest.mock import Mock

import pytest

from landrun.errors import ConfigurationError, ServiceError
from landrun_ops.stack.stack import Stack
from landrun_ops.web import server
from landrun_ops.web.server import application

TOKEN = "t0ken"
HERE = {"Host": "127.0.0.1:8765"}
HOSTS, PAGES, TOKENS = "this server answers", "this server takes no", "the token is"


def refuse():
    raise ServiceError("sqs:ReceiveMessage", "AccessDenied", "no")


LIVE = Mock(
    stack=Stack("shop", "eu-west-1", {}, {}, client=lambda *_: None),
    span=timedelta(days=30),
    update=lambda after: {"version": after + 1},
    dead_letters=refuse,
)


def describe(name):
    if name == "none":
        raise ConfigurationError("there is no run none")
    if name == "bug":
        raise KeyError("a\nb")
    return {"run": {"name": name}}


APP = application(LIVE, TOKEN, describe)


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(server, "chart_library", lambda: "window.vegaEmbed = 1;")
    return APP.test_client()


@pytest.mark.parametrize(
    ("headers", "token", "said"),
    [
        ({"Host": "[::1]:8765"}, TOKEN, ""),
        ({"Host": "evil.example:8765"}, TOKEN, HOSTS),
        ({"Origin": "http://127.0.0.1:8765"}, TOKEN, ""),
        ({"Origin": "http://localhost:8765"}, TOKEN, PAGES),
        ({"Origin": "https://evil.example"}, TOKEN, PAGES),
        ({"Sec-Fetch-Site": "cross-site"}, TOKEN, PAGES),
        ({}, "", TOKENS),
        ({}, "é", TOKENS),
    ],
)
@pytest.mark.parametrize("path", ["/", "/data", "/nowhere"])
def test_requests_of_other_hosts_or_pages_or_without_the_token_are_refused(
    client, path, headers, token, said
):
    answer = client.get(path, query_string={"token": token}, headers=HERE | headers)

    assert (answer.status_code == 403) is bool(said)
    assert not said or answer.json["error"].startswith(said)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/data?after=41", 200, {"version": 42}),
        ("/runs/landrun-1?", 200, {"run": {"name": "landrun-1"}}),
        ("/runs/none?", 404, {"error": "there is no run none"}),
        ("/runs/bug?", 500, {"error": r"KeyError: 'a\nb'"}),
        ("/dead-letters?", 502, {"error": "sqs:ReceiveMessage: AccessDenied: no"}),
    ],
)
def test_answers_are_json_that_no_other_page_may_read_or_keep_and_nothing_writes(
    client, path, status, said
):
    answer = client.get(f"{path}&token={TOKEN}", headers=HERE)
    headers = answer.headers

    assert (answer.status_code, answer.json) == (status, said)
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "Access-Control-Allow-Origin" not in headers
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        written = client.open(f"{path}&token={TOKEN}", method=method, headers=HERE)
        assert written.status_code == 405


def test_the_page_has_its_policy_as_a_header_too_and_not_the_token(client):
    answer = client.get(f"/?token={TOKEN}", headers=HERE)
    policy = answer.headers["Content-Security-Policy"]

    assert policy.removesuffix("; frame-ancestors 'none'") in answer.text
    assert "connect-src 'self'" in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert TOKEN not in answer.text


def test_it_listens_on_loopback_only_and_on_another_port_if_the_usual_is_taken():
    with server._listening(0, or_any=False) as usual:
        address, port = usual.getsockname()
        assert address == "127.0.0.1"
        with server._listening(port, or_any=True) as other:
            assert other.getsockname()[1] != port
        with pytest.raises(ConfigurationError, match="choose another"):
            server._listening(port, or_any=False)
