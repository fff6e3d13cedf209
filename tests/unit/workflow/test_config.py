from __future__ import annotations

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.workflow import WorkflowConfig, template
from landrun_ops.workflow.settings import read_settings, with_words


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("name", "two words"),
        ("processing_role", "my-role"),
        ("instance_count", 0),
        ("max_runtime_in_seconds", 777_601),
        ("arguments", ["x" * 257]),
        ("arguments", "--title ''"),
        ("arguments", ["two\nlines"]),
        ("manifests", "s3://output/manifests/"),
        ("arguments", "--title 'open"),
        ("environment", {"not-a-name": "x"}),
        ("experiment_config", {"Experiment": "x"}),
        ("instances", 3),
    ],
)
def test_a_setting_past_its_limits_is_named(settings, setting, value):
    with pytest.raises(ConfigurationError, match=rf"\b{setting}\b"):
        WorkflowConfig.read(settings | {setting: value})


def test_an_execution_has_time_for_a_day_of_quotas_and_two_attempts(settings):
    settings["max_runtime_in_seconds"] = 1800
    assert WorkflowConfig.read(settings).timeout == 86_400 + 2 * 1800 + 3600
    assert WorkflowConfig.read(settings | {"timeout_in_seconds": 60}).timeout == 60
    assert template()["TimeoutSeconds"] > 2 * 777_600


def test_set_overrides_the_file_key_by_key(tmp_path):
    file = tmp_path / "workflow.toml"
    file.write_text('name = "a"\ninstance_count = 2\n[tags]\nteam = "ml"\n', encoding="utf-8")
    settings = with_words(
        read_settings(file), ["instance_count=3", "tags.cost.center=7", 'entrypoint=["x", "y z"]']
    )
    assert settings == {
        "name": "a",
        "instance_count": "3",
        "tags": {"team": "ml", "cost.center": "7"},
        "entrypoint": ["x", "y z"],
    }


def test_a_file_without_settings_is_named(tmp_path):
    for name, content in (("a.toml", "name: x"), ("b.json", "{"), ("c.json", "[]")):
        (tmp_path / name).write_text(content, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=name):
            read_settings(tmp_path / name)
