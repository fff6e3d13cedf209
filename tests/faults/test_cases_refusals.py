"""Messages that can never be processed, and objects that are none of landrun's business."""

import json
from collections import Counter

import pytest

from landrun.errors import ConfigurationError, InvalidEvent

from .faulty import killed_after, killed_before, response_lost, throttled
from .invariants import placed
from .world import World

POISON = '{"detail-type": "Object Crea'
LEFT_OUT = object()
COUNTED = {"arrival": "RunsStarted", "schedule": "LandingsRecorded"}


@pytest.mark.case(11)
def test_one_poison_message_in_ten_leaves_nine_done_and_lies_with_its_reason(any_world):
    landings = [any_world.land(f"incoming/{number}.jsonl") for number in range(5)]
    any_world.send_poison(POISON)
    landings += [any_world.land(f"incoming/{number}.jsonl") for number in range(5, 9)]
    [outcome] = any_world.drain()
    assert outcome.answer == {"batchItemFailures": []}
    [(body, reason)] = any_world.dead("landings")
    assert body == POISON
    assert reason.startswith("not an S3 event") or "not JSON" in reason
    assert any_world.settle() == []
    assert len(any_world.executions()) == (9 if any_world.start_on == "arrival" else 1)
    assert all(len(placed(any_world)[landed]) == 1 for landed in landings)


@pytest.mark.case(11)
@pytest.mark.parametrize("fault", [throttled, killed_before, killed_after, response_lost])
def test_poison_is_never_lost_whatever_happens_while_it_is_put_aside(world, fault):
    landed = world.land("incoming/a.jsonl")
    world.send_poison(POISON)
    world.faults.when("sqs", "send_message", fault())
    world.drain()
    assert len(world.landings) > 0
    world.later()
    assert {body for body, _ in world.dead("landings")} == {POISON}
    assert len(placed(world)[landed]) == 1


@pytest.mark.case(12)
@pytest.mark.parametrize("queue", ["landings", "statuses"])
def test_batch_of_nothing_but_poison_is_put_aside_in_one_invocation(world, queue):
    for number in range(10):
        world.send_poison(f"{POISON}{number}", queue)
    [outcome] = world.drain(queue)
    assert outcome.answer == {"batchItemFailures": []}
    assert len(world.landings) == len(world.statuses) == 0
    assert len(world.dead(queue)) == 10
    assert all(reason for _, reason in world.dead(queue))
    assert world.metrics["MessagesRefused", ""] == 10


@pytest.mark.case(13)
def test_odd_keys_are_read_exactly(any_world, load_event):
    bodies = [json.loads(one["body"]) for one in load_event("object-created-odd-keys")["Records"]]
    odd = sorted(body["detail"]["object"]["key"] for body in bodies)
    for key in odd:
        any_world.land(key)
    any_world.start_runs()
    runs = any_world.executions()
    assert sorted(key for run in runs for key in any_world.keys(run)) == odd
    assert len(runs) == (len(odd) if any_world.start_on == "arrival" else 1)


@pytest.mark.case(13)
def test_key_that_no_uri_of_an_input_can_hold_is_refused_before_its_manifest(world):
    world.reconfigure("ObjectCreated", INPUT_MESSAGE_FORMAT="uri")
    landed = world.land(f"incoming/{'x' * 250}{f'/{chr(120) * 250}' * 3}", expected=False)
    world.poison.append(landed.body)
    world.drain()
    [(_, reason)] = world.dead("landings")
    assert "more than the 1024" in reason
    assert world.manifests() == {}


@pytest.mark.case(13, 14, 15, 16)
@pytest.mark.parametrize(
    ("name", "landed", "refused", "ignored"),
    [
        ("object-created-version-null", 1, 0, []),
        ("object-created-versions", 2, 0, []),
        ("object-created-mixed-batch", 2, 2, ["folder-marker", "prefix"]),
        ("object-created-malformed", 0, 1, []),
        ("object-created-test-event", 0, 1, []),
        ("object-created-refused-keys", 0, 5, []),
        ("object-created-zero-bytes", 0, 0, ["zero-bytes"]),
        ("object-created-own-output", 0, 0, ["own-output", "own-output"]),
        ("object-deleted", 0, 0, ["object-deleted"]),
    ],
)
@pytest.mark.parametrize("mode", COUNTED)
def test_a_landing_is_run_or_recorded_unless_it_is_refused_or_ignored_with_a_reason(
    load_event, mode, name, landed, refused, ignored
):
    with World(mode) as world:
        outcome = world.invoke("ObjectCreated", load_event(name))
        assert outcome.answer == {"batchItemFailures": []}
        assert world.metrics[COUNTED[mode], ""] == landed
        assert world.metrics["MessagesRefused", ""] == refused
        bodies = [record["body"] for record in load_event(name)["Records"]]
        dead = world.dead("landings")
        assert len(dead) == refused
        assert all(reason and body in bodies for body, reason in dead)
        counted = {one: world.metrics[one] for one in world.metrics if one[0] == "LandingsIgnored"}
        assert counted == Counter(("LandingsIgnored", reason) for reason in ignored)


def change(**fields):
    """Change fields of an event's object, or leave them out."""

    def act(detail):
        detail["object"] |= fields
        for name in [name for name, value in fields.items() if value is LEFT_OUT]:
            del detail["object"][name]

    return act


@pytest.mark.case(15)
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("version-id", (LEFT_OUT, "null", None, "")),
        ("size", (LEFT_OUT, None)),
        ("etag", (LEFT_OUT, None, "")),
        ("sequencer", (LEFT_OUT, None)),
    ],
)
def test_landing_without_what_may_be_missing_has_its_one_run(any_world, name, values):
    for number, value in enumerate(values, start=1):
        missing = change(**{name: value})
        any_world.land(f"incoming/{number}.jsonl", copies=3, change=missing)
        any_world.start_runs()
        assert any_world.dead("landings") == []
        assert len(any_world.executions()) == number


@pytest.mark.case(15)
def test_landing_with_neither_version_nor_sequencer_is_refused(any_world):
    neither = change(**{"version-id": LEFT_OUT, "sequencer": LEFT_OUT})
    landed = any_world.land("incoming/a.jsonl", expected=False, change=neither)
    any_world.poison.append(landed.body)
    any_world.drain()
    [(_, reason)] = any_world.dead("landings")
    assert "neither a version id nor a sequencer" in reason


@pytest.mark.case(16)
@pytest.mark.parametrize("uri", ["s3://{OutputBucket}/processed/", ""])
def test_scheduled_input_that_is_missing_or_a_runs_own_output_is_refused_by_its_parameter(uri):
    with World(ScheduledInput="incoming/") as world:
        uri = uri.format(OutputBucket=world.stack.name("OutputBucket"))
        world.reconfigure("Schedule", SCHEDULED_INPUT=uri)
        with pytest.raises(ConfigurationError, match="ScheduledInput"):
            raise world.tick().error
        assert world.executions() == {}


@pytest.mark.parametrize("seconds", [-1, "0", True, [], 7_776_001, float("nan")])
def test_a_grace_that_is_no_number_of_seconds_is_refused_with_what_to_pass(world, seconds):
    outcome = world.invoke("Reconcile", {"GraceSeconds": seconds})
    assert isinstance(outcome.error, InvalidEvent)
    assert "pass a number of seconds" in str(outcome.error)
