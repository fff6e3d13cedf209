"""Who may use the laptop's AWS: a table of requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from landrun_ops.local.access import (
    HOSTS,
    AccessControl,
    AccessKey,
    host_headers,
    issued_key_ids,
)
from landrun_ops.local.settings import ACCOUNT

KEY = AccessKey("LKIA0123456789ABCDEF", "secret")
SESSION = KEY.id.replace("LK", "AS")
STRANGER = KEY.id.replace("LK", "AK")
PORT = 4566
HOST = f"127.0.0.1:{PORT}"


def header(key: str) -> str:
    return f"AWS4-HMAC-SHA256 Credential={key}/20261122/us-east-1/s3/aws4_request, Signature=0"


def presigned(key: str) -> str:
    return f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key}%2F20261122%2Fus-east-1%2Fs3"


def request(**headers: str) -> dict[str, Any]:
    """A request as the AWS CLI makes it; None takes a header away."""
    sent = {"HTTP_HOST": HOST, "HTTP_AUTHORIZATION": header(KEY.id), "REQUEST_METHOD": "POST"}
    return {name: value for name, value in {**sent, **headers}.items() if value is not None}


def signed_by(key: str | None) -> dict[str, Any]:
    return {"HTTP_AUTHORIZATION": None if key is None else header(key)}


def moto(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answers as moto does: pages of all origins may read it."""
    cors = [("Access-Control-Allow-Origin", "*"), ("access-control-allow-methods", "PUT")]
    start_response("200 OK", [("Content-Type", "text/plain"), *cors])
    return [environ["REQUEST_METHOD"].encode()]


def control(*more_hosts: str, port: int = PORT) -> AccessControl:
    return AccessControl(moto, KEY, host_headers([*HOSTS, *more_hosts], port), lambda: [SESSION])


def answer(environ: dict[str, Any]) -> tuple[str, dict[str, str], str]:
    told: list[Any] = []
    body = control()(environ, lambda *said: told.extend(said))
    return told[0], dict(told[1]), b"".join(body).decode()


ACCEPTED = {
    "the user's key": {},
    "localhost": {"HTTP_HOST": f"localhost:{PORT}"},
    "from a container": {"HTTP_HOST": f"host.docker.internal:{PORT}"},
    "a key of IAM or STS": signed_by(SESSION),
    "signature version 2": {"HTTP_AUTHORIZATION": f"AWS {KEY.id}:c2lnbmF0dXJl"},
    "signature version 4A": {
        "HTTP_AUTHORIZATION": f"AWS4-ECDSA-P256-SHA256 Credential={KEY.id}/20261122/s3, …"
    },
    "a presigned URL": {**signed_by(None), "QUERY_STRING": presigned(KEY.id)},
    "an old presigned URL": {
        **signed_by(None),
        "QUERY_STRING": f"AWSAccessKeyId={KEY.id}&Signature=c2ln&Expires=1",
    },
    "a URL that somebody typed": {"HTTP_SEC_FETCH_SITE": "none"},
    "its own origin": {"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": f"http://{HOST}"},
}

PAGES = "web pages"
NAMES = "Host"
KEYS = re.escape('eval "$(landrun local env)"')
REFUSED = {
    "another site": ({"HTTP_ORIGIN": "https://example.com"}, PAGES),
    "an opaque origin": ({"HTTP_ORIGIN": "null"}, PAGES),
    "an empty origin": ({"HTTP_ORIGIN": ""}, PAGES),
    "a link or an image elsewhere": ({"HTTP_SEC_FETCH_SITE": "cross-site"}, PAGES),
    "a page of this machine": ({"HTTP_SEC_FETCH_SITE": "same-site"}, PAGES),
    "a preflight": (
        {
            **signed_by(None),
            "REQUEST_METHOD": "OPTIONS",
            "HTTP_ORIGIN": "https://example.com",
            "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST",
        },
        PAGES,
    ),
    "a rebound name": ({"HTTP_HOST": f"example.com:{PORT}"}, NAMES),
    "a rebound name as its own origin": (
        {
            "HTTP_HOST": f"example.com:{PORT}",
            "HTTP_ORIGIN": f"http://example.com:{PORT}",
            "HTTP_SEC_FETCH_SITE": "same-origin",
        },
        NAMES,
    ),
    "another port": ({"HTTP_HOST": "127.0.0.1:80"}, NAMES),
    "no host": ({"HTTP_HOST": None}, NAMES),
    "a host that is not named": ({"HTTP_HOST": f"desk.example:{PORT}"}, NAMES),
    "no key": (signed_by(None), KEYS),
    "moto's own interface": ({**signed_by(None), "PATH_INFO": "/moto-api/reset"}, KEYS),
    "another key": (signed_by(STRANGER), KEYS),
    "the beginning of the key": (signed_by(KEY.id[:-1]), KEYS),
    "the key elsewhere in the header": ({"HTTP_AUTHORIZATION": f"Bearer {KEY.id}"}, KEYS),
    "an empty header and a presigned URL": (
        {"HTTP_AUTHORIZATION": "", "QUERY_STRING": presigned(KEY.id)},
        KEYS,
    ),
    "another key in a presigned URL": (
        {**signed_by(None), "QUERY_STRING": presigned(STRANGER)},
        KEYS,
    ),
    "the key in another place of the URL": (
        {**signed_by(None), "QUERY_STRING": f"prefix={KEY.id}"},
        KEYS,
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_program_with_a_key_is_let_in(case: str) -> None:
    assert control().refusal(request(**ACCEPTED[case])) is None


@pytest.mark.parametrize("case", REFUSED)
def test_pages_other_hosts_and_strangers_are_refused_and_told_why(case: str) -> None:
    headers, why = REFUSED[case]
    refusal = control().refusal(request(**headers))
    assert refusal
    assert re.search(why, refusal[1])


def test_hosts_that_are_named_are_let_in_with_the_port_unless_it_is_80() -> None:
    naming = control("Desk.example", port=4567)
    assert naming.refusal(request(HTTP_HOST="desk.example:4567")) is None
    assert naming.refusal(request(HTTP_HOST="desk.example"))
    assert control(port=80).refusal(request(HTTP_HOST="localhost")) is None


def test_responses_can_be_read_by_no_other_origin_and_run_no_script() -> None:
    sent = ({}, {"HTTP_ORIGIN": "https://example.com"}, {"REQUEST_METHOD": "OPTIONS"})
    for headers in (*sent, signed_by(None)):
        _, answered, _ = answer(request(**headers))
        assert not [name for name in answered if name.lower().startswith("access-control")]
        assert answered["Content-Security-Policy"] == "sandbox"
        assert answered["X-Landrun-Stack"] == "landrun"
    assert answer(request())[::2] == ("200 OK", "POST")


@pytest.mark.parametrize(
    ("kind", "form"),
    [("application/x-amz-json-1.1", r'^{"__type": "'), ("", r"^<ErrorResponse><Error>.*<Code>")],
)
def test_a_refusal_is_an_error_of_aws_in_the_form_that_the_client_reads(
    kind: str, form: str
) -> None:
    sent = request(**signed_by(None), CONTENT_TYPE=kind) | {"wsgi.input": BytesIO(b"{}")}
    status, headers, body = answer(sent)
    assert status == "403 Forbidden"
    assert headers["Content-Length"] == str(len(body))
    assert re.search(f"{form}UnrecognizedClientException", body)


def test_a_refused_host_is_quoted_as_text_and_head_has_no_body() -> None:
    assert "&lt;script&gt;" in answer(request(HTTP_HOST="<script>"))[2]
    assert answer(request(**signed_by(None), REQUEST_METHOD="HEAD"))[2] == ""


def test_every_key_is_another_and_none_is_shown_by_chance() -> None:
    keys = [AccessKey.random() for _ in range(100)]
    assert len({key.id for key in keys} | {key.secret for key in keys}) == 200
    assert all(re.fullmatch("LKIA[A-Z0-9]{16}", key.id) for key in keys)
    assert keys[0].secret not in repr(keys[0])


@pytest.fixture
def issuing() -> Iterator[Any]:
    iam = iam_backends[ACCOUNT]["aws"]
    yield iam
    iam.reset()
    sts_backends[ACCOUNT]["aws"].reset()


def test_active_keys_of_iam_and_sts_are_issued_keys(issuing: Any) -> None:
    issuing.create_user("us-east-1", "ann")
    key = issuing.create_access_key("ann")
    session = sts_backends[ACCOUNT]["aws"].assume_role(
        region_name="us-east-1",
        role_session_name="s",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/r",
        policy="",
        duration=900,
        external_id="",
    )
    assert {key.access_key_id, session.access_key_id} <= set(issued_key_ids())

    issuing.update_access_key("ann", key.access_key_id, "Inactive")
    assert key.access_key_id not in issued_key_ids()
    issuing.delete_access_key(key.access_key_id, "ann")
    assert session.access_key_id in issued_key_ids()
