"""How far a stack goes: 1, 10 and 100 million objects a day through AWS's quotas.

python -m benchmarks.scale                    (all of it, as a table)
python -m benchmarks.scale --objects 5000000 --mode schedule --ticks 96 --instances 50
python -m benchmarks.scale --write            (the tables of docs/scale.md; --check: are they so?)
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchmarks import facts, pages
from benchmarks.bills import SCANNED, SWEEPS
from benchmarks.dollars import WORKING, dollars
from benchmarks.scenario import Mode, Outcome, Profile, Setup
from benchmarks.simulation import simulate
from benchmarks.spelling import floored, folded, part, rounded, time
from benchmarks.widening import LIMITS, limiting, outcome, reach, until_it_keeps_up

PAGE = facts.ROOT / "docs/scale.md"
VOLUMES = (1_000_000, 10_000_000, 100_000_000)
MODES: tuple[tuple[str, Mode, int], ...] = (
    ("arrival", "arrival", 24),
    ("arrival, in turn", "turns", 24),
    ("a tick an hour", "schedule", 24),
    ("a tick a day", "schedule", 1),
)

# ---- Parts of the page ---------------------------------------------------------------------------


def setups(profile: Profile) -> Iterator[tuple[str, Setup]]:
    """Give what the page shows."""
    for volume in VOLUMES:
        for name, mode, ticks in MODES:
            yield name, Setup(objects_a_day=volume, mode=mode, ticks_a_day=ticks, profile=profile)


def as_it_comes(profile: Profile) -> str:
    """Show a stack as the template makes it, under default quotas."""
    rows = []
    for name, setup in setups(profile):
        found = outcome(setup)
        ups = found.keeps_up
        share = 1 - (found.inside_by_day[-1] - found.inside_by_day[0] + found.failed) / (
            setup.objects_a_day * (setup.days - 1)
        )
        limit = limiting(found)
        rows.append(
            (f"{setup.objects_a_day:,}", name, "yes" if ups else "**no**",
             "all" if ups else part(share),
             time(found.within(0.5)) if ups else "–",  # noqa: RUF001
             time(found.within(0.99)) if ups else "–",  # noqa: RUF001
             LIMITS[limit] if limit else "nothing")
        )  # fmt: skip
    head = ("objects a day", "mode", "keeps up", "of a day's", "half within", "99 % within",
            "held back most by")  # fmt: skip
    return pages.table(head, folded(rows, 1), "rllrrrl")


def short() -> str:
    """Say the page's answer in a few sentences."""
    instances, hourly = Setup(mode="turns"), Setup(mode="schedule")
    return textwrap.fill(
        "**One, ten, a hundred million objects a day.** A job for each object ends at SageMaker's "
        f"instances, long before anything of landrun does: {instances.instances} of them do some "
        f"{floored(reach(instances))} jobs a day. With `StartOn=schedule` and a tick an hour a "
        f"stack goes to some {floored(reach(hourly))} objects a day as it comes, and beyond that "
        "as several stacks.", 130, break_on_hyphens=False,
    )  # fmt: skip


def reaches() -> str:
    """Say up to how many objects a day each mode keeps up as it comes, and what ends it."""
    rows = []
    for name, mode, ticks in MODES:
        setup = Setup(mode=mode, ticks_a_day=ticks)
        most = reach(setup)
        ends = replace(setup, objects_a_day=most + most // 10)
        limit = limiting(outcome(ends))
        rows.append((name, floored(most), LIMITS[limit] if limit else "nothing"))
    return pages.table(("mode", "objects a day", "then"), folded(rows, 0), "lrl")


def even() -> str:
    """Show days on which objects land evenly."""
    return as_it_comes("even")


def burst() -> str:
    """Show days of which half lands within an hour."""
    return as_it_comes("burst")


def changes() -> str:
    """Show what has to be changed, on the harder days."""
    rows = []
    for name, setup in setups("burst"):
        wide, found = until_it_keeps_up(setup)
        end = outcome(wide)
        rows.append(
            (f"{setup.objects_a_day:,}", name, "; ".join(found) or "nothing",
             time(end.within(0.5)) if end.keeps_up else "not at all",
             time(end.within(0.99)) if end.keeps_up else "not at all", dollars(a_day(wide)))
        )  # fmt: skip
    head = ("objects a day", "mode", "what is changed", "then half within", "99 % within",
            f"{WORKING} a day")  # fmt: skip
    return pages.table(head, folded(rows, 1), "rllrrr")


def a_day(setup: Setup) -> float:
    """Bill a day's jobs as the cost page bills a month's, with what they read and write."""
    day = replace(setup.month, landings=setup.objects_a_day, days=1)
    ways = {"schedule": day.schedule(setup.ticks_a_day, "")}
    return ways.get(setup.mode, day.arrival()).working


def tries() -> str:
    """Show what it costs to try for an instance that is not there."""
    rows = []
    for volume in VOLUMES:
        found = outcome(Setup(objects_a_day=volume))
        cost = found.tries * facts.prices()["transition"].each / found.setup.days
        rows.append(
            (f"{volume:,}", rounded(found.tries / found.setup.days), dollars(cost),
             rounded(found.failed), f"{found.peaks['open']:,}")
        )  # fmt: skip
    head = ("objects a day", "calls refused a day", "their transitions, $ a day",
            "runs given up in two days", "open at most")  # fmt: skip
    return pages.table(head, rows, "rrrrr")


def quotas() -> str:
    """List the quotas, with their sources."""
    rows = [
        (one.says, f"{one.value:,} {one.unit}", "assumed" if one.assumed else "published",
         one.raised, f"[{one.source.split('/')[-1].removesuffix('.html')}]({one.source})")
        for one in facts.quotas().values()
    ]  # fmt: skip
    return pages.table(("what", "value", "", "raised by", "source"), rows, "lrlll")


def bounds() -> str:
    """List the stack's own bounds: what the template says, and what the times come to."""
    stack, month = facts.stack(), Setup().month
    starts = stack.at_once * stack.batch / month.start_seconds(stack.batch)
    records = stack.at_once * stack.batch / month.record_seconds(stack.batch)
    each = (month.status_seconds(ended=False) + month.status_seconds(ended=True)) / 2
    tick = 1 / (month.tick_seconds(1) - month.tick_seconds(0))
    apart, allowed = 2 * stack.retry["mean"] / 60, facts.quotas()
    tries = f"{stack.retry['attempts']} attempts, {apart:.0f} minutes apart at most"
    rows = [
        ("landings that start runs", f"{starts:,.0f} a second",
         f"{stack.at_once} functions at once, {stack.batch} landings each"),
        ("landings that wait for a tick", f"{records:,.0f} a second", "as before"),
        ("changes of status", f"{stack.at_once / each:,.0f} a second",
         f"{stack.at_once} functions at once, one after the other in each"),
        ("landings that a tick collects", f"{tick:,.0f} a second", "one function"),
        ("a tick at most", f"{tick * 2700:,.0f} landings", "three attempts of 15 minutes"),
        ("a run at most", f"{stack.max_objects:,} objects", "`MaxObjectsPerRun`, up to 100,000"),
        ("a run tries for an instance", time(stack.retry["total"]), tries),
        ("messages being processed", f"{stack.at_once * stack.batch} of a queue",
         f"of {allowed['messages_in_flight'].value:,} that SQS allows"),
        ("functions at once", f"{2 * stack.at_once + 2}",
         f"of {allowed['function_concurrency'].value:,} that Lambda allows an account"),
        ("the age of a landing in its queue", f"{allowed['queue_days'].value} days",
         "it is lost then, and `landrun backfill` finds it; an alarm rings after an hour"),
    ]  # fmt: skip
    return pages.table(("what", "goes up to", "because"), rows, "lrl")


def sweeps() -> str:
    """Say how far reconcile follows."""
    from landrun.services import reconcile  # noqa: PLC0415

    executions = reconcile.PAGES * 1000 * SWEEPS
    rows = [
        ("executions that began or ended, compared with the ledger", f"{executions:,} a day",
         "what events lost is mended late, and first for runs that still seem to run"),
        ("rows of runs that seem to run, looked at one by one",
         f"{reconcile.LOOK_UPS * SWEEPS:,} a day", "the others at a later sweep"),
        ("manifests without a run, looked for", f"{SCANNED * SWEEPS:,} a day",
         "a round over all that are kept takes longer: a million, two days"),
    ]  # fmt: skip
    return pages.table(("what", "up to", "beyond that"), rows, "lrl")


PARTS = {
    "short": short,
    "reaches": reaches,
    "even": even,
    "burst": burst,
    "changes": changes,
    "tries": tries,
    "quotas": quotas,
    "bounds": bounds,
    "sweeps": sweeps,
}

# ---- The command ---------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Show outcomes, or put them into the page."""
    parser = _parser()
    given = parser.parse_args(arguments)
    knobs = {name: getattr(given, name) for name in KNOBS if getattr(given, name) is not None}
    if knobs and "objects" not in knobs:
        parser.error(f"--{next(iter(knobs)).replace('_', '-')} goes with --objects, and without it"
                     " what the page shows is shown")  # fmt: skip
    if knobs and (given.write or given.check):
        parser.error("--write and --check make the page as it is: they go with no other option")
    if given.write or given.check:
        stale = pages.rewrite(PAGE, "scale", PARTS, check=given.check)
        if stale:
            sys.stdout.write("docs/scale.md is not as python -m benchmarks.scale --write has it\n")
        return stale
    if not knobs:
        sys.stdout.write("\n\n".join((even(), burst(), changes())) + "\n")
        return 0
    try:
        found = simulate(_asked(knobs))
    except ValueError as error:
        sys.stderr.write(f"python -m benchmarks.scale: {error}\n")
        return 2
    sys.stdout.write(json.dumps(shown(found), indent=1, ensure_ascii=False) + "\n")
    return 0


KNOBS = {
    "objects": "objects_a_day",
    "mode": "mode",
    "day": "profile",
    "ticks": "ticks_a_day",
    "days": "days",
    "instances": "instances",
    "at_once": "at_once",
    "stacks": "stacks",
}
"""What of a `Setup` each option is."""


def _asked(knobs: Mapping[str, Any]) -> Setup:
    wrong = [f"--{name.replace('_', '-')}" for name, value in knobs.items()
             if isinstance(value, int) and value < 1]  # fmt: skip
    if wrong:
        raise ValueError(f"must be more than 0: {', '.join(wrong)}")
    return Setup(**{KNOBS[name]: value for name, value in knobs.items()})


def shown(found: Outcome) -> dict[str, Any]:
    """Give an outcome as JSON has it: times in seconds."""
    return {
        "landed": found.landed,
        "done": found.done,
        "failed": found.failed,
        "inside": found.inside,
        "inside_by_day": found.inside_by_day,
        "keeps_up": found.keeps_up,
        "seconds": {f"{share:.0%}": found.within(share) for share in (0.5, 0.9, 0.99, 1.0)},
        "held_back_by": {
            name: {"seconds_per_object": round(seconds / found.landed, 1),
                   "since_second": found.held.since[name] * found.setup.slot, "what": LIMITS[name]}
            for name, seconds in sorted(found.held.seconds.items(), key=lambda held: -held[1])
        },
        "peaks": dict(found.peaks),
        "calls_refused": found.tries,
        "jobs": found.runs,
    }  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description="How far a stack goes: days of it, simulated. With --objects one of them.",
        epilog="Example: python -m benchmarks.scale --objects 5000000 --mode schedule --ticks 96",
    )
    parser.add_argument("--objects", type=int, help="objects that land in a day")
    parser.add_argument(
        "--mode",
        choices=("arrival", "turns", "schedule"),
        help="turns: arrival with MaxConcurrentRuns; default: arrival",
    )
    parser.add_argument(
        "--day",
        choices=("even", "burst"),
        help="burst: half of the objects land within an hour; default: even",
    )
    parser.add_argument("--ticks", type=int, help="ticks a day; default: 24")
    parser.add_argument("--days", type=int, help="how many days; default: 2")
    parser.add_argument("--instances", type=int, help="SageMaker's quota, or MaxConcurrentRuns")
    parser.add_argument("--at-once", type=int, help="MaximumConcurrency of both queues")
    parser.add_argument("--stacks", type=int, help="stacks that share what lands")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--write", action="store_true", help="write the tables of docs/scale.md anew")
    one.add_argument("--check", action="store_true", help="1 if they are not as they would be")
    return parser


if __name__ == "__main__":
    sys.exit(main())
