from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landrun.errors import InvalidEvent, InvalidKey, NoLanding, Refused
from landrun.models.landing import OTHER_EVENTS, LandingFilter, check_key, parse_landing

FILTER = LandingFilter(
    prefix="incoming/", suffix=".csv", own=(("outputs", "processed/"), ("outputs", "manifests/"))
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def body(load_event, **changes: object) -> str:
    event = json.loads(load_event("object-created")["Records"][0]["body"])
    event["detail"]["object"] |= changes
    return json.dumps(event)


def test_a_landing_is_read_whole_from_the_event(load_event):
    landing = parse_landing(body(load_event, key="incoming/a.csv", size=42))
    event = json.loads(load_event("object-created")["Records"][0]["body"])
    assert landing.bucket == event["detail"]["bucket"]["name"]
    assert landing.version_id == event["detail"]["object"]["version-id"]
    assert landing.event_time == event["time"]
    assert (landing.key, landing.size) == ("incoming/a.csv", 42)


@pytest.mark.parametrize(
    "key", ["a b.csv", "a+b.csv", "a%2Bb.csv", "é/😀.csv", "\"'.csv", "a\nb", "x/" * 511 + "ab"]
)
def test_an_odd_key_is_read_exactly(load_event, key):
    assert parse_landing(body(load_event, key=key)).key == key


@given(st.text(min_size=1))
def test_any_key_is_read_exactly(key):
    event = {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "123456789012",
        "time": "2026-11-22T03:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:s3:::bucket"],
        "detail": {
            "version": "0",
            "bucket": {"name": "bucket"},
            "object": {"key": key, "sequencer": "00"},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
        },
    }
    assert parse_landing(json.dumps(event)).key == key


@pytest.mark.parametrize("version_id", [None, "", "null"])
def test_without_versions_the_sequencer_tells_landings_of_a_key_apart(load_event, version_id):
    changes = {"version-id": version_id}
    one, other = (
        parse_landing(body(load_event, sequencer=sequencer, **changes))
        for sequencer in ("0A", "0B")
    )
    assert one.version_id is None
    assert one.version != other.version


def test_an_event_that_names_no_version_is_refused(load_event):
    with pytest.raises(InvalidEvent, match="version"):
        parse_landing(body(load_event, **{"version-id": None, "sequencer": None}))


@pytest.mark.parametrize("field", ["etag", "size", "version-id"])
def test_a_null_is_as_good_as_nothing(load_event, field):
    without = json.loads(body(load_event))
    del without["detail"]["object"][field]
    assert parse_landing(body(load_event, **{field: None})) == parse_landing(json.dumps(without))


@pytest.mark.parametrize("subject", sorted(OTHER_EVENTS))
def test_what_else_s3_tells_is_no_landing_and_not_wrong(load_event, subject):
    event = json.loads(load_event("object-deleted")["Records"][0]["body"])
    with pytest.raises(NoLanding) as told:
        parse_landing(json.dumps(event | {"detail-type": subject}))
    assert told.value.reason == subject.lower().replace(" ", "-")


@pytest.mark.parametrize("other", [{"source": "mine"}, {"detail-type": "Object Eaten"}])
def test_what_s3_does_not_tell_is_refused(load_event, other):
    event = json.loads(load_event("object-deleted")["Records"][0]["body"]) | other
    with pytest.raises(InvalidEvent, match="expected an Object Created event"):
        parse_landing(json.dumps(event))


@given(json_values)
def test_whatever_the_json_it_is_a_landing_or_refused(value):
    with pytest.raises(Refused):
        parse_landing(json.dumps(value))


@given(st.text())
def test_whatever_the_text_it_is_a_landing_or_refused(text):
    with pytest.raises(Refused):
        parse_landing(text)


@pytest.mark.parametrize(
    ("bucket", "key", "size", "reason"),
    [
        ("landings", "incoming/a.csv", 1, None),
        ("landings", "incoming/a.csv", None, None),
        ("landings", "incoming/", 0, "folder-marker"),
        ("landings", "incoming/a.csv", 0, "zero-bytes"),
        ("landings", "elsewhere/a.csv", 1, "prefix"),
        ("landings", "incoming/a.csv.bak", 1, "suffix"),
        ("outputs", "processed/a.csv", 1, "own-output"),
        ("outputs", "manifests/a.csv", 1, "own-output"),
        ("landings", "processed/a.csv", 1, "prefix"),
    ],
)
def test_what_starts_no_run_has_a_reason(bucket, key, size, reason):
    assert FILTER.why_ignored(bucket, key, size) == reason


def test_empty_prefix_and_suffix_let_every_key_of_another_bucket_through():
    every = LandingFilter(prefix="", suffix="", own=FILTER.own)
    assert every.why_ignored("landings", "a", 1) is None
    assert every.why_ignored("outputs", "processed/a", 1) == "own-output"


@pytest.mark.parametrize("key", ["a b+c%2B.csv", "😀/x", "a\nb", "/".join(["x" * 255] * 4)])
def test_a_key_that_a_file_can_have_passes(key):
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key", ["", "/a", "a//b", "a/", "./a", "a/../b", "a\0b", "x" * 256, "é" * 128, "a\ud800b"]
)
def test_a_key_that_no_file_can_have_is_refused_with_a_reason(key):
    with pytest.raises(InvalidKey, match="key"):
        check_key(key)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("size", 1e300, "bytes"),
        ("size", float("inf"), "bytes"),
        ("size", float("nan"), "size"),
        ("size", -1, "size"),
        ("sequencer", "not hexadecimal", "sequencer"),
        ("sequencer", "0" * 65, "sequencer"),
        ("version-id", "a\nb", "version-id"),
        ("version-id", "v" * 1025, "version-id"),
    ],
)
def test_what_s3_never_says_of_an_object_is_refused_by_its_field(load_event, field, value, said):
    with pytest.raises(InvalidEvent, match=said) as refusal:
        parse_landing(body(load_event, **{field: value}))
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("name", ["", "a/b", "a b", "b" * 256, "b\x1b[2J", "é"])
def test_a_name_that_no_bucket_has_is_refused(load_event, name):
    [record] = load_event("object-created")["Records"]
    event = json.loads(record["body"])
    event["detail"]["bucket"]["name"] = name
    with pytest.raises(InvalidEvent, match="bucket"):
        parse_landing(json.dumps(event))


def test_a_key_longer_than_any_is_refused_and_not_repeated_whole(load_event):
    with pytest.raises(InvalidKey, match="1024 bytes") as refusal:
        parse_landing(body(load_event, key="é" * 513))
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "9" * 5000, "{", ""])
def test_json_that_python_does_not_read_is_refused(text):
    with pytest.raises(InvalidEvent, match="JSON"):
        parse_landing(text)


def test_what_nothing_reads_takes_no_memory_to_refuse(load_event):
    event = json.loads(load_event("object-created")["Records"][0]["body"])
    landing = parse_landing(json.dumps(event | {"resources": [1] * 1000}))
    assert landing == parse_landing(json.dumps(event))


@pytest.mark.parametrize(
    ("time", "told"),
    [
        ("2026-11-22T08:15:30+02:00", "2026-11-22T06:15:30Z"),
        ("2026-11-22T08:15:30", "2026-11-22T08:15:30Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_the_time_of_a_landing_is_told_in_utc(load_event, time, told):
    event = json.loads(load_event("object-created")["Records"][0]["body"])
    assert parse_landing(json.dumps(event | {"time": time})).event_time == told


def test_a_time_that_is_no_time_in_utc_is_refused(load_event):
    event = json.loads(load_event("object-created")["Records"][0]["body"])
    with pytest.raises(InvalidEvent, match="time"):
        parse_landing(json.dumps(event | {"time": "0001-01-01T00:00:00+14:00"}))
