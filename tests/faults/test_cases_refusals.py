"""Messages that can never be processed, and objects that are none of landrun's business."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from .faulty import killed_after, killed_before, response_lost, throttled
from .invariants import placed, violations
from .world import World

POISON = '{"detail-type": "Object Crea'
MODES = ("arrival", "schedule")
Events = Callable[[str], dict[str, Any]]


def details(events: Events, name: str) -> list[dict[str, Any]]:
    """Give the ``detail`` of each event of a payload."""
    return [json.loads(record["body"])["detail"] for record in events(name)["Records"]]


def runs_of(world: World) -> int:
    """Bring the World to rest with nothing wrong; give the number of runs."""
    assert world.settle() == []
    return len(world.executions())


@pytest.mark.case(11)
@pytest.mark.parametrize("mode", MODES)
def test_one_poison_message_in_ten_leaves_nine_done_and_lies_with_its_reason(
    new_world: Callable[..., World], mode: str
) -> None:
    world = new_world(mode)
    landings = [world.land(f"incoming/{number}.jsonl") for number in range(5)]
    world.send_poison(POISON)
    landings += [world.land(f"incoming/{number}.jsonl") for number in range(5, 9)]
    [outcome] = world.drain()
    assert outcome.answer == {"batchItemFailures": []}
    [(body, reason)] = world.dead("landings")
    assert body == POISON
    assert reason is not None
    assert reason.startswith("not an S3 event") or "not JSON" in reason
    assert runs_of(world) == (9 if mode == "arrival" else 1)
    assert all(len(runs) == 1 for runs in (placed(world)[landed] for landed in landings))


@pytest.mark.case(11)
def test_poison_that_the_dead_letter_queue_does_not_take_comes_again(world: World) -> None:
    world.send_poison(POISON)
    world.faults.when("sqs", "send_message", throttled())
    [outcome] = world.drain()
    assert len(outcome.answer["batchItemFailures"]) == 1
    assert world.dead("landings") == []
    world.later()
    assert [body for body, _ in world.dead("landings")] == [POISON]


@pytest.mark.case(11)
@pytest.mark.parametrize("fault", [killed_before, killed_after, response_lost])
def test_poison_is_never_lost_whatever_happens_while_it_is_put_aside(
    world: World, fault: Callable[[], Any]
) -> None:
    landed = world.land("incoming/a.jsonl")
    world.send_poison(POISON)
    world.faults.when("sqs", "send_message", fault())
    world.drain()
    world.later()
    assert {body for body, _ in world.dead("landings")} == {POISON}
    assert len(placed(world)[landed]) == 1
    assert runs_of(world) == 1


@pytest.mark.case(12)
@pytest.mark.parametrize("queue", ["landings", "statuses"])
def test_batch_of_nothing_but_poison_is_put_aside_in_one_invocation(
    world: World, queue: str
) -> None:
    for number in range(10):
        world.send_poison(f"{POISON}{number}", queue)
    [outcome] = world.drain(queue)
    assert outcome.answer == {"batchItemFailures": []}
    assert len(world.landings) == len(world.statuses) == 0
    assert len(world.dead(queue)) == 10
    assert all(reason for _, reason in world.dead(queue))
    assert world.metrics["MessagesRefused", ""] == 10


@pytest.mark.case(12)
def test_whole_batch_that_fails_for_now_is_no_crash(world: World) -> None:
    for number in range(10):
        world.land(f"incoming/{number}.jsonl")
    world.faults.always(throttled(), "s3")
    [outcome] = world.drain()
    assert outcome.ok
    assert len(outcome.answer["batchItemFailures"]) == 10
    assert runs_of(world) == 10


@pytest.mark.case(13)
@pytest.mark.parametrize("mode", MODES)
def test_odd_keys_are_read_exactly(
    new_world: Callable[..., World], load_event: Events, mode: str
) -> None:
    world = new_world(mode)
    keys = [detail["object"]["key"] for detail in details(load_event, "object-created-odd-keys")]
    for key in keys:
        world.land(key)
    world.drain()
    if mode == "schedule":
        world.tick()
    assert sorted(key for run in world.executions() for key in world.keys(run)) == sorted(keys)
    assert world.dead("landings") == []
    assert runs_of(world) == (len(keys) if mode == "arrival" else 1)


@pytest.mark.case(13)
@pytest.mark.parametrize("mode", MODES)
def test_keys_that_are_no_file_names_are_refused_with_their_reason(
    new_world: Callable[..., World], load_event: Events, mode: str
) -> None:
    world = new_world(mode)
    refused = details(load_event, "object-created-refused-keys")
    for detail in refused:
        key = detail["object"]["key"]
        landed = world.land(key, expected=False, stored=False)
        world.poison.append(landed.body)
    world.drain()
    assert len(world.dead("landings")) == len(refused)
    assert all(reason and "key" in reason for _, reason in world.dead("landings"))
    assert runs_of(world) == 0


@pytest.mark.case(14)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("key", "body", "reason"),
    [
        ("incoming/2026/", b"", "folder-marker"),
        ("incoming/2026/", b"not empty", "folder-marker"),
        ("incoming/empty.jsonl", b"", "zero-bytes"),
        ("incoming/notes.txt", b"text", "suffix"),
        ("elsewhere/a.jsonl", b"text", "prefix"),
        ("incomin", b"text", "prefix"),
    ],
)
def test_what_is_no_data_is_ignored_with_a_counted_reason(
    new_world: Callable[..., World], mode: str, key: str, body: bytes, reason: str
) -> None:
    world = new_world(mode, LandingSuffix=".jsonl")
    world.land(key, body, expected=False, copies=2)
    world.drain()
    assert world.metrics["LandingsIgnored", reason] == 2
    assert world.dead("landings") == []
    assert runs_of(world) == 0


@pytest.mark.case(14)
def test_deletion_that_a_wider_rule_lets_through_is_ignored_with_a_counted_reason(
    world: World, load_event: Events
) -> None:
    world.landings.send(load_event("object-deleted")["Records"][0]["body"])
    world.drain()
    assert world.metrics["LandingsIgnored", "object-deleted"] == 1
    assert world.dead("landings") == []
    assert runs_of(world) == 0


@pytest.mark.case(14)
def test_deletions_do_not_reach_the_queue(world: World) -> None:
    [pattern] = [
        rule["EventPattern"]
        for rule in world.stack.resolved.of_type("AWS::Events::Rule").values()
        if "aws.s3" in rule["EventPattern"]["source"]
    ]
    assert pattern["detail-type"] == ["Object Created"]


@pytest.mark.case(15)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version-id", ...),
        ("version-id", "null"),
        ("version-id", None),
        ("version-id", ""),
        ("size", ...),
        ("size", None),
        ("etag", ...),
        ("etag", None),
        ("etag", ""),
        ("sequencer", ...),
        ("sequencer", None),
    ],
)
def test_landing_without_what_may_be_missing_has_its_one_run(
    new_world: Callable[..., World], mode: str, name: str, value: Any
) -> None:
    world = new_world(mode)

    def change(detail: dict[str, Any]) -> None:
        detail["object"].pop(name)
        if value is not ...:
            detail["object"][name] = value

    world.land("incoming/a.jsonl", copies=3, change=change)
    world.drain()
    if mode == "schedule":
        world.tick()
    assert world.dead("landings") == []
    assert len(world.executions()) == 1
    assert runs_of(world) == 1


@pytest.mark.case(15)
def test_versions_without_version_ids_are_told_apart_by_their_sequencers(world: World) -> None:
    for body in (b"one", b"two"):
        world.land("incoming/a.jsonl", body, copies=2, change=_unversioned)
    world.drain()
    assert runs_of(world) == 2


@pytest.mark.case(15)
@pytest.mark.parametrize("mode", MODES)
def test_landing_with_neither_version_nor_sequencer_is_refused(
    new_world: Callable[..., World], mode: str
) -> None:
    world = new_world(mode)

    def change(detail: dict[str, Any]) -> None:
        _unversioned(detail)
        del detail["object"]["sequencer"]

    landed = world.land("incoming/a.jsonl", expected=False, change=change)
    world.poison.append(landed.body)
    world.drain()
    [(_, reason)] = world.dead("landings")
    assert reason is not None
    assert "neither a version id nor a sequencer" in reason
    assert runs_of(world) == 0


def _unversioned(detail: dict[str, Any]) -> None:
    del detail["object"]["version-id"]


@pytest.mark.case(16)
@pytest.mark.parametrize("mode", MODES)
def test_output_and_manifests_that_land_are_filtered_at_run_time(
    new_world: Callable[..., World], load_event: Events, mode: str
) -> None:
    world = new_world(mode, LandingPrefix="")
    output = world.stack.name("OutputBucket")
    for record in load_event("object-created-own-output")["Records"]:
        event = json.loads(record["body"])
        fed_back = copy.deepcopy(event)
        fed_back["detail"]["bucket"]["name"] = output
        world.landings.send(json.dumps(fed_back))
    world.drain()
    assert world.metrics["LandingsIgnored", "own-output"] == 2
    assert violations(world) == []
    assert runs_of(world) == 0


@pytest.mark.case(16)
def test_scheduled_input_that_is_a_runs_own_output_is_refused_at_the_start(
    new_world: Callable[..., World],
) -> None:
    world = new_world(ScheduledInput="incoming/")
    output = world.stack.name("OutputBucket")
    world.reconfigure("Schedule", SCHEDULED_INPUT=f"s3://{output}/processed/")
    with pytest.raises(Exception, match="ScheduledInput"):
        world.tick()
    assert world.executions() == {}
