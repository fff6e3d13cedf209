"""A shell whose environment leads somewhere else than its commands ask for."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.local.access import STACK_HEADER
from landrun_ops.local.endpoint import check_endpoint
from landrun_ops.local.state import held, write

KEY, OLD_KEY = "LKIA0123456789ABCDEF", "LKIAFEDCBA9876543210"


class Answering(BaseHTTPRequestHandler):
    """Answers as a laptop's AWS does, or, below ``/other``, as another emulator does."""

    def do_GET(self):
        laptop = not self.path.startswith("/other")
        known = f"AWS {KEY}:0" == self.headers["Authorization"]
        self.send_response(200 if known or not laptop else 403)
        if laptop:
            self.send_header(STACK_HEADER, "landrun")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def shell(endpoint, key=KEY):
    return {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": key}


@pytest.mark.parametrize("stack", ["landrun", "other"])
@pytest.mark.parametrize("key", ["AKIA0123456789ABCDEF", ""])  # pragma: allowlist secret
def test_other_endpoints_are_honoured(address, stack, key):
    check_endpoint(stack, {}, None)
    check_endpoint(stack, shell(f"{address}/other", key), None)
    check_endpoint(stack, shell("http://127.0.0.1:1", key), None)


def test_a_laptop_is_asked_for_its_own_stack_only(address):
    check_endpoint("landrun", shell(address), None)
    with pytest.raises(ConfigurationError, match=r"the stack 'landrun' and no 'prod'.*unset"):
        check_endpoint("prod", shell(address), None)


@pytest.mark.parametrize("old", ["http://127.0.0.1:1", "{address}", "{address}/other"])
def test_a_shell_of_an_earlier_laptop_is_to_eval_again(address, tmp_path, old):
    stale = shell(old.format(address=address), OLD_KEY)
    with held(tmp_path):
        write(tmp_path, {"environment": {"AWS_ENDPOINT_URL": address}})
        with pytest.raises(ConfigurationError, match=f"the laptop's AWS is at {address}: eval"):
            check_endpoint("landrun", stale, tmp_path)
    with pytest.raises(ConfigurationError, match="landrun local up, then eval"):
        check_endpoint("landrun", stale, tmp_path)
