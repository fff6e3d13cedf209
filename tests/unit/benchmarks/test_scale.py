from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from benchmarks import facts, pages, scale
from benchmarks.bills import DAY, Month
from benchmarks.dollars import dollars
from benchmarks.scenario import Setup
from benchmarks.simulation import simulate
from benchmarks.spelling import floored
from benchmarks.widening import LIMITS, REMEDIES, reach, until_it_keeps_up
from hypothesis import given, settings
from hypothesis import strategies as st

JOB = Setup().job_slots(1)
"""Slots that a job over one object takes its instance for."""

Setups = st.builds(
    Setup,
    objects_a_day=st.integers(1, 30_000_000),
    mode=st.sampled_from(["arrival", "turns", "schedule"]),
    profile=st.sampled_from(["even", "burst"]),
    ticks_a_day=st.sampled_from([1, 5, 24, 96]),
    instances=st.integers(0, 50_000),
    stacks=st.integers(1, 3),
    slot=st.just(900.0),
)


@settings(max_examples=60)
@given(Setups)
def test_every_object_that_landed_is_done_or_failed_or_on_its_way(setup: Setup) -> None:
    found = simulate(setup)
    assert found.landed == setup.objects_a_day * setup.days
    assert found.landed == found.done + found.failed + found.inside
    assert found.done == sum(found.waits.values())
    assert found.peaks["jobs"] <= setup.instances
    assert found.peaks["open"] <= setup.open_executions


@settings(max_examples=30)
@given(Setups, st.integers(1, 5000))
def test_more_instances_never_get_less_done(setup: Setup, more: int) -> None:
    wider = replace(setup, instances=setup.instances + more)
    assert simulate(wider).done >= simulate(setup).done


def test_with_room_for_all_each_object_takes_as_long_as_its_job() -> None:
    found = simulate(Setup(objects_a_day=5000, mode="turns", instances=1000))
    assert set(found.waits) == {JOB}
    assert found.keeps_up
    assert not found.held.seconds


@pytest.mark.parametrize("mode", ["arrival", "turns"])
@pytest.mark.parametrize("instances", [3, 20])
def test_too_few_instances_do_what_fits_into_the_days(mode: str, instances: int) -> None:
    setup = Setup(objects_a_day=100_000, mode=mode, instances=instances)
    found = simulate(setup)
    assert found.runs == pytest.approx(instances * setup.slots / JOB, rel=0.01)
    assert found.peaks["jobs"] == instances
    assert found.held.worst() == "instances"
    assert not found.keeps_up


def test_a_line_of_a_steady_overload_is_as_long_as_what_came_less_what_went() -> None:
    setup = Setup(objects_a_day=10_000, mode="turns", instances=20)
    found = simulate(setup)
    went = 20 * setup.slots / JOB
    assert found.inside == pytest.approx(20_000 - went, rel=0.02)


def test_the_last_of_a_burst_starts_when_the_quota_alone_lets_it() -> None:
    """What lands in the burst, less what the bucket and its refill let through meanwhile."""
    setup = Setup(objects_a_day=10_000_000, mode="turns", profile="burst", instances=10**7,
                  create_jobs=10**6, at_once=10_000, partition_writes=10**7,
                  open_executions=10**8)  # fmt: skip
    found = simulate(setup)
    burst, even = setup.objects_a_day / 2, setup.objects_a_day / 2 / DAY
    left = burst + 3600 * even - setup.start_executions_burst - 3600 * setup.start_executions
    # The line is longest at the end of the burst; who joins it there waits for all before.
    assert max(found.waits) * setup.slot == pytest.approx(
        left / setup.start_executions + JOB * setup.slot, rel=0.02
    )
    assert found.held.worst() == "start_executions"


def test_no_more_executions_start_than_bucket_and_refill_have() -> None:
    setup = Setup(objects_a_day=100_000_000, instances=10**7, create_jobs=10**6, at_once=10_000,
                  days=1)  # fmt: skip
    most = setup.start_executions_burst + setup.start_executions * DAY
    assert 0.99 * most <= simulate(setup).runs <= most


def test_with_a_tick_a_day_an_object_waits_for_it() -> None:
    found = simulate(Setup(objects_a_day=10_000, mode="schedule", ticks_a_day=1))
    assert found.keeps_up
    assert DAY < max(found.waits) * 60 < DAY + 1800
    assert found.within(0.5) == pytest.approx(DAY / 2 + JOB * 60, abs=120)
    assert found.runs == 2


def test_a_tick_makes_runs_of_no_more_objects_than_it_may() -> None:
    month = replace(Month(), max_objects=1000)
    found = simulate(Setup(objects_a_day=10_500, mode="schedule", ticks_a_day=1, month=month))
    assert found.runs == 2 + 11  # by 3 o'clock of the first day 1,313 have landed


def test_without_turns_runs_that_find_no_instance_are_given_up_after_the_retries() -> None:
    setup = Setup(objects_a_day=50_000, instances=20)
    alone, in_turn = simulate(setup), simulate(replace(setup, mode="turns"))
    assert alone.failed > 0
    assert alone.tries > 100 * alone.runs
    assert (in_turn.failed, in_turn.tries) == (0, 0)
    days = facts.stack().retry["total"] / DAY
    assert max(alone.waits) * setup.slot <= days * DAY + JOB * setup.slot + setup.slot


def test_of_a_day_with_a_burst_half_lands_within_its_hour() -> None:
    setup = Setup(objects_a_day=1_000_000, profile="burst")
    hour = setup.landed_by(11 * 60) - setup.landed_by(10 * 60)
    assert hour == pytest.approx(500_000 + 500_000 / 24, abs=2)
    assert setup.landed_by(setup.slots) == 2_000_000


@pytest.mark.parametrize("mode", ["arrival", "turns"])
def test_a_mode_reaches_as_far_as_its_instances(mode: str) -> None:
    setup = Setup(mode=mode, instances=100)
    most = 100 * DAY / (JOB * setup.slot)
    assert 0.998 * most <= reach(setup) <= most + 1  # a rounding


@pytest.mark.parametrize(("name", "mode", "ticks"), scale.MODES)
def test_a_stack_keeps_up_with_what_the_page_says_however_many_days_it_takes(
    name: str, mode: str, ticks: int
) -> None:
    setup = Setup(mode=mode, ticks_a_day=ticks)
    said = int(floored(reach(setup)).replace(",", ""))
    found = simulate(replace(setup, objects_a_day=said, days=6))
    assert found.keeps_up
    assert found.inside_by_day[-1] <= found.inside_by_day[0] + 1
    assert not simulate(replace(setup, objects_a_day=round(1.15 * said), days=6)).keeps_up


@pytest.mark.parametrize(
    "setup",
    [
        Setup(objects_a_day=5_800),  # of the 5,760 jobs that 20 instances do
        Setup(objects_a_day=5_770, mode="turns"),
        Setup(
            objects_a_day=1_050_000, mode="schedule", ticks_a_day=1,
            month=replace(Month(), tick_microseconds=1500),
        ),
    ],
)  # fmt: skip
def test_a_backlog_that_grows_a_little_each_day_is_not_keeping_up(setup: Setup) -> None:
    found = simulate(setup)
    assert found.inside_by_day[1] > found.inside_by_day[0]
    assert not found.keeps_up


@pytest.mark.parametrize("number", [1, 9, 100, 5_760, 5_799, 9_999, 1_041_945])
def test_a_reach_is_never_rounded_up(number: int) -> None:
    said = int(floored(number).replace(",", ""))
    assert 0.9 * number <= said <= number


@pytest.mark.parametrize("mode", ["arrival", "turns", "schedule"])
def test_a_days_jobs_cost_what_the_cost_page_has_for_as_many(mode: str) -> None:
    month = Month(landings=1_000_000, days=1)
    bill = month.schedule(24, "") if mode == "schedule" else month.arrival()
    assert scale.a_day(Setup(objects_a_day=1_000_000, mode=mode)) == bill.working
    [row] = [
        r for r in scale.changes().splitlines()
        if r.startswith("| 1,000,000 |")
        and ("| a tick an hour |" if mode == "schedule" else "| arrival; in turn |") in r
    ]  # fmt: skip
    assert row.endswith(f" {dollars(bill.working)} |")


def test_rows_that_differ_in_nothing_but_the_mode_are_one() -> None:
    for table, mode in ((scale.even(), 1), (scale.burst(), 1), (scale.reaches(), 0)):
        rows = [line.split(" | ") for line in table.splitlines()]
        others = [[*row[:mode], *row[mode + 1 :]] for row in rows]
        assert all(one != other for one, other in pairwise(others))
        assert any("arrival; in turn" in row[mode] for row in rows)


def test_widening_ends_in_a_setup_that_keeps_up() -> None:
    wide, changes = until_it_keeps_up(Setup(objects_a_day=200_000, mode="turns"))
    assert simulate(wide).keeps_up
    assert changes == ["834 instances (quota)"]
    assert until_it_keeps_up(wide) == (wide, [])


def test_nothing_is_widened_that_holds_back_and_yet_keeps_up() -> None:
    setup = Setup(objects_a_day=1_000_000, mode="schedule")
    assert simulate(setup).held.worst() == "tick"
    assert until_it_keeps_up(setup) == (setup, [])


def test_every_limit_of_the_simulation_has_a_name_and_every_remedy_a_limit() -> None:
    setups = [one for profile in ("even", "burst") for _, one in scale.setups(profile)]
    met = {limit for one in setups[:8] for limit in simulate(one).held.seconds}
    assert {*met, *REMEDIES} <= set(LIMITS)


def test_quotas_say_where_they_are_from() -> None:
    for quota in facts.quotas().values():
        assert quota.source.startswith("https://docs.aws.amazon.com/"), quota
        assert quota.value > 0


def test_the_page_is_as_it_would_be_written() -> None:
    text = scale.PAGE.read_text(encoding="utf-8")
    assert sorted(pages.parts_of(text, "scale")) == sorted(scale.PARTS)
    assert pages.filled(text, "scale", scale.PARTS) == text, "python -m benchmarks.scale --write"


def test_the_command_answers_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert scale.main(["--objects", "100000", "--mode", "turns", "--instances", "500"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["landed"] == 200_000
    assert found["keeps_up"]
    assert found["seconds"]["50%"] == JOB * 60


def test_the_command_refuses_days_on_which_nothing_lands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert scale.main(["--objects", "0"]) == 2
    assert capsys.readouterr().err.endswith("must be more than 0: --objects\n")
    with pytest.raises(ValueError, match="objects must land"):
        simulate(Setup(objects_a_day=0))


@pytest.mark.parametrize("option", ["--ticks", "--days", "--instances", "--stacks", "--at-once"])
@pytest.mark.parametrize("number", ["0", "-3"])
def test_the_command_refuses_what_is_no_number_of_things(
    option: str, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scale.main(["--objects", "5", "--mode", "schedule", option, number]) == 2
    [said] = capsys.readouterr().err.splitlines()
    assert said.endswith(f"must be more than 0: {option}")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--mode", "turns"],
        ["--instances", "700"],
        ["--day", "even"],
        ["--ticks", "24"],
        ["--check", "--objects", "5"],
    ],
)
def test_the_command_ignores_no_option(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        scale.main(wrong)
    assert left.value.code == 2
    assert wrong[0] in capsys.readouterr().err.splitlines()[-1]
