"""Landings that wait, against moto's DynamoDB and, where a rule is the fake's too, against it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landrun.adapters.landings_table import (
    KEPT,
    SHARDS,
    Claim,
    LandingsTable,
    Recorded,
    landing_id,
    ordered,
)
from landrun.errors import ServiceError
from landrun.models.landing import Landing
from landrun.models.run import ManualTrigger, ScheduleTrigger

from .conftest import NOW, Clock, FakeWaiting

TICK = ScheduleTrigger(
    ScheduleArn="arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly",
    ScheduledTime="2026-11-22T03:00:00Z",
)
LATER = replace(TICK, ScheduledTime="2026-11-23T03:00:00Z", Part=2)


@pytest.fixture
def stored(aws, table):
    """The door, its table's items by id, and its clock."""
    client, name, clock = aws("dynamodb"), table("LandingsTable"), Clock()

    def items() -> dict[str, dict[str, Any]]:
        found = client.scan(TableName=name, ConsistentRead=True)["Items"]
        flat = ({k: next(iter(v.values())) for k, v in item.items()} for item in found)
        return {item["id"]: item for item in flat}

    return SimpleNamespace(door=LandingsTable(client, name, clock), items=items, clock=clock)


@pytest.fixture(params=["table", "fake"])
def door(request):
    """The table's rules hold for the fake that other tests use, too."""
    return FakeWaiting() if request.param == "fake" else request.getfixturevalue("stored").door


def waits(door: Any) -> dict[str, str | None]:
    """What waits: who has claimed it, by id."""
    return {found.id: found.claim and found.claim.run for found in door.candidates()}


# ---- What is recorded


def test_a_landing_waits_once_however_often_it_is_recorded(door, landed):
    landing = landed("incoming/a.jsonl")
    answers = [door.record(landing) for _ in range(3)]
    assert answers == [Recorded.WAITS, Recorded.DUPLICATE, Recorded.DUPLICATE]
    assert waits(door) == {landing_id(landing): None}


def test_a_landing_is_kept_as_it_is(stored, landed):
    landing = landed("incoming/é 😀 +%2B.jsonl", sequencer="0A", size=42)
    stored.door.record(landing)
    [item] = stored.items().values()
    assert item == {
        "id": landing_id(landing),
        "bucket": landing.bucket,
        "key": landing.key,
        "version_id": landing.version_id,
        "sequencer": "0A".ljust(64, "0"),
        "size": "42",
        "event_time": landing.event_time,
        "recorded_at": NOW.isoformat(timespec="milliseconds"),
        "waiting": landing_id(landing)[0],
    }


def test_a_newer_version_of_a_key_takes_the_place_of_the_one_that_waits(door, landed):
    old, new = (landed("a", sequencer=s, **{"version-id": s}) for s in ("0A", "0B"))
    assert [door.record(old), door.record(new)] == [Recorded.WAITS, Recorded.REPLACES]
    assert door.claim(landing_id(new), "run-1", TICK).version_id == "0B"
    assert len(waits(door)) == 1


def test_an_older_version_that_comes_late_changes_nothing(door, landed):
    old, new = (landed("a", sequencer=s, **{"version-id": s}) for s in ("0A", "0B"))
    door.record(new)
    assert door.record(old) is Recorded.OLDER
    assert door.claim(landing_id(new), "run-1", TICK).version_id == "0B"


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0055AED6DCD90281E4", "0055AED6DCD90281E5"),
        ("0055AED6DCD90281E5", "0055AED6DCD90281E51"),
        ("9", "A"),
        ("1", "11"),
        ("1000000000", "1" + "0" * 30 + "1"),
        ("F" * 31 + "E", "F" * 32),
    ],
)
def test_sequencers_of_any_length_compare_as_if_padded_on_the_right(door, landed, older, newer):
    door.record(landed("a", sequencer=newer))
    assert door.record(landed("a", sequencer=older)) is Recorded.OLDER


def test_zeros_at_the_end_of_a_sequencer_make_no_difference(door, landed):
    door.record(landed("a", sequencer="0A"))
    assert door.record(landed("a", sequencer="0A00")) is Recorded.DUPLICATE


@pytest.mark.parametrize(("first", "again"), [("0A", "0B"), ("0B", "0A"), ("0A", "0AFF")])
def test_a_version_that_stands_is_a_duplicate_whatever_sequencer_it_comes_with(
    door, landed, first, again
):
    """Its event and its backfill have sequencers of their own; either may come first."""
    one, other = (landed("a", sequencer=s, **{"version-id": "v1"}) for s in (first, again))
    assert [door.record(one), door.record(other)] == [Recorded.WAITS, Recorded.DUPLICATE]
    stands = door.claim(landing_id(one), "run-1", TICK)
    assert (stands.version_id, ordered(stands.sequencer)) == ("v1", ordered(first))


def test_a_version_that_was_done_does_not_wait_again_when_it_comes_with_another_sequencer(
    door, landed
):
    one, other = (landed("a", sequencer=s, **{"version-id": "v1"}) for s in ("0A", "0B"))
    door.record(one)
    door.settle("run-1", claimed(door, one))
    assert door.record(other) is Recorded.DUPLICATE
    assert waits(door) == {}


def test_a_version_that_another_has_replaced_stays_replaced_whatever_it_comes_with(door, landed):
    for sequencer, version in (("0A", "v1"), ("0C", "v2")):
        door.record(landed("a", sequencer=sequencer, **{"version-id": version}))
    assert door.record(landed("a", sequencer="0B", **{"version-id": "v1"})) is Recorded.OLDER


def test_a_version_is_told_from_a_landing_of_before_the_bucket_had_versions(door, landed):
    door.record(landed("a", sequencer="0A", **{"version-id": None}))
    assert door.record(landed("a", sequencer="0B", **{"version-id": "v1"})) is Recorded.REPLACES


@given(st.text("0123456789ABCDEF", max_size=32), st.text("0123456789ABCDEF", max_size=32))
def test_the_order_of_sequencers_is_that_of_fractions(one, other):
    def fraction(text: str) -> int:
        return int(text.ljust(64, "0"), 16)

    assert (ordered(one) < ordered(other)) == (fraction(one) < fraction(other))


def test_keys_never_share_an_item_and_neither_do_buckets(landed):
    landings = [landed("a"), landed("b"), landed("a", bucket="other"), landed("a,b")]
    assert len({landing_id(landing) for landing in landings}) == 4


def test_all_versions_of_a_key_with_an_order_share_an_item(landed):
    one = landed("a", sequencer="0A", **{"version-id": "v1"})
    other = landed("a", sequencer="0B", **{"version-id": None})
    assert landing_id(one) == landing_id(other)


def test_the_id_of_a_known_landing_never_changes_between_releases(landed):
    assert (
        landing_id(landed("incoming/a.csv", sequencer="0A")) == "772e1448b9b45fb4812186f3aee8bf0a"
    )


@pytest.mark.parametrize("sequencer", [None, "", "000"])
def test_versions_without_an_order_wait_beside_each_other_each_once(door, landed, sequencer):
    landings = [
        landed("a", sequencer=sequencer, **{"version-id": version}) for version in ("v1", "v2")
    ]
    assert [door.record(landing) for landing in landings] == [Recorded.WAITS] * 2
    assert [door.record(landing) for landing in landings] == [Recorded.DUPLICATE] * 2
    claimed = [door.claim(landing_id(landing), "run-1", TICK) for landing in landings]
    assert [landing.version_id for landing in claimed] == ["v1", "v2"]


@pytest.mark.parametrize("version", [None, "", "null"])
def test_a_bucket_without_versions_goes_by_the_sequencer_alone(door, landed, version):
    old, new = (landed("a", sequencer=s, **{"version-id": version}) for s in ("0A", "0B"))
    assert [door.record(one) for one in (old, new, old)] == [
        Recorded.WAITS,
        Recorded.REPLACES,
        Recorded.OLDER,
    ]
    claimed = door.claim(landing_id(new), "run-1", TICK)
    assert claimed.version_id is None
    assert claimed.version != old.version


def test_a_landing_reads_back_whole_when_it_is_claimed(stored, landed):
    given_landings = [
        landed("incoming/é 😀 +%2B\n.jsonl", sequencer="0A".ljust(64, "0"), size=42),
        landed("b", sequencer=None, size=None),
        landed("c", **{"version-id": None}, sequencer="0B".ljust(64, "0"), size=0),
    ]
    for landing in given_landings:
        stored.door.record(landing)
        assert stored.door.claim(landing_id(landing), "run-1", TICK) == landing


# ---- What is found


def test_what_waits_is_found_in_every_shard(stored, landed):
    landings = [landed(f"incoming/{number}") for number in range(80)]
    for landing in landings:
        stored.door.record(landing)
    found = list(stored.door.candidates())
    assert [one.id for one in found] == sorted(map(landing_id, landings))
    assert {one.id[0] for one in found} == set(SHARDS)
    assert {one.bucket for one in found} == {"landings"}


def test_what_is_found_goes_on_over_pages():
    class TwoPages:
        """DynamoDB's paginator, with two pages of the first shard."""

        def get_paginator(self, _name: str) -> Any:
            return self

        def paginate(self, **request: Any) -> list[dict[str, Any]]:
            shard = request["ExpressionAttributeValues"][":waiting"]["S"]
            item = {"bucket": {"S": "landings"}, "recorded_at": {"S": NOW.isoformat()}}
            names = ("0a", "0b") if shard == "0" else ()
            return [{"Items": [item | {"id": {"S": name}}]} for name in names]

    assert [found.id for found in LandingsTable(TwoPages(), "t").candidates()] == ["0a", "0b"]


def test_a_candidate_shows_its_claim_and_what_would_start_its_run(stored, landed):
    landing = landed("a")
    stored.door.record(landing)
    stored.door.claim(landing_id(landing), "run-1", LATER)
    [found] = stored.door.candidates()
    assert found.claim == Claim("run-1", NOW, LATER)
    assert found.since == NOW


# ---- Claims


def test_of_two_runs_only_the_first_claims_a_landing(door, landed):
    landing = landed("a")
    door.record(landing)
    assert door.claim(landing_id(landing), "run-1", TICK) is not None
    assert door.claim(landing_id(landing), "run-2", LATER) is None
    assert waits(door) == {landing_id(landing): "run-1"}


def test_a_run_claims_again_what_it_has_claimed(door, landed):
    landing = landed("a", sequencer="0A".ljust(64, "0"))
    door.record(landing)
    claims = [door.claim(landing_id(landing), "run-1", TICK) for _ in range(2)]
    assert claims == [landing, landing]


def test_a_newer_landing_stays_claimed_and_a_second_claim_sees_it(door, landed):
    old, new = (landed("a", sequencer=s, **{"version-id": s}) for s in ("0A", "0B"))
    door.record(old)
    door.claim(landing_id(old), "run-1", TICK)
    assert door.record(new) is Recorded.REPLACES
    assert door.claim(landing_id(new), "run-2", LATER) is None
    assert door.claim(landing_id(new), "run-1", TICK).version_id == "0B"


def test_nothing_is_claimed_of_an_object_that_has_not_landed(door):
    assert door.claim("0" * 32, "run-1", TICK) is None
    assert waits(door) == {}


def test_a_claim_on_an_object_that_has_not_landed_makes_no_item(stored):
    stored.door.claim("0" * 32, "run-1", TICK)
    assert stored.items() == {}


def test_what_is_done_cannot_be_claimed(door, landed):
    landing = landed("a")
    door.record(landing)
    door.claim(landing_id(landing), "run-1", TICK)
    door.settle("run-1", landing)
    assert door.claim(landing_id(landing), "run-1", TICK) is None
    assert door.claim(landing_id(landing), "run-2", LATER) is None


# ---- Settled, released


def claimed(door: Any, landing: Landing, run: str = "run-1") -> Landing:
    door.record(landing)
    return door.claim(landing_id(landing), run, TICK)


def test_a_settled_landing_waits_no_more_and_stays_known(door, landed):
    landing = landed("a")
    door.settle("run-1", claimed(door, landing))
    assert waits(door) == {}
    assert door.record(landing) is Recorded.DUPLICATE
    assert waits(door) == {}


def test_a_settled_landing_is_forgotten_only_after_more_than_a_year(stored, landed):
    landing = claimed(stored.door, landed("a"))
    stored.clock.advance(minutes=1)
    stored.door.settle("run-1", landing)
    [item] = stored.items().values()
    assert int(item["expires_at"]) == int((NOW + timedelta(minutes=1) + KEPT).timestamp())
    assert (item["done_run"], item["done_sequencer"]) == ("run-1", item["sequencer"])
    assert not {"waiting", "claimed_by", "claimed_at", "claimed_for"} & item.keys()


def test_a_landing_that_waits_is_never_forgotten(stored, landed):
    stored.door.settle("run-1", claimed(stored.door, landed("a", sequencer="0A")))
    stored.door.record(landed("a", sequencer="0B"))
    [item] = stored.items().values()
    assert "expires_at" not in item
    assert "waiting" in item


def test_a_newer_version_that_came_after_the_claim_goes_on_waiting_for_another_run(door, landed):
    old, new = landed("a", sequencer="0A"), landed("a", sequencer="0B")
    listed = claimed(door, old)
    door.record(new)
    door.settle("run-1", listed)
    assert waits(door) == {landing_id(new): None}
    assert ordered(door.claim(landing_id(new), "run-2", LATER).sequencer) == ordered("0B")


def test_settling_twice_is_settling_once(door, landed):
    old, new = landed("a", sequencer="0A"), landed("a", sequencer="0B")
    listed = claimed(door, old)
    door.record(new)
    door.settle("run-1", listed)
    door.claim(landing_id(new), "run-2", LATER)
    door.settle("run-1", listed)
    assert waits(door) == {landing_id(new): "run-2"}


def test_settling_again_for_the_same_run_never_takes_a_landing_back(stored, landed):
    """The run's slow second attempt has claimed the newer version, too late for the manifest."""
    old, new = landed("a", sequencer="0A"), landed("a", sequencer="0B")
    listed = claimed(stored.door, old)
    stored.door.record(new)
    stored.door.settle("run-1", listed)
    stored.door.claim(landing_id(new), "run-1", TICK)
    stored.door.settle("run-1", listed)
    assert waits(stored.door) == {landing_id(new): None}
    [item] = stored.items().values()
    assert item["done_sequencer"] == ordered("0A")


def test_a_late_attempt_never_takes_back_what_another_run_has_done_since(stored, landed):
    door = stored.door
    first, second, third = (landed("a", sequencer=each) for each in ("0A", "0B", "0C"))
    door.settle("run-1", claimed(door, first))
    door.settle("run-2", claimed(door, second, "run-2"))
    claimed(door, third, "run-1")
    door.settle("run-1", first)
    [item] = stored.items().values()
    assert (item["done_run"], item["done_sequencer"]) == ("run-2", ordered("0B"))
    assert waits(door) == {landing_id(third): None}


def test_nobody_settles_what_another_run_has_claimed(door, landed):
    landing = claimed(door, landed("a"))
    door.settle("run-2", landing)
    assert waits(door) == {landing_id(landing): "run-1"}


def test_what_was_never_claimed_cannot_be_settled(door, landed):
    landing = landed("a")
    door.record(landing)
    door.settle("run-1", landing)
    assert waits(door) == {landing_id(landing): None}


def test_settling_or_releasing_what_has_not_landed_makes_no_item(stored, landed):
    stored.door.settle("run-1", landed("a"))
    stored.door.release("run-1", "0" * 32)
    assert stored.items() == {}


def test_a_released_landing_waits_for_any_run(door, landed):
    landing = claimed(door, landed("a"))
    door.release("run-1", landing_id(landing))
    assert waits(door) == {landing_id(landing): None}
    assert door.claim(landing_id(landing), "run-2", LATER) is not None


def test_nobody_releases_the_claim_of_another_run(door, landed):
    landing = claimed(door, landed("a"))
    door.release("run-2", landing_id(landing))
    assert waits(door) == {landing_id(landing): "run-1"}


def test_a_landing_that_was_done_and_lands_anew_waits_anew(door, landed):
    door.settle("run-1", claimed(door, landed("a", sequencer="0A")))
    newer = landed("a", sequencer="0B")
    assert door.record(newer) is Recorded.WAITS
    door.settle("run-2", claimed(door, newer, "run-2"))
    assert waits(door) == {}


@pytest.mark.parametrize(
    "call",
    [
        lambda door, landing: door.record(landing),
        lambda door, _: list(door.candidates()),
        lambda door, _: door.claim("0" * 32, "run-1", ManualTrigger(StartedBy="ada")),
        lambda door, landing: door.settle("run-1", landing),
        lambda door, _: door.release("run-1", "0" * 32),
    ],
    ids=["record", "candidates", "claim", "settle", "release"],
)
def test_a_table_that_is_gone_is_a_service_error(aws, landed, call):
    with pytest.raises(ServiceError, match=r"dynamodb:.*ResourceNotFoundException"):
        call(LandingsTable(aws("dynamodb"), "gone"), landed("a"))
