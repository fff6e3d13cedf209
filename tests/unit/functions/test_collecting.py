"""Ticks over what waits: each landing in one manifest, whatever dies, repeats or overlaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from landrun.adapters.landings_table import landing_id
from landrun.errors import ServiceError
from landrun.models.landing import Landing
from landrun.models.run import ManualTrigger, ScheduleTrigger, manual_run_name, tick_run_name
from landrun.models.s3_uri import S3Uri
from landrun.models.tick import Tick
from landrun.services.collect_landings import LandingCollector, at_once
from landrun.services.start_run import RunStarter, StartedRun

from .conftest import NOW, FakeExecutions, FakeManifests, FakeWaiting, Fate, Killed, one_by_one

ARN = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"
TICK = Tick(ARN, NOW)
NEXT = Tick(ARN, NOW + timedelta(days=1))


def name_of(tick: Tick, part: int = 0) -> str:
    return tick_run_name("landrun", tick.schedule_arn, tick.scheduled_time, part)


def trigger_of(tick: Tick, part: int | None = None) -> ScheduleTrigger:
    return ScheduleTrigger(
        ScheduleArn=tick.schedule_arn, ScheduledTime=tick.scheduled_time, Part=part
    )


class World:
    """What ticks share: landings that wait, manifests, executions."""

    def __init__(self, like: Landing) -> None:
        self.like = like
        self.waiting = FakeWaiting()
        self.manifests = FakeManifests()
        self.executions = FakeExecutions()

    def land(self, *keys: str, **changes: Any) -> list[Landing]:
        """Land a version of each key; with another sequencer it is another version."""
        version = {"version_id": f"v-{changes['sequencer']}"} if "sequencer" in changes else {}
        landings = [replace(self.like, key=key, **(version | changes)) for key in keys]
        for landing in landings:
            self.waiting.record(landing)
        return landings

    def collector(
        self, most: int = 3, fate: Fate | None = None, manifests: Any = None
    ) -> LandingCollector:
        fate = fate or Fate(at=0)
        doors = fate.over(manifests or self.manifests)
        runs = RunStarter(
            doors, fate.over(self.executions), S3Uri("outputs", "p/"), clock=lambda: NOW
        )
        return LandingCollector(fate.over(self.waiting), doors, runs, "landrun", most, one_by_one)

    def tick(self, tick: Tick = TICK, most: int = 3, **more: Any) -> list[StartedRun]:
        return list(self.collector(most, **more).tick(tick))

    def claims(self) -> dict[str, str]:
        """Who has claimed what, by key."""
        found = self.waiting.items.values()
        return {item.landing.key: item.claim.run for item in found if item.claim}

    def still_waits(self) -> set[str]:
        return {item.landing.key for item in self.waiting.items.values() if item.waiting}

    def reconcile(self) -> None:
        """What reconcile does for claims: finish every run that still holds some."""
        held: dict[str, list[Any]] = {}
        for candidate in self.waiting.candidates():
            if candidate.claim:
                held.setdefault(candidate.claim.run, []).append(candidate)
        for name, claimed in held.items():
            self.collector().finish(name, claimed[0].claim.trigger, claimed)

    def collected(self) -> Counter[tuple[str, str | None]]:
        """In how many manifests each landing is: (key, sequencer)."""
        manifests = self.manifests.stored.values()
        lists = (self.manifests.collected(manifest).landings for manifest in manifests)
        return Counter((landing.key, landing.sequencer) for each in lists for landing in each)

    def assert_each_once(self, landings: list[Landing]) -> None:
        assert self.collected() == Counter((each.key, each.sequencer) for each in landings)
        assert self.executions.started.keys() == self.manifests.stored.keys()
        assert (self.still_waits(), self.claims()) == (set(), {})


@pytest.fixture
def world(landed):
    return World(landed("a", sequencer="0A"))


def keys(number: int) -> list[str]:
    return [f"incoming/{each:04}" for each in range(number)]


# ---- One tick


def test_a_tick_with_nothing_waiting_starts_nothing(world):
    assert world.tick() == []
    assert (world.manifests.stored, world.manifests.lists) == ({}, {})


def test_a_tick_is_one_run_over_all_that_waits(world):
    landings = world.land("a", "b", "c")
    [run] = world.tick()
    assert (run.name, run.objects, run.duplicate) == (name_of(TICK), 3, False)
    assert set(world.manifests.stored[run.name].keys) == {"a", "b", "c"}
    world.assert_each_once(landings)


@pytest.mark.parametrize(
    ("waiting", "objects"),
    [(0, []), (1, [1]), (2, [2]), (3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])],
)
def test_a_tick_over_more_than_a_run_may_have_is_several_runs_and_none_is_empty(
    world, waiting, objects
):
    landings = world.land(*keys(waiting))
    assert [run.objects for run in world.tick(most=3)] == objects
    lasts = [world.manifests.collected(each).last for each in world.manifests.stored.values()]
    assert lasts == [False] * (len(objects) - 1) + [True] * bool(objects)
    world.assert_each_once(landings)


@pytest.mark.parametrize(
    ("waiting", "most", "objects"),
    [(499, 1000, [499]), (500, 500, [500]), (501, 500, [500, 1]), (1100, 1000, [1000, 100])],
)
def test_a_run_of_many_objects_is_claimed_whole(world, waiting, most, objects):
    landings = world.land(*keys(waiting))
    assert [run.objects for run in world.tick(most=most)] == objects
    world.assert_each_once(landings)


def test_the_runs_of_a_tick_are_named_and_triggered_by_their_part(world):
    world.land(*keys(5))
    runs = world.tick(most=2)
    assert [run.name for run in runs] == [name_of(TICK, part) for part in range(3)]
    triggers = [world.manifests.stored[run.name].trigger for run in runs]
    assert triggers == [trigger_of(TICK), trigger_of(TICK, 1), trigger_of(TICK, 2)]


def test_a_run_reads_one_bucket_and_a_tick_all_of_them(world):
    landings = [
        *world.land("a", "b", bucket="landings"),
        *world.land("a", "c", bucket="others"),
    ]
    runs = world.tick()
    manifests = [world.manifests.stored[run.name] for run in runs]
    assert {manifest.bucket for manifest in manifests} == {"landings", "others"}
    assert [run.objects for run in runs] == [2, 2]
    assert sum(world.collected().values()) == len(landings)
    assert world.still_waits() == set()


def test_the_newest_version_of_a_key_is_processed_once(world):
    world.land("a", sequencer="0B", version_id="v2")
    world.land("a", sequencer="0A", version_id="v1")
    [newest] = world.land("a", sequencer="0C", version_id="v3")
    world.tick()
    world.assert_each_once([newest])


def test_what_lands_after_a_tick_is_for_the_next(world):
    first = world.land("a")
    world.tick()
    second = world.land("b") + world.land("a", sequencer="0B")
    assert [run.name for run in world.tick(NEXT)] == [name_of(NEXT)]
    world.assert_each_once(first + second)


# ---- The same tick again


def test_a_second_attempt_of_a_tick_finds_the_same_runs_and_takes_nothing_new(world):
    world.land(*keys(4))
    first = world.tick()
    world.land("late")
    again = world.tick()
    assert [run.name for run in again] == [run.name for run in first]
    assert [run.objects for run in again] == [3, 1]
    assert world.still_waits() == {"late"}
    assert world.claims() == {}


def test_an_attempt_adopts_what_a_dead_one_has_claimed(world):
    landings = world.land("a", "b")
    world.waiting.claim(landing_id(landings[0]), name_of(TICK), trigger_of(TICK))
    assert [run.objects for run in world.tick()] == [2]
    world.assert_each_once(landings)


def test_what_another_run_has_claimed_is_left_to_it(world):
    theirs, _ = world.land("a", "b")
    world.waiting.claim(landing_id(theirs), name_of(NEXT), trigger_of(NEXT))
    world.tick()
    assert set(world.collected()) == {("b", "0A")}
    assert world.claims() == {"a": name_of(NEXT)}


def test_what_another_run_has_claimed_does_not_keep_a_tick_from_another_bucket(world):
    landings = world.land("a") + world.land("a", bucket="others")
    theirs, ours = sorted(landings, key=landing_id)
    world.waiting.claim(landing_id(theirs), name_of(NEXT), trigger_of(NEXT))
    [run] = world.tick()
    assert world.manifests.stored[run.name].bucket == ours.bucket


def test_what_another_run_has_claimed_is_no_reason_for_a_further_run(world):
    ours, theirs = sorted(world.land("a", "b"), key=landing_id)
    world.waiting.claim(landing_id(theirs), name_of(NEXT), trigger_of(NEXT))
    [run] = world.tick(most=1)
    manifest = world.manifests.stored[run.name]
    assert (manifest.keys, world.manifests.collected(manifest).last) == ((ours.key,), True)


def test_when_another_tick_has_claimed_all_none_is_started(world):
    [theirs] = world.land("a")
    world.waiting.freeze()
    world.waiting.claim(landing_id(theirs), name_of(NEXT), trigger_of(NEXT))
    assert world.tick() == []
    assert world.manifests.stored == {}


def test_an_index_that_lags_behind_puts_nothing_into_a_second_manifest(world):
    landings = world.land("a", "b")
    world.waiting.freeze()
    world.tick()
    assert world.tick(NEXT) == []
    world.assert_each_once(landings)


def test_an_index_that_does_not_show_a_landing_yet_leaves_it_to_the_next_tick(world):
    first = world.land("a")
    world.waiting.freeze()
    second = world.land("b")
    world.tick()
    world.waiting.shown = None
    world.tick(NEXT)
    world.assert_each_once(first + second)


class Blind:
    """Manifests as a tick sees them that looked before another attempt wrote one."""

    def __init__(self, manifests: FakeManifests) -> None:
        self._manifests = manifests

    def find(self, _run: str) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manifests, name)


def test_of_two_attempts_at_once_the_loser_lets_go_of_what_the_manifest_has_not(world):
    first = world.land("a")
    world.tick()
    second = world.land("b")
    [run] = world.tick(manifests=Blind(world.manifests))
    assert (run.name, run.objects) == (name_of(TICK), 1)
    assert (world.still_waits(), world.claims()) == ({"b"}, {})
    world.tick(NEXT)
    world.assert_each_once(first + second)


def test_a_loser_that_claimed_a_newer_version_does_not_pass_it_off_as_done(world):
    """The manifest names a key, its list the version: the newer one has to be read anew."""
    first = world.land("a", sequencer="0A")
    world.tick()
    newer = world.land("a", sequencer="0B")
    world.tick(manifests=Blind(world.manifests))
    assert (world.still_waits(), world.claims()) == ({"a"}, {})
    world.tick(NEXT)
    world.assert_each_once(first + newer)


def test_a_version_that_lands_while_a_tick_claims_is_in_one_manifest_only(world):
    first = world.land("a", sequencer="0A")
    newer: list[Landing] = []
    # The third call of a tick is its first claim: find, candidates, claim.
    fate = Fate(3, after=True, strikes=lambda: newer.extend(world.land("a", sequencer="0B")))
    world.tick(fate=fate)
    assert world.still_waits() == {"a"}
    world.tick(NEXT)
    world.assert_each_once(first + newer)


# ---- Dead and overlapping attempts


def crashes(world_of: Any, after: bool) -> Iterator[World]:
    """A world for each call of a tick's doors, in which the tick has died at that call."""
    for at in range(1, 200):
        world, fate = world_of(), Fate(at, after)
        try:
            world.tick(most=2, fate=fate)
        except Killed:
            yield world
        else:
            assert at > 15  # else there was too little to die at
            return


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_tick_that_died_at_any_call_is_finished_by_its_retry(landed, after):
    landings: list[Landing] = []

    def busy() -> World:
        world = World(landed("a", sequencer="0A"))
        landings[:] = world.land(*keys(3))
        return world

    for world in crashes(busy, after):
        late = world.land("late")
        world.tick(most=2)
        world.reconcile()
        world.tick(NEXT)
        world.assert_each_once(landings + late)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_tick_that_died_at_any_call_and_never_came_again_is_finished_by_reconcile(landed, after):
    landings: list[Landing] = []

    def busy() -> World:
        world = World(landed("a", sequencer="0A"))
        landings[:] = world.land(*keys(3))
        return world

    for world in crashes(busy, after):
        newer = world.land(landings[0].key, sequencer="0B")
        world.reconcile()
        world.tick(NEXT)
        taken = world.collected()
        assert set(taken.values()) == {1}
        # The version that was overwritten before anybody read it may be skipped; no other may.
        wanted = {(each.key, each.sequencer) for each in landings[1:] + newer}
        assert wanted <= set(taken) <= wanted | {(landings[0].key, "0A")}
        assert world.executions.started.keys() == world.manifests.stored.keys()
        assert (world.still_waits(), world.claims()) == (set(), {})


@pytest.mark.parametrize("other", [TICK, NEXT], ids=["same tick", "next tick"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_tick_that_overtakes_another_at_any_call_takes_nothing_twice(landed, other, after):
    for at in range(1, 200):
        world = World(landed("a", sequencer="0A"))
        landings = world.land(*keys(3))

        def overtake(world: World = world, landings: list[Landing] = landings) -> None:
            landings += world.land("between")
            world.tick(other, most=2)

        fate = Fate(at, after, strikes=overtake)
        world.tick(TICK, most=2, fate=fate)
        world.reconcile()
        world.tick(Tick(ARN, NOW + timedelta(days=2)), most=2)
        world.assert_each_once(landings)
        if fate.calls < at:
            break
    assert at > 15


@pytest.mark.parametrize("at", [2, 3, 6, 7])
def test_a_call_that_aws_refused_fails_the_tick_and_loses_nothing(world, at):
    landings = world.land("a", "b")

    def refuse() -> None:
        raise ServiceError("dynamodb:UpdateItem", "ProvisionedThroughputExceededException", "slow")

    with pytest.raises(ServiceError):
        world.tick(fate=Fate(at, strikes=refuse))
    world.tick()
    world.assert_each_once(landings)


# ---- What reconcile asks for


def test_finishing_a_run_takes_what_it_has_claimed_and_nothing_else(world):
    ours, _ = world.land("a", "b")
    world.waiting.claim(landing_id(ours), name_of(TICK), trigger_of(TICK))
    claimed = [each for each in world.waiting.candidates() if each.claim]
    run = world.collector().finish(name_of(TICK), trigger_of(TICK), claimed)
    assert (run.name, run.objects) == (name_of(TICK), 1)
    assert world.still_waits() == {"b"}
    assert world.manifests.stored[run.name].trigger == trigger_of(TICK)


def test_a_run_is_finished_without_a_manifest_never_by_releasing_its_claims(world):
    """Its attempt may only be slow: it could still write the manifest with them."""
    landings = world.land("a")
    slow = Fate(4)  # find, candidates, claim, and before write_collected:
    slow.strikes = world.reconcile
    world.tick(fate=slow)
    world.tick(NEXT)
    world.assert_each_once(landings)


def test_finishing_a_run_whose_manifest_stands_starts_settles_and_releases(world):
    landings = world.land("a", "b")
    name = name_of(TICK)
    with pytest.raises(Killed):
        world.tick(fate=Fate(6))  # written, not started
    [late] = world.land("late")
    world.waiting.claim(landing_id(late), name, trigger_of(TICK))
    run = world.collector().finish(name, trigger_of(TICK), list(world.waiting.candidates()))
    assert (run.objects, list(world.executions.started)) == (2, [name])
    assert (world.still_waits(), world.claims()) == ({"late"}, {})
    world.tick(NEXT)
    world.assert_each_once([*landings, late])


def test_nothing_is_finished_when_the_index_only_lagged_behind(world):
    landings = world.land("a")
    world.waiting.claim(landing_id(landings[0]), name_of(TICK), trigger_of(TICK))
    seen = list(world.waiting.candidates())
    world.waiting.release(name_of(TICK), landing_id(landings[0]))
    world.tick(NEXT)
    assert world.collector().finish(name_of(TICK), trigger_of(TICK), seen) is None
    world.assert_each_once(landings)


def test_claims_over_a_limit_that_was_lowered_since_are_released_when_the_run_is_finished(world):
    landings = world.land("a", "b", "c")
    for landing in landings:
        world.waiting.claim(landing_id(landing), name_of(TICK), trigger_of(TICK))
    claimed = list(world.waiting.candidates())
    assert world.collector(2).finish(name_of(TICK), trigger_of(TICK), claimed).objects == 2
    assert world.claims() == {}
    world.tick(NEXT)
    world.assert_each_once(landings)


def test_gathering_starts_one_run_outside_of_any_tick(world):
    landings = world.land("a", "b")
    name, trigger = manual_run_name("landrun"), ManualTrigger(StartedBy="reconcile")
    run = world.collector().gather(name, trigger)
    assert (run.name, run.objects) == (name, 2)
    assert world.manifests.stored[name].trigger == trigger
    world.assert_each_once(landings)


def test_gathering_nothing_starts_nothing(world):
    assert world.collector().gather("landrun-1", ManualTrigger(StartedBy="reconcile")) is None
    assert world.manifests.stored == {}


# ---- Calls at once


def test_calls_at_once_answer_in_the_order_of_what_was_given():
    assert at_once(lambda number: number * 2, range(100)) == [2 * number for number in range(100)]


def test_a_call_that_fails_among_others_is_raised():
    def refuse(number: int) -> int:
        if number == 7:
            raise ServiceError("dynamodb:UpdateItem", "ThrottlingException", str(number))
        return number

    with pytest.raises(ServiceError, match="7"):
        at_once(refuse, range(20))
