"""Ticks over pending landings: what each run reads, and what it leaves to another.

tests/faults/test_cases_ticks.py has the ticks that die, repeat, overlap or see an index that lags.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from landrun.adapters.landings_table import landing_id
from landrun.models.run import ManualTrigger, ScheduleTrigger, tick_run_name
from landrun.models.tick import Tick
from landrun.services.collect_landings import at_once
from unit.functions.fakes import NOW, SCHEDULE

from .landings_world import LandingsWorld

TICK, NEXT = (Tick(SCHEDULE, NOW + timedelta(days=day)) for day in range(2))


def name_of(tick, part=0):
    return tick_run_name("landrun", tick.schedule_arn, tick.scheduled_time, part)


def trigger_of(tick, part=None):
    return ScheduleTrigger(ScheduleArn=SCHEDULE, ScheduledTime=tick.scheduled_time, Part=part)


class World(LandingsWorld):
    """What ticks share; a run reads three objects unless a test says otherwise."""

    def claim_for(self, tick, *landings):
        self.claim(name_of(tick), trigger_of(tick), *landings)

    def tick(self, tick=TICK, most=3):
        return list(self.collector(most).collect(tick))

    def finish(self, most=3, seen=None):
        claimed = [one for one in seen or self.table.pending() if one.claim]
        return self.collector(most).finish(name_of(TICK), trigger_of(TICK), claimed)

    def assert_each_once(self, landings):
        """Check that each landing is in one manifest, that all have started, and none is left."""
        lists = map(self.manifests.collected, self.manifests.stored.values())
        collected = [landing for each in lists for landing in each.landings]
        assert sorted(collected, key=landing_id) == sorted(landings, key=landing_id)
        assert self.executions.started.keys() == self.manifests.stored.keys()
        assert self.table.left() == {}


@pytest.fixture
def world():
    return World()


SIZES = [(3, 0, []), (3, 1, [1]), (3, 3, [3]), (3, 4, [3, 1]), (3, 6, [3, 3]), (3, 7, [3, 3, 1])]
SIZES += [(1000, 499, [499]), (500, 500, [500]), (500, 501, [500, 1]), (1000, 1100, [1000, 100])]


@pytest.mark.parametrize(("most", "waiting", "objects"), SIZES)
def test_a_tick_is_one_run_over_all_that_waits_or_several_full_ones(world, most, waiting, objects):
    landings = world.land(*(f"incoming/{each:04}" for each in range(waiting)))
    runs = world.tick(most=most)
    assert [(run.objects, run.duplicate) for run in runs] == [(each, False) for each in objects]
    parts = range(len(objects))
    assert [run.name for run in runs] == [name_of(TICK, part) for part in parts]
    written = [world.manifests.stored[run.name] for run in runs]
    assert [one.trigger for one in written] == [trigger_of(TICK, part or None) for part in parts]
    lasts = [world.manifests.collected(one).last for one in written]
    assert lasts == [False] * (len(objects) - 1) + [True] * bool(objects)
    world.assert_each_once(landings)


def test_a_run_reads_one_bucket_and_a_tick_all_of_them(world):
    landings = world.land("a", "b") + world.land("a", "c", bucket="others")
    assert [run.objects for run in world.tick()] == [2, 2]
    buckets = {manifest.bucket for manifest in world.manifests.stored.values()}
    assert buckets == {"landings", "others"}
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
    assert world.table.left() == {theirs.key: name_of(NEXT)}


def test_claims_over_a_limit_that_was_lowered_since_are_released(world):
    landings = world.land("a", "b", "c")
    world.claim_for(TICK, *landings)
    assert world.finish(most=2).objects == 2
    assert list(world.table.left().values()) == [None]
    world.tick(NEXT)
    world.assert_each_once(landings)


def test_the_rest_is_one_run_outside_of_any_tick_or_none(world):
    manual = ManualTrigger(StartedBy="reconcile")
    assert world.collector().collect_rest("landrun-0", manual) is None
    landings = world.land("a", "b")
    run = world.collector().collect_rest("landrun-1", manual)
    assert (run.name, run.objects) == ("landrun-1", 2)
    assert world.manifests.stored["landrun-1"].trigger == manual
    world.assert_each_once(landings)


def test_calls_at_once_answer_in_order_and_raise_the_first_error():
    assert at_once(lambda number: number * 2, range(100)) == [2 * number for number in range(100)]
    with pytest.raises(ZeroDivisionError):
        at_once(lambda number: 1 // (number - 7), range(20))
