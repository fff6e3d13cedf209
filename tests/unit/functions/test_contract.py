from __future__ import annotations

import json
import string
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landrun.errors import InvalidName, InvalidS3Uri
from landrun.models import run as contract
from landrun.models.run import (
    ExecutionInput,
    ManualTrigger,
    ObjectCreatedTrigger,
    ScheduleTrigger,
    parse_trigger,
    trigger_json,
)
from landrun.models.s3_uri import S3Uri

text = st.text(min_size=1).filter(lambda t: not any("\ud800" <= c <= "\udfff" for c in t))
prefixes = st.from_regex(r"[a-z0-9](-?[a-z0-9])*", fullmatch=True).filter(lambda p: len(p) <= 21)
ARN = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"


@given(prefixes, text, text, text)
def test_same_object_version_always_gives_the_same_name(prefix, bucket, key, version):
    first = contract.landing_run_name(prefix, bucket, key, version)
    assert first == contract.landing_run_name(prefix, bucket, key, version)


@given(st.lists(st.tuples(text, text, text), min_size=2, max_size=2, unique=True))
def test_different_object_versions_give_different_names(landings):
    one, other = (contract.landing_run_name("landrun", *landing) for landing in landings)
    assert one != other


def test_parts_of_an_identity_cannot_run_into_each_other():
    one = contract.landing_run_name("landrun", "b", "a,b", "c")
    other = contract.landing_run_name("landrun", "b", "a", "b,c")
    assert one != other


@given(prefixes, text)
def test_every_run_name_fits_step_functions_and_sagemaker(prefix, key):
    name = contract.landing_run_name(prefix, "bucket", key, "v1")
    assert len(name) <= 54  # 63 of SageMaker less the suffix of 9
    assert set(name) <= set(string.ascii_lowercase + string.digits + "-")
    assert uuid.UUID(name.rsplit("-", 1)[1]).version == 5


def test_the_name_of_a_known_landing_never_changes_between_releases():
    name = contract.landing_run_name("landrun", "bucket", "incoming/a.csv", "v1")
    assert name == "landrun-e8114a95b88152338e01dfd9f626ff96"


def test_same_tick_of_the_same_schedule_gives_the_same_name():
    first = contract.tick_run_name("landrun", ARN, "2026-11-22T03:00:00Z")
    assert first == contract.tick_run_name("landrun", ARN, "2026-11-22T03:00:00Z")
    assert first != contract.tick_run_name("landrun", ARN, "2026-11-23T03:00:00Z")


def test_the_parts_of_a_tick_have_names_of_their_own():
    tick = ("landrun", ARN, "2026-11-22T03:00:00Z")
    names = [contract.tick_run_name(*tick, part=part) for part in range(20)]
    assert len(set(names)) == 20
    assert names == [contract.tick_run_name(*tick, part=part) for part in range(20)]


def test_the_first_part_of_a_tick_has_the_name_that_a_tick_of_one_run_always_had():
    tick = ("landrun", ARN, "2026-11-22T03:00:00Z")
    assert contract.tick_run_name(*tick, part=0) == contract.tick_run_name(*tick)
    assert contract.tick_run_name(*tick) == "landrun-2819c4974ed35410b2a7ba891755dae0"


def test_a_run_by_hand_never_has_the_same_name_twice():
    assert contract.manual_run_name("landrun") != contract.manual_run_name("landrun")


@pytest.mark.parametrize("prefix", ["", "A", "a_b", "-a", "a-", "a--b", "x" * 22, "ä"])
def test_a_prefix_that_sagemaker_would_refuse_is_refused_with_the_parameter_to_change(prefix):
    with pytest.raises(InvalidName, match="JobNamePrefix"):
        contract.manual_run_name(prefix)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a/b", "a.b", "x" * 55, "é"])
def test_a_run_name_that_aws_would_refuse_is_refused(name):
    with pytest.raises(InvalidName, match="54"):
        contract.check_run_name(name)


def run(**changes: object) -> ExecutionInput:
    trigger = ObjectCreatedTrigger(Bucket="b", Key="k", EventTime="t")
    name = contract.landing_run_name("landrun", "b", "k", "v")
    given = {
        "PreprocessingJobName": name,
        "InputMessage": f"s3://out/manifests/{name}.json",
        "OutputProcessedMessage": f"s3://out/processed/{name}/",
        "Trigger": trigger,
    }
    return ExecutionInput(**given | changes)


def test_serialising_the_same_trigger_twice_gives_the_same_bytes():
    assert run().to_json().encode() == run().to_json().encode()


@given(text)
def test_the_serialised_input_holds_the_key_exactly(key):
    trigger = ObjectCreatedTrigger(Bucket="b", Key=key, EventTime="t")
    assert json.loads(run(Trigger=trigger).to_json())["Trigger"]["Key"] == key


def test_the_input_has_the_notebooks_three_fields_and_the_trigger():
    assert list(json.loads(run().to_json())) == [
        "PreprocessingJobName",
        "InputMessage",
        "OutputProcessedMessage",
        "Trigger",
    ]


@pytest.mark.parametrize("kind", ["object-created", "schedule", "manual"])
def test_each_kind_of_trigger_reads_back_as_itself(kind):
    triggers = {
        "object-created": {"Kind": kind, "Bucket": "b", "Key": "k", "EventTime": "t"},
        "schedule": {"Kind": kind, "ScheduleArn": ARN, "ScheduledTime": "t"},
        "manual": {"Kind": kind, "StartedBy": "arn:aws:iam::123456789012:user/ada"},
    }
    read = parse_trigger(json.dumps(triggers[kind]))
    assert json.loads(run(Trigger=read).to_json())["Trigger"] == triggers[kind]


def test_an_unknown_kind_of_trigger_is_refused():
    with pytest.raises(ValueError, match="full-moon"):
        parse_trigger('{"Kind": "full-moon"}')


@given(st.from_regex(r"[a-z0-9][a-z0-9.-]{2,62}", fullmatch=True), st.text(max_size=256))
def test_an_s3_uri_reads_back_as_itself(bucket, key):
    assert S3Uri.parse(str(S3Uri(bucket, key))) == S3Uri(bucket, key)


@pytest.mark.parametrize(
    "uri",
    [
        f"s3://b/{'x' * 1025}",
        f"s3://b/{'é' * 513}",
        "s3://b/\ud800",
        "s3://b\n/k",
        "s3://a b/k",
        "s3://-b/k",
        "s3://arn:aws:s3:::b/k",
        f"s3://{'b' * 256}/k",
    ],
)
def test_an_s3_uri_that_s3_could_not_have_is_refused_in_a_short_line(uri):
    with pytest.raises(InvalidS3Uri, match="s3://bucket/key") as refusal:
        S3Uri.parse(uri)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("uri", ["", "bucket/key", "s3:/b/k", "s3://", "s3:///key", "https://b/k"])
def test_what_is_no_s3_uri_is_refused_with_the_form_to_write(uri):
    with pytest.raises(InvalidS3Uri, match="s3://bucket/key"):
        S3Uri.parse(uri)


def test_a_further_run_of_a_tick_says_which_part_it_is_and_the_first_does_not():
    first = ScheduleTrigger(ScheduleArn=ARN, ScheduledTime="t")
    assert json.loads(trigger_json(first)) == {
        "Kind": "schedule",
        "ScheduleArn": ARN,
        "ScheduledTime": "t",
    }
    second = replace(first, Part=1)
    assert json.loads(trigger_json(second))["Part"] == 1


triggers = st.one_of(
    st.builds(
        ObjectCreatedTrigger,
        Bucket=text,
        Key=text,
        VersionId=st.none() | text,
        Sequencer=st.none() | text,
        Size=st.none() | st.integers(0, 2**53),
        EventTime=text,
    ),
    st.builds(
        ScheduleTrigger,
        ScheduleArn=text,
        ScheduledTime=text,
        Part=st.none() | st.integers(1, 10**6),
    ),
    st.builds(ManualTrigger, StartedBy=text),
)


@given(triggers)
def test_any_trigger_reads_back_as_itself(trigger):
    assert parse_trigger(trigger_json(trigger)) == trigger
    assert parse_trigger(trigger_json(trigger).encode()) == trigger


@given(triggers)
def test_a_trigger_is_spelled_alone_as_it_is_in_the_execution_input(trigger):
    assert run(Trigger=trigger).to_json().endswith(f'"Trigger":{trigger_json(trigger)}}}')


@pytest.mark.parametrize(
    "given_text",
    [
        "",
        "{",
        b"\xff",
        "null",
        "[]",
        "{}",
        '{"Kind": "full-moon"}',
        '{"Kind": "manual"}',
        '{"Kind": "manual", "StartedBy": "ada", "More": 1}',
        '{"Kind": "manual", "StartedBy": "a\\ud800"}',
        '{"Kind": "schedule", "ScheduleArn": "a", "ScheduledTime": "t", "Part": true}',
        '{"Kind": "manual", "StartedBy": null}',
        '{"Kind": "manual", "StartedBy": 7}',
        '{"Kind": "schedule", "ScheduleArn": "a", "ScheduledTime": "t", "Part": "1"}',
        '{"Kind": ["manual"]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_trigger_is_an_error(given_text):
    with pytest.raises(ValueError, match=r"trigger|Expecting|decode"):
        parse_trigger(given_text)
