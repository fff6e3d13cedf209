"""Settings: all that is missing or wrong in the environment is an error that names it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from handler_loader import load_handler
from landrun import settings
from landrun.errors import ConfigurationError

RIGHT = {
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:landrun",
    "JOB_NAME_PREFIX": "landrun",
    "OUTPUT_BUCKET": "outputs",
    "OUTPUT_PREFIX": "processed/",
    "MANIFEST_PREFIX": "manifests/",
    "INPUT_MESSAGE_FORMAT": "manifest",
    "LANDING_BUCKET": "landings",
    "LANDING_PREFIX": "incoming/",
    "LANDING_SUFFIX": "",
    "START_ON": "arrival",
    "LANDINGS_TABLE": "landings",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/dead",
    "MAX_OBJECTS_PER_RUN": "10000",
    "SCHEDULED_INPUT": "s3://landings/incoming/{date:%Y/%m/%d}/",
    "SCHEDULE_TIMEZONE": "UTC",
    "RUNS_TABLE": "runs",
    "CONCURRENCY_TABLE": "slots",
    "MAX_CONCURRENT_RUNS": "0",
    "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:failures",
}
WRONG = {
    "OUTPUT_BUCKET": [""],
    "LANDING_BUCKET": [""],
    "LANDINGS_TABLE": [""],
    "JOB_NAME_PREFIX": ["Land_Run", "x" * 22],
    "OUTPUT_PREFIX": ["processed", ""],
    "MANIFEST_PREFIX": ["/manifests/"],
    "START_ON": ["tuesday", ""],
    "INPUT_MESSAGE_FORMAT": ["prefix", ""],
    "MAX_OBJECTS_PER_RUN": ["0", "-1", "many", "1.5", ""],
    "MAX_CONCURRENT_RUNS": ["-1", "many", "1.5", ""],
}
ONE_BUCKET = RIGHT | {"LANDING_BUCKET": "outputs"}
MODELS = (
    settings.ObjectCreatedSettings,
    settings.ScheduleSettings,
    settings.ReconcileSettings,
    settings.ExecutionStatusSettings,
)
load = settings.ScheduleSettings.load


def test_the_environment_makes_one_model_that_does_not_change(monkeypatch):
    for name, value in RIGHT.items():
        monkeypatch.setenv(name, value)
    read = load()
    assert read == load(RIGHT)
    assert (read.output_bucket, read.max_objects_per_run) == ("outputs", 10_000)
    assert read.filter("in/").own == (("outputs", "processed/"), ("outputs", "manifests/"))
    with pytest.raises(ValidationError, match="frozen"):
        read.output_bucket = "other"


@pytest.mark.parametrize(
    ("model", "name"), [(model, name.upper()) for model in MODELS for name in model.model_fields]
)
def test_a_missing_variable_is_named_even_if_this_process_has_it(model, name, monkeypatch):
    monkeypatch.setenv(name, RIGHT[name])
    with pytest.raises(ConfigurationError, match=f"{name}: is not set"):
        model.load({other: value for other, value in RIGHT.items() if other != name})


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_variable_is_named_by_every_function_that_reads_it(name, value):
    for model in (model for model in MODELS if name.lower() in model.model_fields):
        with pytest.raises(ConfigurationError, match=f"template.yaml: {name}: "):
            model.load(RIGHT | {name: value})


@pytest.mark.parametrize(
    ("start_on", "bucket", "path"),
    [
        ("schedule", "", ""),
        ("arrival", "", ""),
        ("arrival", "s3://landings", "/processed/"),
        ("arrival", "s3://outputs2", "/processed/"),
        ("arrival", "s3://outputs", "/exports/"),
        ("arrival", "s3://outputs", "/processed-by-others/"),
    ],
)
def test_a_tick_has_one_source_that_no_run_writes(start_on, bucket, path):
    assert load(RIGHT | {"START_ON": start_on, "SCHEDULED_INPUT": f"{bucket}{path}"})


def test_a_tick_over_landings_cannot_read_a_scheduled_input_too():
    with pytest.raises(ConfigurationError, match="leave ScheduledInput empty"):
        load(RIGHT | {"START_ON": "schedule"})


@pytest.mark.parametrize(
    "path",
    ["processed/", "processed/{date:%Y}/", "pro", "manifests/landrun-1.json", "{date:%Y}/", ""],
)
def test_a_scheduled_input_that_holds_what_runs_write_is_refused_with_the_remedy(path):
    with pytest.raises(ConfigurationError, match="let it name another bucket or prefix"):
        load(RIGHT | {"SCHEDULED_INPUT": f"s3://outputs/{path}"})


@pytest.mark.parametrize(
    ("landing", "changes", "parameter"),
    [
        ("incoming/", {"OUTPUT_PREFIX": "incoming/processed/"}, "OutputPrefix"),
        ("incoming/", {"MANIFEST_PREFIX": "incoming/manifests/"}, "ManifestPrefix"),
        ("incoming/", {"OUTPUT_PREFIX": "incoming/"}, "OutputPrefix"),
        ("processed/incoming/", {}, "OutputPrefix"),
        ("manifests/", {}, "ManifestPrefix"),
        ("proc", {}, "OutputPrefix"),
    ],
)
def test_outputs_that_would_be_landings_are_refused_with_the_remedy(landing, changes, parameter):
    with pytest.raises(ConfigurationError, match=rf"{parameter} .* OutputBucketName be another"):
        load(ONE_BUCKET | {"LANDING_PREFIX": landing} | changes)


@pytest.mark.parametrize(
    ("environment", "landing"),
    [(RIGHT, ""), (ONE_BUCKET, "incoming/"), (ONE_BUCKET, "in"), (ONE_BUCKET, "x/processed/")],
)
def test_landings_may_lie_beside_outputs_or_in_another_bucket(environment, landing):
    assert load(environment | {"LANDING_PREFIX": landing}).landing_prefix == landing


@pytest.mark.parametrize("handler", ["object_created", "schedule"])
def test_a_function_refuses_outputs_that_would_be_landings_at_init(handler):
    with pytest.raises(ConfigurationError, match="overlap in the one bucket outputs"):
        load_handler(handler, ONE_BUCKET | {"LANDING_PREFIX": ""}, lambda service: None)
