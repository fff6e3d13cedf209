"""Parameters are put into samconfig.toml, and nothing else in it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.actions.samconfig import SamConfig

NEW = {"StateMachineArn": "arn:m", "InputMessageFormat": "uri"}
BOTH = "StateMachineArn=arn:m InputMessageFormat=uri"
LINE = f'parameter_overrides = "{BOTH}"'
FIRST = "StateMachineArn=arn:m"
LINES = f'"InputMessageFormat=uri",\n    "{FIRST}",'
DEPLOY = "[default.deploy.parameters]\n"


@pytest.fixture
def config(tmp_path: Path) -> SamConfig:
    return SamConfig(tmp_path / "samconfig.toml")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("version = 0.1\n", f'version = 0.1\n\n{DEPLOY}parameter_overrides = "{BOTH}"\n'),
        (
            f'{DEPLOY}parameter_overrides = ["A=1", "StateMachineArn=old"]\n',
            f'{DEPLOY}parameter_overrides = ["InputMessageFormat=uri", "A=1", "{FIRST}"]\n',
        ),
        (
            f'{DEPLOY}parameter_overrides = [\n    "A=1",  # why\n]\nregion = "r"\n',
            f'{DEPLOY}parameter_overrides = [\n    {LINES}\n    "A=1",  # why\n]\nregion = "r"\n',
        ),
        (
            f'# mine\n{DEPLOY}stack_name = "s"  # why\n\n[dev.deploy.parameters]\n',
            f'# mine\n{DEPLOY}stack_name = "s"  # why\n{LINE}\n\n[dev.deploy.parameters]\n',
        ),
        (
            f'{DEPLOY}parameter_overrides = "A=1"  # why\nregion = "eu-west-1"\n',
            f'{DEPLOY}parameter_overrides = "A=1 {BOTH}"  # why\nregion = "eu-west-1"\n',
        ),
        (
            f'{DEPLOY}parameter_overrides = "StateMachineArn=old B=\\"x y\\""\n',
            f'{DEPLOY}parameter_overrides = "B=\\"x y\\" {BOTH}"\n',
        ),
        (
            f'[dev.deploy.parameters]\nparameter_overrides = "A=1"\n{DEPLOY}a = "s"\n',
            f'[dev.deploy.parameters]\nparameter_overrides = "A=1"\n{DEPLOY}a = "s"\n{LINE}\n',
        ),
        (f"{DEPLOY}x = 1\r\n", f'{DEPLOY}x = 1\r\nparameter_overrides = "{BOTH}"\r\n'),
    ],
    ids=[
        "no section",
        "list",
        "list of lines",
        "no overrides",
        "comment",
        "replaced",
        "other section",
        "CRLF",
    ],
)
def test_the_line_of_the_overrides_changes_alone(
    config: SamConfig, before: str, after: str
) -> None:
    if "\r" in before:
        before, after = (
            text.replace(DEPLOY, DEPLOY.replace("\n", "\r\n")) for text in (before, after)
        )
    config.path.write_bytes(before.encode())
    config.write(NEW)
    assert config.path.read_bytes().decode() == after
    config.write(NEW)
    assert config.path.read_bytes().decode() == after
    assert NEW.items() <= config.overrides().items()


@pytest.mark.parametrize(
    "text",
    [
        f'{DEPLOY}parameter_overrides = """A=1\nB=2"""\n',
        f"{DEPLOY}parameter_overrides = 'A=1'\n",
        f'{DEPLOY}parameter_overrides = "ParameterKey=A,ParameterValue=1"\n',
        '[default.global.parameters]\nparameter_overrides = "A=1"\n',
        'default.deploy.parameters.parameter_overrides = "A=1"\n',
        "[default\n",
    ],
)
def test_a_form_that_is_not_understood_is_left_alone(config: SamConfig, text: str) -> None:
    config.path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError):
        config.write(NEW)
    assert config.path.read_text(encoding="utf-8") == text


def test_the_stack_and_its_region_are_read_from_deploy_or_global(config: SamConfig) -> None:
    text = f'{DEPLOY}stack_name = "s"\n[default.global.parameters]\nregion = "eu-west-1"\n'
    config.path.write_text(text, encoding="utf-8")
    assert (config.stack_name, config.region, config.overrides()) == ("s", "eu-west-1", {})
