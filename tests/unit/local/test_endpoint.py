"""A shell whose environment leads somewhere else than its commands ask for."""

import urllib.error
import urllib.request
from email.message import Message
from unittest.mock import MagicMock

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.local.access import STACK_HEADER
from landrun_ops.local.endpoint import check_endpoint
from landrun_ops.local.state import held, write

KEY, OLD_KEY = "LKIA0123456789ABCDEF", "LKIAFEDCBA9876543210"
ADDRESS = "http://127.0.0.1:7741"


@pytest.fixture(autouse=True)
def _answers(monkeypatch):
    """A laptop's AWS at `ADDRESS`, another emulator below ``/other``, and nothing elsewhere."""

    def answer(request, timeout):
        if not request.full_url.startswith(ADDRESS):
            raise urllib.error.URLError("refused")
        headers = Message()
        if request.full_url == ADDRESS:
            headers[STACK_HEADER] = "landrun"
            if request.headers["Authorization"] != f"AWS {KEY}:0":
                raise urllib.error.HTTPError(ADDRESS, 403, "Forbidden", headers, None)
        answered = MagicMock(headers=headers)
        answered.__enter__.return_value = answered
        return answered

    monkeypatch.setattr(urllib.request, "urlopen", answer)


def shell(endpoint, key=KEY):
    return {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": key}


@pytest.mark.parametrize("stack", ["landrun", "other"])
@pytest.mark.parametrize("key", ["AKIA0123456789ABCDEF", ""])  # pragma: allowlist secret
def test_other_endpoints_are_honoured(stack, key):
    check_endpoint(stack, {}, None)
    check_endpoint(stack, shell(f"{ADDRESS}/other", key), None)
    check_endpoint(stack, shell("http://127.0.0.1:1", key), None)


def test_a_laptop_is_asked_for_its_own_stack_only():
    check_endpoint("landrun", shell(ADDRESS), None)
    with pytest.raises(ConfigurationError, match=r"the stack 'landrun' and no 'prod'.*unset"):
        check_endpoint("prod", shell(ADDRESS), None)


@pytest.mark.parametrize("old", ["http://127.0.0.1:1", ADDRESS, f"{ADDRESS}/other"])
def test_a_shell_of_an_earlier_laptop_is_to_eval_again(tmp_path, old):
    stale = shell(old, OLD_KEY)
    with held(tmp_path):
        write(tmp_path, {"environment": {"AWS_ENDPOINT_URL": ADDRESS}})
        with pytest.raises(ConfigurationError, match=f"the laptop's AWS is at {ADDRESS}: eval"):
            check_endpoint("landrun", stale, tmp_path)
    with pytest.raises(ConfigurationError, match="landrun local up, then eval"):
        check_endpoint("landrun", stale, tmp_path)
