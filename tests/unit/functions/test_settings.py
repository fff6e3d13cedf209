from __future__ import annotations

import pytest

from landrun.errors import ConfigurationError
from landrun.settings import ObjectCreatedSettings

RIGHT = {
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:landrun",
    "JOB_NAME_PREFIX": "landrun",
    "OUTPUT_BUCKET": "outputs",
    "OUTPUT_PREFIX": "processed/",
    "MANIFEST_PREFIX": "manifests/",
    "LANDING_PREFIX": "incoming/",
    "LANDING_SUFFIX": "",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/dead",
}


def test_the_environment_makes_one_model():
    settings = ObjectCreatedSettings.from_environment(RIGHT)
    assert settings.output_bucket == "outputs"
    assert settings.filter("incoming/").own == (
        ("outputs", "processed/"),
        ("outputs", "manifests/"),
    )


@pytest.mark.parametrize("name", RIGHT)
def test_a_missing_variable_is_an_error_that_names_it(name):
    with pytest.raises(ConfigurationError, match=name):
        ObjectCreatedSettings.from_environment({k: v for k, v in RIGHT.items() if k != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OUTPUT_BUCKET", ""),
        ("JOB_NAME_PREFIX", "Land_Run"),
        ("JOB_NAME_PREFIX", "x" * 22),
        ("OUTPUT_PREFIX", "processed"),
        ("OUTPUT_PREFIX", ""),
        ("MANIFEST_PREFIX", "/manifests/"),
    ],
)
def test_a_wrong_variable_is_an_error_that_names_it(name, value):
    with pytest.raises(ConfigurationError, match=name):
        ObjectCreatedSettings.from_environment(RIGHT | {name: value})


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        ObjectCreatedSettings.from_environment(RIGHT).output_bucket = "other"
