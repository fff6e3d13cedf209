"""Events of S3 and of schedules: each is read exactly, or refused by the name of the field.

tests/fuzz/events has hostile ones.
"""

from __future__ import annotations

import json

import pytest

from landrun.errors import InvalidEvent, OtherEvent
from landrun.models.events import OTHER_EVENTS, parse_object_created, parse_tick
from unit.functions.fakes import SCHEDULE

ABSENT = object()
TIME = "2026-11-22T03:00:00Z"
KEY, SIZE, VERSION, SEQUENCER = (
    f"detail.object.{field}" for field in ("key", "size", "version-id", "sequencer")
)
NO_TIME = ["x" * 100_000, 20261122, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"]


@pytest.fixture
def body(messages):
    """``body({"detail.object.key": "a.csv"})`` is S3's event with that field changed, as JSON."""

    def changed(changes, name="object-created"):
        [event] = messages(name)
        for path, value in changes.items():
            *parents, field = path.split(".")
            holder = event
            for parent in parents:
                holder = holder[parent]
            holder[field] = value
            if value is ABSENT:
                del holder[field]
        return json.dumps(event)

    return changed


def refusal(parse, event):
    with pytest.raises(InvalidEvent) as refused:
        parse(event)
    assert len(str(refused.value)) < 500
    return str(refused.value)


@pytest.mark.parametrize("key", ["a b+c%2Bé/😀\"'\n.csv", "x/" * 511 + "ab", "\0\x7f\u2028\ufeff"])
def test_any_key_is_read_exactly(body, key):
    assert parse_object_created(body({KEY: key})).key == key


@pytest.mark.parametrize("version_id", [ABSENT, None, "", "null"])
def test_without_versions_the_sequencer_distinguishes_landings_of_a_key(body, version_id):
    bodies = [body({VERSION: version_id, SEQUENCER: sequencer}) for sequencer in ("0A", "0B")]
    one, other = map(parse_object_created, bodies)
    assert one.version_id is None
    assert one.version != other.version


@pytest.mark.parametrize("time", ["2026-11-22T08:15:30+02:00", "2026-11-22T06:15:30"])
def test_the_time_of_a_landing_is_in_utc(body, time):
    assert parse_object_created(body({"time": time})).event_time == "2026-11-22T06:15:30Z"


def test_another_event_of_s3_is_not_a_landing_and_not_an_error(body):
    for subject in OTHER_EVENTS:
        with pytest.raises(OtherEvent) as other:
            parse_object_created(body({"detail-type": subject}, "object-deleted"))
        assert other.value.reason == subject.lower().replace(" ", "-")


@pytest.mark.parametrize("changes", [{"source": "mine"}, {"detail-type": "Object Eaten"}])
def test_an_event_that_s3_does_not_have_is_refused(body, changes):
    text = refusal(parse_object_created, body(changes, "object-deleted"))
    assert "expected an Object Created event" in text


@pytest.mark.parametrize(
    ("field", "values"),
    [
        (SIZE, [-1, 10**15, 10**4000, 1e300, float("inf"), float("nan"), True, "1"]),
        (SEQUENCER, ["not hexadecimal", "0" * 65]),
        (VERSION, ["a\nb", "v\n", "v" * 1025, 7]),
        (KEY, [ABSENT, None, "é" * 513, "a\ud800"]),
        ("detail.bucket.name", [ABSENT, "", "a/b", "a b", "b" * 256, "b\x1b[2J", "é"]),
        ("time", [ABSENT, *NO_TIME]),
    ],
)
def test_a_value_that_s3_never_sends_is_refused_with_its_field(body, field, values):
    for value in values:
        assert f"check {field} (" in refusal(parse_object_created, body({field: value}))


@pytest.mark.parametrize("time", [TIME, "2026-11-22T04:00:00+01:00", "2026-11-22T03:00:00"])
def test_one_moment_is_one_tick_in_any_notation(time):
    tick = parse_tick({"ScheduleArn": SCHEDULE, "ScheduledTime": time})
    assert (tick.schedule_arn, tick.scheduled_time) == (SCHEDULE, TIME)
    rule = {"detail-type": "Scheduled Event", "resources": [SCHEDULE], "time": time}
    assert parse_tick(rule) == tick


NO_ARN = [1, "<aws.scheduler.schedule-arn>", f"{SCHEDULE}\x1b[2J", f"arn:{'x' * 1601}"]
UNREADABLE = [None, "<aws.scheduler.scheduled-time>", "0001-01-01T00:00:00+14:00", ["\n" * 100_000]]
CLASSIC = [{"resources": []}, {"resources": [SCHEDULE]}, {"resources": {}, "time": TIME}]


@pytest.mark.parametrize(
    "events",
    [
        [{"ScheduleArn": arn, "ScheduledTime": TIME} for arn in NO_ARN],
        [{"ScheduleArn": SCHEDULE, "ScheduledTime": time} for time in NO_TIME + UNREADABLE],
        [{"detail-type": "Scheduled Event"} | rest for rest in CLASSIC],
        [{}, {"ScheduleArn": SCHEDULE}, {"\x1b" * 100_000: 1}, [], "tick", None],
    ],
    ids=["arn", "time", "classic", "no tick"],
)
def test_what_is_not_a_tick_is_refused_with_the_field_to_check(events):
    for event in events:
        assert "check " in refusal(parse_tick, event)
