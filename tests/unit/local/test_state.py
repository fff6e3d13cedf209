"""The state folder, what a killed one has left in it, and shells of another laptop's AWS."""

import subprocess
import sys
import urllib.error
import urllib.request
from email.message import Message
from unittest.mock import MagicMock

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.local.access import STACK_HEADER
from landrun_ops.local.edits import Edits
from landrun_ops.local.endpoint import check_endpoint
from landrun_ops.local.errors import LocalAwsError, NotUpError
from landrun_ops.local.state import Processes, held, read, read_environment, write


def test_what_is_written_while_held_can_be_read_by_the_user_alone(tmp_path):
    (tmp_path / "env.json.new").touch(mode=0o644)  # of one that was killed while it wrote
    with held(tmp_path) as found:
        write(tmp_path, {"environment": {"A": "1"}, "more": 2})
        assert read_environment(tmp_path) == {"A": "1"}
        assert read(tmp_path)["more"] == 2
        assert (tmp_path / "env.json").stat().st_mode & 0o777 == 0o600
    assert found == list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["[]", '{"environment": {"AWS_'])
def test_a_damaged_file_is_one_line_with_the_remedy(tmp_path, text):
    with held(tmp_path):
        (tmp_path / "env.json").write_text(text)
        with pytest.raises(NotUpError, match=r"env\.json is damaged.*landrun local up"):
            read(tmp_path)
    (tmp_path / "env.json").write_text(text)
    with held(tmp_path) as found:
        assert found == ["the laptop's AWS was killed here: it starts empty"]


def test_a_state_folder_that_is_a_file_is_one_line_with_the_remedy(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(LocalAwsError, match="--state-dir"), held(file):
        pass
    with pytest.raises(NotUpError, match="landrun local up"):
        read(file)


@pytest.fixture
def process():
    """A process that leads a group of its own, and sleeps."""
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    started = subprocess.Popen(command, start_new_session=True)
    yield started
    started.kill()
    started.wait()


def test_what_a_killed_one_left_running_is_ended_and_said(tmp_path, process):
    write(tmp_path, {"environment": {}})
    Processes(tmp_path).add(process.pid)
    with pytest.raises(NotUpError):
        read(tmp_path)
    with held(tmp_path) as found:
        assert found[0].startswith("the laptop's AWS was killed here")
        assert found[1].endswith(f"left running: {process.pid}")
    assert process.wait(10) < 0
    with held(tmp_path) as found:
        assert found == []


def test_a_process_that_got_the_id_of_one_that_has_ended_is_left_alone(tmp_path, process):
    Processes(tmp_path).add(process.pid)
    (tmp_path / f"processes/{process.pid}").write_text("Mon Nov 30 12:00:00 1970\n")
    with held(tmp_path) as found:
        assert found == []
    assert process.poll() is None


def test_edits_of_what_was_deployed_are_noticed_and_those_of_the_script_need_nothing(tmp_path):
    for name in ("template.yaml", "src/functions/a.py", "src/processing/preprocess.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    edits = Edits(tmp_path)
    assert edits.new() == []
    (tmp_path / "src/processing/preprocess.py").write_text("1")
    (tmp_path / "src/functions/b.py").touch()
    (tmp_path / "template.yaml").unlink()
    assert edits.new() == ["src/functions/b.py", "template.yaml"]
    assert edits.new() == []


# Shells

KEY, OLD_KEY = "LKIA0123456789ABCDEF", "LKIAFEDCBA9876543210"
ADDRESS = "http://127.0.0.1:7741"


@pytest.fixture
def answers(monkeypatch):
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


@pytest.mark.parametrize("key", ["AKIA0123456789ABCDEF", ""])  # pragma: allowlist secret
@pytest.mark.usefixtures("answers")
def test_other_endpoints_are_honoured_and_a_laptop_is_asked_for_its_own_stack_only(key):
    for environment in ({}, shell(f"{ADDRESS}/other", key), shell("http://127.0.0.1:1", key)):
        check_endpoint("other", environment, None)
    check_endpoint("landrun", shell(ADDRESS), None)
    with pytest.raises(ConfigurationError, match=r"the stack 'landrun' and no 'prod'.*unset"):
        check_endpoint("prod", shell(ADDRESS), None)


@pytest.mark.parametrize("old", ["http://127.0.0.1:1", ADDRESS, f"{ADDRESS}/other"])
@pytest.mark.usefixtures("answers")
def test_a_shell_of_an_earlier_laptop_is_to_eval_again(tmp_path, old):
    stale = shell(old, OLD_KEY)
    with held(tmp_path):
        write(tmp_path, {"environment": {"AWS_ENDPOINT_URL": ADDRESS}})
        with pytest.raises(ConfigurationError, match=f"the laptop's AWS is at {ADDRESS}: eval"):
            check_endpoint("landrun", stale, tmp_path)
    with pytest.raises(ConfigurationError, match="landrun local up, then eval"):
        check_endpoint("landrun", stale, tmp_path)
