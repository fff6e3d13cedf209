"""Settings: all that is missing or wrong in the environment is an error that names it."""

from unittest.mock import patch

import pytest

from handler_loader import ENVIRONMENT
from landrun import settings
from landrun.errors import ConfigurationError

WRONG = {
    "OUTPUT_BUCKET": [""],
    "JOB_NAME_PREFIX": ["Land_Run", "x" * 22],
    "OUTPUT_PREFIX": ["processed", ""],
    "MANIFEST_PREFIX": ["/manifests/"],
    "START_ON": ["tuesday", ""],
    "INPUT_MESSAGE_FORMAT": ["prefix", ""],
    "MAX_OBJECTS_PER_RUN": ["0", "-1", "many", "1.5", ""],
    "MAX_CONCURRENT_RUNS": ["-1", "many", "1.5", ""],
}
MODELS = (
    settings.ObjectCreatedSettings,
    settings.ScheduleSettings,
    settings.ReconcileSettings,
    settings.ExecutionStatusSettings,
)


def load(**changes):
    return settings.ScheduleSettings.load(ENVIRONMENT | changes)


@pytest.mark.parametrize("model", MODELS)
def test_every_missing_variable_is_named_even_if_this_process_has_it(model):
    with patch.dict("os.environ", ENVIRONMENT):
        assert model.load() == model.load(ENVIRONMENT)
        with pytest.raises(ConfigurationError) as error:
            model.load({})
    missing = {f"{name.upper()}: is not set" for name in model.model_fields}
    assert set(str(error.value).partition("template.yaml: ")[2].split("; ")) == missing


@pytest.mark.parametrize(("name", "values"), WRONG.items())
def test_a_wrong_variable_is_named_by_every_function_that_reads_it(name, values):
    readers = [model for model in MODELS if name.lower() in model.model_fields]
    assert readers
    for model in readers:
        for value in values:
            with pytest.raises(ConfigurationError, match=f"template.yaml: {name}: "):
                model.load(ENVIRONMENT | {name: value})


@pytest.mark.parametrize(
    ("landing", "changes", "parameter"),
    [
        ("incoming/", {"OUTPUT_PREFIX": "incoming/processed/"}, "OutputPrefix"),
        ("incoming/", {"MANIFEST_PREFIX": "incoming/manifests/"}, "ManifestPrefix"),
        ("processed/incoming/", {}, "OutputPrefix"),
        ("", {}, "OutputPrefix"),
    ],
)
def test_outputs_that_would_be_landings_are_refused_with_the_remedy(landing, changes, parameter):
    assert load(LANDING_BUCKET="outputs", LANDING_PREFIX="in")  # beside the outputs
    assert load(LANDING_PREFIX=landing, **changes)  # in another bucket
    with pytest.raises(ConfigurationError, match=rf"{parameter} .* OutputBucketName be another"):
        load(LANDING_BUCKET="outputs", LANDING_PREFIX=landing, **changes)


OUTPUTS = ["processed/", "processed/{date:%Y}/", "pro", "manifests/r.json", "{date:%Y}/", ""]
OTHERS = ["landings/processed/", "outputs2/processed/", "outputs/exports/", "outputs/processed-too"]


def test_a_scheduled_input_may_be_any_prefix_but_what_runs_write():
    for path in OTHERS:
        assert load(SCHEDULED_INPUT=f"s3://{path}")
    for path in OUTPUTS:
        with pytest.raises(ConfigurationError, match="let it name another bucket or prefix"):
            load(SCHEDULED_INPUT=f"s3://outputs/{path}")


def test_with_collected_landings_a_scheduled_input_is_refused():
    with pytest.raises(ConfigurationError, match="leave ScheduledInput empty"):
        load(START_ON="schedule")
