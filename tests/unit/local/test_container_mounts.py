"""The folders of a job's container that it writes to, given to the user who works there."""

import json
import os

import pytest

import mounts


def config(*local_paths):
    outputs = [{"S3Output": {"LocalPath": path}} for path in local_paths]
    return json.dumps({"ProcessingOutputConfig": {"Outputs": outputs}})


def write_config(opt_ml, text):
    file = opt_ml / "config" / "processingjobconfig.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)


def test_outputs_of_the_job_and_the_exit_message_s_folder_are_given(tmp_path):
    write_config(tmp_path, config("/opt/ml/processing/output/done", "/opt/ml/processing/report/"))
    mounts.give(tmp_path, os.getuid())
    given = ["output", "processing/output/done", "processing/report"]
    assert [path.relative_to(tmp_path).as_posix() for path in mounts.outputs(tmp_path)] == given
    assert all((tmp_path / path).is_dir() for path in given)


OTHERS = ("/etc", "/opt/ml", "/opt/ml/config", "/opt/ml/processing/../../../etc", "etc", "", 7)
NONE = ("", "[]", "null", '{"ProcessingOutputConfig": {"Outputs": [{}]}}')


@pytest.mark.parametrize("text", [*map(config, OTHERS), *NONE])
def test_no_other_folder_than_the_exit_message_s_is_given(tmp_path, text):
    assert mounts.outputs(tmp_path) == [tmp_path / "output"]
    write_config(tmp_path, text)
    assert mounts.outputs(tmp_path) == [tmp_path / "output"]


def test_what_a_symbolic_link_leads_to_is_not_given(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "output").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="output"):
        mounts.give(tmp_path, os.getuid())


def test_outside_of_an_image_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.setattr(mounts, "OPT_ML", tmp_path / "none")
    monkeypatch.setattr(mounts, "claim", lambda _: pytest.fail("claimed"))
    mounts.at_start()
