"""Messages that can never be processed, and objects that are none of landrun's business."""

from __future__ import annotations

import json

import pytest

from landrun.errors import ConfigurationError

from .faulty import killed_after, killed_before, response_lost, throttled
from .invariants import placed
from .world import World

POISON = '{"detail-type": "Object Crea'
LEFT_OUT = object()


def keys(load_event, name):
    bodies = [json.loads(record["body"]) for record in load_event(name)["Records"]]
    return [body["detail"]["object"]["key"] for body in bodies]


def runs_of(world):
    """Bring the World to rest with nothing wrong; give the number of runs."""
    assert world.settle() == []
    return len(world.executions())


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
    assert runs_of(any_world) == (9 if any_world.start_on == "arrival" else 1)
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
    assert runs_of(world) == 1


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


@pytest.mark.case(12)
def test_whole_batch_that_fails_for_now_is_no_crash(world):
    for number in range(10):
        world.land(f"incoming/{number}.jsonl")
    world.faults.always(throttled(), "s3")
    [outcome] = world.drain()
    assert outcome.ok
    assert len(outcome.answer["batchItemFailures"]) == 10
    assert runs_of(world) == 10


@pytest.mark.case(13)
def test_odd_keys_are_read_exactly(any_world, load_event):
    odd = keys(load_event, "object-created-odd-keys")
    for key in odd:
        any_world.land(key)
    any_world.start_runs()
    assert sorted(key for run in any_world.executions() for key in any_world.keys(run)) == sorted(
        odd
    )
    assert any_world.dead("landings") == []
    assert runs_of(any_world) == (len(odd) if any_world.start_on == "arrival" else 1)


@pytest.mark.case(13)
def test_key_that_no_uri_of_an_input_can_hold_is_refused_before_its_manifest(world):
    world.reconfigure("ObjectCreated", INPUT_MESSAGE_FORMAT="uri")
    landed = world.land(f"incoming/{'x' * 250}{f'/{chr(120) * 250}' * 3}", expected=False)
    world.poison.append(landed.body)
    world.drain()
    [(_, reason)] = world.dead("landings")
    assert "more than the 1024" in reason
    assert world.manifests() == {}


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
    for number, value in enumerate(values):

        def change(detail, value=value):
            detail["object"][name] = value
            if value is LEFT_OUT:
                del detail["object"][name]

        any_world.land(f"incoming/{number}.jsonl", copies=3, change=change)
        any_world.start_runs()
        assert any_world.dead("landings") == []
        assert len(any_world.executions()) == number + 1
    assert runs_of(any_world) == len(values)


def without(*names):

    def change(detail):
        for name in names:
            del detail["object"][name]

    return change


@pytest.mark.case(15)
def test_versions_without_version_ids_are_told_apart_by_their_sequencers(world):
    for body in (b"one", b"two"):
        world.land("incoming/a.jsonl", body, copies=2, change=without("version-id"))
    world.drain()
    assert runs_of(world) == 2


@pytest.mark.case(15)
def test_landing_with_neither_version_nor_sequencer_is_refused(any_world):
    change = without("version-id", "sequencer")
    landed = any_world.land("incoming/a.jsonl", expected=False, change=change)
    any_world.poison.append(landed.body)
    any_world.drain()
    [(_, reason)] = any_world.dead("landings")
    assert "neither a version id nor a sequencer" in reason
    assert runs_of(any_world) == 0


@pytest.mark.case(16)
def test_scheduled_input_that_is_a_runs_own_output_is_refused_at_the_start():
    with World(ScheduledInput="incoming/") as world:
        output = world.stack.name("OutputBucket")
        world.reconfigure("Schedule", SCHEDULED_INPUT=f"s3://{output}/processed/")
        with pytest.raises(ConfigurationError, match="ScheduledInput"):
            world.tick()
        assert world.executions() == {}
