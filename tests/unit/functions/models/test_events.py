"""Events of S3, schedules and Step Functions: read exactly, or refused by the name of the field.

tests/fuzz/events has hostile ones.
"""

import json

import pytest

from landrun.errors import InvalidEvent, OtherEvent
from landrun.models.events import OTHER_EVENTS, parse_object_created, parse_tick
from landrun.models.status_change import parse_message

ABSENT = object()
SCHEDULE = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"
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


def test_without_versions_the_sequencer_distinguishes_landings_of_a_key(body):
    bodies = [body({VERSION: "null", SEQUENCER: sequencer}) for sequencer in ("0A", "0B")]
    one, other = map(parse_object_created, bodies)
    assert one.version != other.version


def test_another_event_of_s3_is_no_error_and_one_that_s3_does_not_have_is_refused(body):
    for subject in OTHER_EVENTS:
        with pytest.raises(OtherEvent) as other:
            parse_object_created(body({"detail-type": subject}, "object-deleted"))
        assert other.value.reason == subject.lower().replace(" ", "-")
    for changes in ({"source": "mine"}, {"detail-type": "Object Eaten"}):
        text = refusal(parse_object_created, body(changes, "object-deleted"))
        assert "expected an Object Created event" in text


@pytest.mark.parametrize(
    ("event", "field", "values"),
    [
        ("object-created", SIZE, [-1, 10**15, 10**4000, 1e300, float("nan"), True, "1"]),
        ("object-created", SEQUENCER, ["not hexadecimal", "0" * 65]),
        ("object-created", VERSION, ["a\nb", "v\n", "v" * 1025, 7]),
        ("object-created", KEY, [ABSENT, None, "é" * 513, "a\ud800"]),
        ("object-created", "detail.bucket.name", [ABSENT, "", "a/b", "b" * 256, "b\x1b[2J", "é"]),
        ("object-created", "time", [ABSENT, *NO_TIME]),
        ("execution-failed", "detail.name", ["", "n" * 81]),
        ("execution-failed", "detail.executionArn", ["not an ARN", f"arn:{'x' * 600}"]),
        ("execution-failed", "detail.startDate", [-1, 10**18]),
        ("execution-failed", "detail.status", ["\x1b[2J"]),
        ("slot-requested", "SlotRequest.TaskToken", ["", "x" * 2049, None]),
        ("slot-requested", "SlotRequest.StartedAt", ["2026-11-22T08:15:31", "soon"]),
    ],
)
def test_a_value_that_aws_never_sends_is_refused_with_its_field(body, event, field, values):
    parse = parse_object_created if event == "object-created" else parse_message
    for value in values:
        assert f"check {field}" in refusal(parse, body({field: value}, event))


@pytest.mark.parametrize("time", [TIME, "2026-11-22T04:00:00+01:00", "2026-11-22T03:00:00"])
def test_one_moment_is_one_tick_in_any_notation(time):
    tick = parse_tick({"ScheduleArn": SCHEDULE, "ScheduledTime": time})
    assert (tick.schedule_arn, tick.scheduled_time) == (SCHEDULE, TIME)
    rule = {"detail-type": "Scheduled Event", "resources": [SCHEDULE], "time": time}
    assert parse_tick(rule) == tick


UNFILLED = ["<aws.scheduler.schedule-arn>", f"{SCHEDULE}\x1b[2J", f"arn:{'x' * 1601}"]
UNREADABLE = [*NO_TIME, None, "<aws.scheduler.scheduled-time>", "0001-01-01T00:00:00+14:00"]


@pytest.mark.parametrize(
    "event",
    [
        *({"ScheduleArn": arn, "ScheduledTime": TIME} for arn in UNFILLED),
        *({"ScheduleArn": SCHEDULE, "ScheduledTime": time} for time in UNREADABLE),
        {"detail-type": "Scheduled Event", "resources": [], "time": TIME},
        {},
        None,
    ],
)
def test_what_is_not_a_tick_is_refused_with_the_field_to_check(event):
    assert "check " in refusal(parse_tick, event)
