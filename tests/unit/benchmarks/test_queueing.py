from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from benchmarks.queueing import Bucket, Held, Job, Line, Places, percentile
from hypothesis import given
from hypothesis import strategies as st

Steps = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60)), max_size=40)


@given(Steps)
def test_what_joined_a_line_has_left_it_or_waits_in_it_in_order(
    steps: list[tuple[int, int]],
) -> None:
    line, joined, left = Line(), 0, Counter[int]()
    order = []
    for slot, (comes, goes) in enumerate(steps):
        line.put([(slot, comes)])
        joined += comes
        for born, count in line.take(goes):
            left[born] += count
            order.append(born)
        assert joined == sum(left.values()) + line.length
    assert order == sorted(order)


def test_only_what_landed_before_leaves_for_its_age() -> None:
    line = Line()
    line.put([(1, 5), (2, 6), (3, 7)])
    assert line.take_older(2.5) == [(1, 5), (2, 6)]
    assert line.length == 7


@given(st.floats(0.1, 50), st.floats(1, 200), st.lists(st.integers(0, 100), max_size=50))
def test_a_bucket_gives_no_more_than_its_burst_and_what_flowed_in(
    rate: float, burst: float, wanted: list[int]
) -> None:
    bucket, given_out = Bucket(rate, burst), 0
    for slots, want in enumerate(wanted, 1):
        bucket.refill(1.0)
        tokens = min(want, bucket.room())
        bucket.use(tokens)
        given_out += tokens
        assert given_out <= burst + rate * slots + 1e-6


def test_a_bucket_that_rests_holds_its_burst_and_no_more() -> None:
    bucket = Bucket(rate=300, burst=1300)
    for _ in range(10):
        bucket.refill(60)
    assert bucket.room() == 1300 + 300 * 60


def test_places_refuse_what_they_have_no_room_for() -> None:
    places = Places(2)
    places.begin(Job(until=3, runs=2, born=[(0, 2)]))
    with pytest.raises(ValueError, match="1 runs for 0 places"):
        places.begin(Job(until=3, runs=1, born=[(0, 1)]))
    assert [job.runs for job in places.ended(3)] == [2]
    assert places.free == 2


def test_the_narrowest_limit_is_the_one_that_held_back() -> None:
    held = Held()
    assert held.pass_through(10, {"wide": 9, "narrow": 4}, slot=7, seconds=60) == 4
    assert (held.worst(), held.seconds, held.since) == ("narrow", {"narrow": 360}, {"narrow": 7})
    assert held.pass_through(3, {"wide": 9, "narrow": 4}, slot=8, seconds=60) == 3
    assert held.seconds == {"narrow": 360}


def test_percentiles_are_those_of_all_that_waited() -> None:
    waits = Counter({1: 50, 2: 49, 9: 1})
    assert [percentile(waits, share) for share in (0.5, 0.51, 0.99, 1.0)] == [1, 2, 2, 9]
    assert percentile(Counter(), 0.5) is None


@pytest.mark.parametrize("load", [0.5, 0.8, 0.9])
def test_a_line_with_random_arrivals_and_one_server_is_as_long_as_pollaczek_and_khinchine_say(
    load: float,
) -> None:
    """M/D/1: customers in the system, seen at departures, are load + load² / 2(1 - load)."""
    chance, line, seen, slots = random.Random(7), Line(), 0, 300_000
    for slot in range(slots):
        line.take(1)
        line.put([(slot, _poisson(chance, load))])
        seen += line.length
    expected = load + load**2 / (2 * (1 - load))
    assert seen / slots == pytest.approx(expected, rel=0.05)


def _poisson(chance: random.Random, mean: float) -> int:
    """Knuth's: how many exponential times fit into one."""
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count
