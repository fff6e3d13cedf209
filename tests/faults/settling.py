"""How a World comes to rest: faults are over, everything is delivered, reconcile has been round."""

from __future__ import annotations

from .invariants import violations

GRACE = 1300
"""Seconds after which reconcile's own graces (600 and 1200) are over."""

ROUNDS = 30
SWEEP = 5000
"""Manifests that one round of reconcile looks at."""


def settle(world):
    heal(world)
    world.retry_ticks()
    redeliver(world)
    if world.start_on == "schedule":
        world.tick()
    problem = reconcile_until_quiet(world)
    if problem:
        return [problem]
    if world.start_on == "schedule":
        world.tick()
        redeliver(world)
    return violations(world, settled=True)


def heal(world):
    world.faults.heal()
    world.thaw_indexes()
    world.machine.limit = None
    world.fate = world.request_fate = lambda _: [0]


def redeliver(world):
    """Hand over all that is in either queue, hidden or delayed, until it is gone or dead."""
    while messages := [*world.landings.messages.values(), *world.statuses.messages.values()]:
        world.clock.now = max(world.clock.now, min(one.visible_at for one in messages))
        world.drain("landings")
        world.drain("statuses")


def reconcile_until_quiet(world):
    """Reconcile, its graces over, until it finds nothing; say so if that never comes.

    A sweep over manifests is bounded: many of them take several rounds that find nothing.
    """
    quiet, enough = 0, 1 + len(world.manifests()) // SWEEP
    for _ in range(ROUNDS):
        world.clock.advance(GRACE)
        redeliver(world)
        outcome = world.reconcile(None)
        if not outcome.ok:
            return f"reconcile failed: {outcome.error!r}"
        quiet = quiet + 1 if not sum(outcome.answer.values()) and not len(world.statuses) else 0
        if quiet == enough:
            return None
    return f"not at rest after {ROUNDS} rounds of reconcile"
