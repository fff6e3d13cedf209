from __future__ import annotations

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.workflow import WorkflowConfig, template
from landrun_ops.workflow.settings import read_settings, with_words


def test_a_command_line_is_split_as_a_shell_would(settings):
    config = WorkflowConfig.read(settings | {"arguments": "--lang de --title 'buyer & seller'"})
    assert config.arguments == ("--lang", "de", "--title", "buyer & seller")


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


def test_all_wrong_settings_are_named_at_once():
    with pytest.raises(ConfigurationError, match=r"processing_role.*image_uri"):
        WorkflowConfig.read({})


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


@pytest.mark.parametrize("word", ["instance_count", "=3", "entrypoint=[1"])
def test_a_malformed_set_is_named(word):
    with pytest.raises(ConfigurationError, match=word.replace("[", r"\[")):
        with_words({}, [word])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.toml", "name: x", "is not TOML"),
        ("a.json", "{", "is not TOML"),
        ("a.json", "[]", "must hold one JSON object"),
        ("gone.toml", None, "cannot read"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path, name, content, says):
    file = tmp_path / name
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=says) as raised:
        read_settings(file)
    assert name in str(raised.value)
