"""Ticks over pending landings: each landing in one manifest, whatever dies, repeats or overlaps."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import count

import pytest

from landrun.adapters.landings_table import PendingLanding, landing_id
from landrun.errors import ServiceError
from landrun.models.landing import Landing
from landrun.models.run import ManualTrigger, ScheduleTrigger, tick_run_name
from landrun.models.tick import Tick
from landrun.services.collect_landings import at_once
from landrun.services.start_run import StartedRun

from .conftest import NOW, Fate, Killed, one_by_one
from .fakes_landings import LandingsWorld

ARN = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"
TICK, NEXT, LAST = (Tick(ARN, NOW + timedelta(days=day)) for day in range(3))
MANUAL = ManualTrigger(StartedBy="reconcile")


def name_of(tick: Tick, part: int = 0) -> str:
    return tick_run_name("landrun", tick.schedule_arn, tick.scheduled_time, part)


def trigger_of(tick: Tick, part: int | None = None) -> ScheduleTrigger:
    return ScheduleTrigger(ScheduleArn=ARN, ScheduledTime=tick.scheduled_time, Part=part)


class World(LandingsWorld):
    """What ticks share; a run reads three objects unless told otherwise."""

    def claim_for(self, tick: Tick, *landings: Landing) -> None:
        self.claim(name_of(tick), trigger_of(tick), *landings)

    def tick(self, tick: Tick = TICK, most: int = 3, fate: Fate | None = None) -> list[StartedRun]:
        return list(self.collector(most, fate).collect(tick))

    def finish(self, most: int = 3, seen: list[PendingLanding] | None = None) -> list[StartedRun]:
        """Finish every run that holds claims, as reconcile does."""
        claimed = [one for one in seen or self.table.pending() if one.claim]
        finished = []
        for name, trigger in {one.claim.run: one.claim.trigger for one in claimed}.items():
            theirs = [one for one in claimed if one.claim.run == name]
            finished.append(self.collector(most).finish(name, trigger, theirs))
        return [run for run in finished if run]

    def left(self) -> tuple[set[str], dict[str, str]]:
        """The keys that wait still, and which runs have claimed them."""
        return self.table.waiting_keys(), self.table.claims()

    def assert_each_once(self, landings: list[Landing], *superseded: Landing) -> None:
        """Each landing is in one manifest, each manifest has its execution, and nothing is left."""
        lists = map(self.manifests.collected, self.manifests.stored.values())
        collected = Counter(landing for each in lists for landing in each.landings)
        assert set(collected.values()) <= {1}
        assert set(landings) <= collected.keys() <= {*landings, *superseded}
        assert self.executions.started.keys() == self.manifests.stored.keys()
        assert self.left() == (set(), {})


@pytest.fixture
def world():
    return World()


@pytest.fixture(autouse=True)
def _calls_in_order(monkeypatch):
    monkeypatch.setattr("landrun.services.collect_landings.at_once", one_by_one)


def keys(number: int) -> list[str]:
    return [f"incoming/{each:04}" for each in range(number)]


SIZES = [(3, 0, []), (3, 1, [1]), (3, 2, [2]), (3, 3, [3]), (3, 4, [3, 1]), (3, 6, [3, 3])]
SIZES += [(3, 7, [3, 3, 1]), (1000, 499, [499]), (500, 500, [500]), (500, 501, [500, 1])]


@pytest.mark.parametrize(("most", "waiting", "objects"), [*SIZES, (1000, 1100, [1000, 100])])
def test_a_tick_is_one_run_over_all_that_waits_or_several_full_ones(world, most, waiting, objects):
    landings = world.land(*keys(waiting))
    runs = world.tick(most=most)
    assert [(run.objects, run.duplicate) for run in runs] == [(each, False) for each in objects]
    parts = range(len(objects))
    assert [run.name for run in runs] == [name_of(TICK, part) for part in parts]
    written = [world.manifests.stored[run.name] for run in runs]
    assert [one.trigger for one in written] == [trigger_of(TICK, part or None) for part in parts]
    lasts = [world.manifests.collected(one).last for one in written]
    assert lasts == [False] * (len(objects) - 1) + [True] * bool(objects)
    assert len(world.manifests.lists) == len(objects)
    world.assert_each_once(landings)


def test_a_run_reads_one_bucket_and_a_tick_all_of_them(world):
    landings = world.land("a", "b") + world.land("a", "c", bucket="others")
    assert [run.objects for run in world.tick()] == [2, 2]
    buckets = {manifest.bucket for manifest in world.manifests.stored.values()}
    assert buckets == {"landings", "others"}
    world.assert_each_once(landings)


def test_the_newest_version_of_a_key_is_processed_once_and_later_ones_by_the_next_tick(world):
    for sequencer in ("0B", "0A", "0C"):
        [newest] = world.land("a", sequencer=sequencer)
    world.tick()
    later = world.land("b") + world.land("a", sequencer="0D")
    assert [(run.name, run.objects) for run in world.tick(NEXT)] == [(name_of(NEXT), 2)]
    world.assert_each_once([newest, *later])


def test_a_second_attempt_of_a_tick_finds_the_same_runs_and_takes_nothing_new(world):
    world.land(*keys(4))
    first = [(run.name, run.objects) for run in world.tick()]
    world.land("late")
    assert [(run.name, run.objects) for run in world.tick()] == first
    assert world.left() == ({"late"}, {})


def test_an_attempt_adopts_what_a_dead_one_has_claimed(world):
    landings = world.land("a", "b")
    world.claim_for(TICK, landings[0])
    assert [run.objects for run in world.tick()] == [2]
    world.assert_each_once(landings)


@pytest.mark.parametrize("bucket", ["landings", "others"])
@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("ours_first", [False, True])
def test_what_another_run_has_claimed_is_left_to_it_and_is_no_reason_for_a_further_run(
    world, bucket, most, ours_first
):
    landings = world.land("a") + world.land("b", bucket=bucket)
    theirs, ours = sorted(landings, key=landing_id, reverse=ours_first)
    world.claim_for(NEXT, theirs)
    [run] = world.tick(most=most)
    manifest = world.manifests.stored[run.name]
    assert (manifest.bucket, manifest.keys) == (ours.bucket, (ours.key,))
    assert world.manifests.collected(manifest).last
    assert world.left() == ({theirs.key}, {theirs.key: name_of(NEXT)})


def test_when_another_tick_has_claimed_all_since_the_index_was_read_none_is_started(world):
    theirs = world.land("a")
    world.table.freeze_index()
    world.claim_for(NEXT, *theirs)
    assert world.tick() == []
    assert world.manifests.stored == {}


def test_an_index_that_lags_behind_puts_nothing_into_a_second_manifest_and_loses_nothing(world):
    landings = world.land("a", "b")
    world.table.freeze_index()
    landings += world.land("c")
    assert [run.objects for run in world.tick()] == [2]
    assert world.tick(NEXT) == []
    world.table.index = None
    world.tick(LAST)
    world.assert_each_once(landings)


@pytest.mark.parametrize(("key", "sequencer"), [("b", "0A"), ("a", "0B")])
def test_of_two_attempts_at_once_the_loser_releases_what_the_manifest_does_not_hold(
    world, monkeypatch, key, sequencer
):
    """The manifest names a key, its list the version: a newer one has to be read anew."""
    landings = world.land("a")
    world.tick()
    landings += world.land(key, sequencer=sequencer)
    with monkeypatch.context() as before_the_other_wrote:
        before_the_other_wrote.setattr(world.manifests, "find", lambda _run: None)
        [run] = world.tick()
    assert (run.name, run.objects) == (name_of(TICK), 1)
    assert world.left() == ({key}, {})
    world.tick(NEXT)
    world.assert_each_once(landings)


REFUSED = ServiceError("dynamodb:UpdateItem", "ProvisionedThroughputExceededException", "slow")


@pytest.mark.parametrize("retried", [True, False], ids=["by its retry", "by reconcile"])
@pytest.mark.parametrize("error", [Killed(), REFUSED], ids=["died", "was refused"])
def test_a_tick_that_stopped_at_any_call_is_finished(error, retried):
    def stop() -> None:
        raise error

    for at in count(1):
        world = World()
        overwritten, *landings = world.land(*keys(3))
        try:
            world.tick(most=2, fate=Fate(at, strikes=stop))
        except type(error):
            landings += world.land("late") + world.land(overwritten.key, sequencer="0B")
        else:
            break
        if retried:
            world.tick(most=2)
        world.finish()
        world.tick(NEXT)
        world.assert_each_once(landings, overwritten)
    assert at > 15


def test_finishing_a_run_takes_what_it_has_claimed_and_nothing_else(world):
    ours, _ = world.land("a", "b")
    world.claim_for(TICK, ours)
    [run] = world.finish()
    assert (run.name, run.objects) == (name_of(TICK), 1)
    assert world.manifests.stored[run.name].trigger == trigger_of(TICK)
    assert world.left() == ({"b"}, {})


def test_finishing_a_run_that_has_a_manifest_starts_it_and_releases_later_claims(world):
    landings = world.land("a", "b")
    with pytest.raises(Killed):
        world.tick(fate=Fate(6))  # written, not started
    late = world.land("late")
    world.claim_for(TICK, *late)
    assert [run.objects for run in world.finish()] == [2]
    assert list(world.executions.started) == [name_of(TICK)]
    assert world.left() == ({"late"}, {})
    world.tick(NEXT)
    world.assert_each_once(landings + late)


def test_nothing_is_finished_when_the_index_only_lagged_behind(world):
    [landing] = world.land("a")
    world.claim_for(TICK, landing)
    seen = list(world.table.pending())
    world.table.release(name_of(TICK), landing_id(landing))
    world.tick(NEXT)
    assert world.finish(seen=seen) == []
    world.assert_each_once([landing])


def test_claims_over_a_limit_that_was_lowered_since_are_released(world):
    landings = world.land("a", "b", "c")
    world.claim_for(TICK, *landings)
    assert [run.objects for run in world.finish(most=2)] == [2]
    assert world.table.claims() == {}
    world.tick(NEXT)
    world.assert_each_once(landings)


def test_the_rest_is_one_run_outside_of_any_tick_or_none(world):
    assert world.collector(3).collect_rest("landrun-0", MANUAL) is None
    landings = world.land("a", "b")
    run = world.collector(3).collect_rest("landrun-1", MANUAL)
    assert (run.name, run.objects) == ("landrun-1", 2)
    assert world.manifests.stored["landrun-1"].trigger == MANUAL
    world.assert_each_once(landings)


def test_calls_at_once_answer_in_order_and_raise_the_first_error():
    assert at_once(lambda number: number * 2, range(100)) == [2 * number for number in range(100)]
    with pytest.raises(ZeroDivisionError):
        at_once(lambda number: 1 // (number - 7), range(20))
