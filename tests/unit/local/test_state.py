"""The state folder, and what one that was killed has left in it."""

import subprocess
import sys

import pytest

from landrun_ops.local.edits import Edits
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
    for folder in (file, file / "below"):
        with pytest.raises(LocalAwsError, match="--state-dir"), held(folder):
            pass
        with pytest.raises(NotUpError, match="landrun local up"):
            read(folder)


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
    processes = Processes(tmp_path)
    processes.add(process.pid)
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
