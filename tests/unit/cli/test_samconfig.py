"""Parameters are put into samconfig.toml, and nothing else in it changes."""

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.actions.samconfig import SamConfig

NEW = {"StateMachineArn": "arn:m", "InputMessageFormat": "uri"}
BOTH = "StateMachineArn=arn:m InputMessageFormat=uri"
LINE = f'parameter_overrides = "{BOTH}"'
DEPLOY = "[default.deploy.parameters]"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1\n", f"x = 1\n\n{DEPLOY}\n{LINE}\n"),
        (f"# why\n{DEPLOY}\nx = 1\n", f"# why\n{DEPLOY}\n{LINE}\nx = 1\n"),
        (
            f'{DEPLOY}\nparameter_overrides = "B=\\"x y\\" StateMachineArn=old"\n\n[dev]\nx = 1\n',
            f'{DEPLOY}\nparameter_overrides = "B=\\"x y\\" {BOTH}"\n\n[dev]\nx = 1\n',
        ),
        (
            f'{DEPLOY}\nparameter_overrides = ["A=1", "B=2"]\n',
            f'{DEPLOY}\nparameter_overrides = "A=1 B=2 {BOTH}"\n',
        ),
    ],
    ids=["no section", "no overrides", "replaced", "list"],
)
def test_the_line_of_the_overrides_changes_alone(tmp_path, before, after):
    path = tmp_path / "samconfig.toml"
    path.write_bytes(before.encode())
    for _ in range(2):
        SamConfig(path).write(NEW)
        assert path.read_bytes().decode() == after
    assert NEW.items() <= SamConfig(path).overrides().items()


@pytest.mark.parametrize(
    "text",
    [
        f'{DEPLOY}\nparameter_overrides = """A=1\nB=2"""\n',
        f'{DEPLOY}\nparameter_overrides = "ParameterKey=A,ParameterValue=1"\n',
        "[default\n",
    ],
)
def test_a_form_that_is_not_understood_is_left_alone(tmp_path, text):
    path = tmp_path / "samconfig.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError):
        SamConfig(path).write(NEW)
    assert path.read_text(encoding="utf-8") == text
