"""Who may use the laptop's AWS: a table of requests."""

import re
from unittest.mock import Mock

import boto3
import pytest
from moto import mock_aws

from landrun_ops.local.access import HOSTS, AccessControl, AccessKey
from landrun_ops.local.settings import ACCOUNT

KEY = AccessKey("LKIA0123456789ABCDEF", "secret")
STRANGER = KEY.id.replace("LK", "AK")
PORT = 4566
HOST = f"127.0.0.1:{PORT}"


def header(key):
    return f"AWS4-HMAC-SHA256 Credential={key}/20261122/us-east-1/s3/aws4_request, Signature=0"


def presigned(key):
    scope = f"{key}%2F20261122%2Fus-east-1%2Fs3"
    query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}"
    return {"HTTP_AUTHORIZATION": None, "QUERY_STRING": query}


def request(**headers):
    """A request as the AWS CLI makes it; None takes a header away."""
    sent = {"HTTP_HOST": HOST, "HTTP_AUTHORIZATION": header(KEY.id), "REQUEST_METHOD": "POST"}
    return {name: value for name, value in {**sent, **headers}.items() if value is not None}


def moto(environ, start_response):
    """Answers as moto does: pages of all origins may read it."""
    cors = [("Access-Control-Allow-Origin", "*"), ("access-control-allow-methods", "PUT")]
    start_response("200 OK", [("Content-Type", "text/plain"), *cors])
    return [environ["REQUEST_METHOD"].encode()]


def control(*more_hosts, port=PORT):
    return AccessControl(moto, KEY, [*HOSTS, *more_hosts], port)


def answer(environ):
    start = Mock()
    body = control()(environ, start)
    status, headers = start.call_args.args
    return status, dict(headers), b"".join(body).decode()


UNSIGNED = {"HTTP_AUTHORIZATION": None}
ACCEPTED = {
    "the user's key": {},
    "localhost": {"HTTP_HOST": f"localhost:{PORT}"},
    "from a container": {"HTTP_HOST": f"host.docker.internal:{PORT}"},
    "signature version 2": {"HTTP_AUTHORIZATION": f"AWS {KEY.id}:c2lnbmF0dXJl"},
    "a presigned URL": presigned(KEY.id),
    "an old presigned URL": {**UNSIGNED, "QUERY_STRING": f"AWSAccessKeyId={KEY.id}&Expires=1"},
    "a URL that somebody typed": {"HTTP_SEC_FETCH_SITE": "none"},
    "its own origin": {"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": f"http://{HOST}"},
}
PAGES, NAMES, KEYS = "web pages", "Host", re.escape('eval "$(landrun local env)"')
FOREIGN = {"HTTP_ORIGIN": "https://example.com"}
REFUSED = {
    "another site": (FOREIGN, PAGES),
    "an opaque origin": ({"HTTP_ORIGIN": "null"}, PAGES),
    "a link or an image elsewhere": ({"HTTP_SEC_FETCH_SITE": "cross-site"}, PAGES),
    "a page of this machine": ({"HTTP_SEC_FETCH_SITE": "same-site"}, PAGES),
    "a preflight": ({**UNSIGNED, **FOREIGN, "REQUEST_METHOD": "OPTIONS"}, PAGES),
    "a rebound name as its own origin": (
        {"HTTP_HOST": f"example.com:{PORT}", "HTTP_ORIGIN": f"http://example.com:{PORT}"},
        NAMES,
    ),
    "another port": ({"HTTP_HOST": "127.0.0.1:80"}, NAMES),
    "no host": ({"HTTP_HOST": None}, NAMES),
    "no key": (UNSIGNED, KEYS),
    "another key": ({"HTTP_AUTHORIZATION": header(STRANGER)}, KEYS),
    "the beginning of the key": ({"HTTP_AUTHORIZATION": header(KEY.id[:-1])}, KEYS),
    "another key in a presigned URL": (presigned(STRANGER), KEYS),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_program_with_a_key_is_let_in(case):
    assert control().refusal(request(**ACCEPTED[case])) == ("", "")


@pytest.mark.parametrize("case", REFUSED)
def test_pages_other_hosts_and_strangers_are_refused_and_told_why(case):
    headers, why = REFUSED[case]
    assert re.search(why, control().refusal(request(**headers))[1])


def test_hosts_that_are_named_are_let_in_with_the_port_unless_it_is_80():
    naming = control("Desk.example", port=4567)
    assert not naming.refusal(request(HTTP_HOST="desk.example:4567"))[0]
    assert naming.refusal(request(HTTP_HOST="desk.example"))[0]
    assert not control(port=80).refusal(request(HTTP_HOST="localhost"))[0]


@pytest.mark.parametrize("headers", [{}, FOREIGN, {"REQUEST_METHOD": "OPTIONS"}, UNSIGNED])
def test_responses_can_be_read_by_no_other_origin_and_run_no_script(headers):
    _, answered, _ = answer(request(**headers))
    assert not [name for name in answered if name.lower().startswith("access-control")]
    assert answered["Content-Security-Policy"] == "sandbox"
    assert answered["X-Landrun-Stack"] == "landrun"


@pytest.mark.parametrize(
    ("kind", "form"),
    [("application/x-amz-json-1.1", r'^{"__type": "'), ("", r"^<ErrorResponse><Error>.*<Code>")],
)
def test_a_refusal_is_an_error_of_aws_in_the_form_that_the_client_reads(kind, form):
    status, headers, body = answer(request(**UNSIGNED, CONTENT_TYPE=kind))
    assert status == "403 Forbidden"
    assert headers["Content-Length"] == str(len(body))
    assert re.search(f"{form}UnrecognizedClientException", body)
    assert "&lt;script&gt;" in answer(request(HTTP_HOST="<script>"))[2]
    assert answer(request(**UNSIGNED, REQUEST_METHOD="HEAD"))[2] == ""


def test_every_key_is_another_and_none_is_shown_by_chance():
    keys = [AccessKey.random() for _ in range(2)]
    assert keys[0].id != keys[1].id
    assert keys[0].secret not in repr(keys[0])


@mock_aws
def test_active_keys_of_iam_and_sts_are_let_in():
    def is_let_in(key):
        return not control().refusal(request(HTTP_AUTHORIZATION=header(key["AccessKeyId"])))[0]

    iam, role = boto3.client("iam"), f"arn:aws:iam::{ACCOUNT}:role/r"
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    sts = boto3.client("sts", region_name="us-east-1")
    assert is_let_in(key)
    assert is_let_in(sts.assume_role(RoleArn=role, RoleSessionName="mine")["Credentials"])
    iam.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert not is_let_in(key)
