from __future__ import annotations

import pytest

from landrun.errors import ConfigurationError
from landrun.handlers.object_created import dependencies, handler
from landrun.settings import ObjectCreatedSettings, ReconcileSettings, ScheduleSettings

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
        ("LANDING_BUCKET", ""),
        ("JOB_NAME_PREFIX", "Land_Run"),
        ("JOB_NAME_PREFIX", "x" * 22),
        ("OUTPUT_PREFIX", "processed"),
        ("OUTPUT_PREFIX", ""),
        ("MANIFEST_PREFIX", "/manifests/"),
        ("START_ON", "tuesday"),
        ("START_ON", ""),
        ("LANDINGS_TABLE", ""),
    ],
)
def test_a_wrong_variable_is_an_error_that_names_it(name, value):
    with pytest.raises(ConfigurationError, match=name):
        ObjectCreatedSettings.from_environment(RIGHT | {name: value})


def test_settings_do_not_change():
    with pytest.raises(AttributeError, match="cannot assign"):
        ObjectCreatedSettings.from_environment(RIGHT).output_bucket = "other"


SCHEDULE = RIGHT | {
    "MAX_OBJECTS_PER_RUN": "10000",
    "SCHEDULED_INPUT": "s3://landings/incoming/{date:%Y/%m/%d}/",
    "SCHEDULE_TIMEZONE": "UTC",
}
RECONCILE = RIGHT | {
    "MAX_OBJECTS_PER_RUN": "10000",
    "RUNS_TABLE": "runs",
    "CONCURRENCY_TABLE": "turns",
    "MAX_CONCURRENT_RUNS": "0",
    "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:failures",
}


@pytest.mark.parametrize("settings", [ScheduleSettings, ReconcileSettings])
@pytest.mark.parametrize("most", ["0", "-1", "many", "1.5", ""])
def test_a_run_of_no_objects_at_all_is_an_error_that_names_the_variable(settings, most):
    environment = SCHEDULE | RECONCILE | {"MAX_OBJECTS_PER_RUN": most}
    with pytest.raises(ConfigurationError, match="MAX_OBJECTS_PER_RUN"):
        settings.from_environment(environment)


def test_reconcile_reads_its_own_environment():
    settings = ReconcileSettings.from_environment(RECONCILE | {"START_ON": "schedule"})
    assert (settings.start_on, settings.max_objects_per_run) == ("schedule", 10_000)
    assert settings.job_name_prefix == "landrun"


@pytest.mark.parametrize(
    "name",
    [
        "START_ON",
        "LANDINGS_TABLE",
        "MAX_OBJECTS_PER_RUN",
        "RUNS_TABLE",
        "NOTIFICATIONS_TOPIC_ARN",
        "CONCURRENCY_TABLE",
        "MAX_CONCURRENT_RUNS",
    ],
)
def test_a_variable_that_reconcile_misses_is_named(name):
    with pytest.raises(ConfigurationError, match=name):
        ReconcileSettings.from_environment({k: v for k, v in RECONCILE.items() if k != name})


@pytest.mark.parametrize("bound", ["-1", "", "many", "1.5"])
def test_a_bound_that_is_no_number_of_runs_is_an_error_that_names_the_variable(bound):
    with pytest.raises(ConfigurationError, match="MAX_CONCURRENT_RUNS"):
        ReconcileSettings.from_environment(RECONCILE | {"MAX_CONCURRENT_RUNS": bound})


def test_a_tick_over_what_landed_cannot_read_a_scheduled_input_too():
    with pytest.raises(ConfigurationError, match="leave ScheduledInput empty"):
        ScheduleSettings.from_environment(SCHEDULE | {"START_ON": "schedule"})


@pytest.mark.parametrize(
    ("start_on", "scheduled_input"), [("schedule", ""), ("arrival", ""), ("arrival", "s3://b/in/")]
)
def test_a_tick_has_one_source(start_on, scheduled_input):
    given = {"START_ON": start_on, "SCHEDULED_INPUT": scheduled_input}
    assert ScheduleSettings.from_environment(SCHEDULE | given).start_on == start_on


@pytest.mark.parametrize(
    "scheduled_input",
    [
        "s3://outputs/processed/",
        "s3://outputs/processed/{date:%Y}/",
        "s3://outputs/pro",
        "s3://outputs/manifests/landrun-1.json",
        "s3://outputs/{date:%Y}/",
        "s3://outputs/",
        "s3://outputs",
    ],
)
def test_a_scheduled_input_that_holds_what_runs_write_is_refused_with_the_remedy(scheduled_input):
    with pytest.raises(ConfigurationError, match="let it name another bucket or prefix"):
        ScheduleSettings.from_environment(SCHEDULE | {"SCHEDULED_INPUT": scheduled_input})


@pytest.mark.parametrize(
    "scheduled_input",
    [
        "s3://outputs/exports/",
        "s3://outputs/processed-by-others/",
        "s3://outputs2/processed/",
        "s3://landings/processed/",
    ],
)
def test_a_scheduled_input_beside_what_runs_write_is_taken(scheduled_input):
    settings = ScheduleSettings.from_environment(SCHEDULE | {"SCHEDULED_INPUT": scheduled_input})
    assert settings.scheduled_input == scheduled_input


ONE_BUCKET = SCHEDULE | {"LANDING_BUCKET": "outputs"}


@pytest.mark.parametrize("settings", [ObjectCreatedSettings, ScheduleSettings])
@pytest.mark.parametrize(
    ("landing", "changes", "parameter"),
    [
        ("incoming/", {"OUTPUT_PREFIX": "incoming/processed/"}, "OutputPrefix"),
        ("incoming/", {"MANIFEST_PREFIX": "incoming/manifests/"}, "ManifestPrefix"),
        ("incoming/", {"OUTPUT_PREFIX": "incoming/"}, "OutputPrefix"),
        ("processed/incoming/", {}, "OutputPrefix"),
        ("manifests/", {}, "ManifestPrefix"),
        ("proc", {}, "OutputPrefix"),
        ("", {}, "OutputPrefix"),
    ],
)
def test_outputs_where_landings_are_looked_for_are_an_error_with_the_remedy(
    settings, landing, changes, parameter
):
    environment = ONE_BUCKET | {"LANDING_PREFIX": landing} | changes
    with pytest.raises(ConfigurationError, match=rf"{parameter} .* OutputBucketName be another"):
        settings.from_environment(environment)


@pytest.mark.parametrize("settings", [ObjectCreatedSettings, ScheduleSettings])
@pytest.mark.parametrize("landing", ["incoming/", "in", "x/processed/"])
def test_one_bucket_with_landings_beside_outputs_is_right(settings, landing):
    environment = ONE_BUCKET | {"LANDING_PREFIX": landing}
    assert settings.from_environment(environment).landing_prefix == landing


@pytest.mark.parametrize("settings", [ObjectCreatedSettings, ScheduleSettings])
def test_in_two_buckets_prefixes_may_be_the_same(settings):
    environment = SCHEDULE | {"LANDING_PREFIX": ""}
    assert settings.from_environment(environment).landing_bucket == "landings"


def test_a_function_refuses_feedback_before_it_reads_any_message(monkeypatch):
    for name, value in (ONE_BUCKET | {"LANDING_PREFIX": ""}).items():
        monkeypatch.setenv(name, value)
    dependencies.cache_clear()
    with pytest.raises(ConfigurationError, match="overlap in the one bucket outputs"):
        handler({"Records": []}, None)
