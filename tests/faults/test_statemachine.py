"""Whatever lands, repeats, overlaps, dies or gets lost: the invariants hold after every step.

Hypothesis draws the steps, in either mode, and where concurrency is limited; a plan of faults goes
with every invocation. `make test` runs the same few examples each time, `make faults` many others:
LANDRUN_FAULTS_EXAMPLES says how many in each mode. A sequence that failed becomes a case.
"""

import os
from random import Random

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from . import faulty
from .invariants import FAILED, violations
from .world import World

EXAMPLES = int(os.environ.get("LANDRUN_FAULTS_EXAMPLES", "0"))
SHRINKING = os.environ.get("LANDRUN_FAULTS_SHRINK") != "0"

PROFILE = settings(
    max_examples=EXAMPLES or 3,
    stateful_step_count=40 if EXAMPLES else 25,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink] if SHRINKING else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)

KEYS = ("incoming/a.jsonl", "incoming/a+b c.jsonl", "incoming/ü/100%.jsonl")
SECONDS = (1, 30, 130, 400, 700, 1300, 5000, 90_000)
FAULTS = ("killed_after", "killed_before", "response_lost", "throttled", "denied", "unreachable")
ACTIONS = ("tick", "tick again", "reconcile", "landings", "statuses", "overwrite")
"""What can come in between. Not a reconcile with its graces over: no function lives that long."""

SURROUNDINGS = {
    "indexes lag": World.freeze_indexes,
    "indexes catch up": World.thaw_indexes,
    "poison lands": lambda world: world.send_poison(f"no event {len(world.poison)}"),
    "poison status": lambda world: world.send_poison(f"no event {len(world.poison)}", "statuses"),
    "no room": lambda world: setattr(world.machine, "limit", len(world.running())),
    "room for one": lambda world: setattr(world.machine, "limit", len(world.running()) + 1),
    "no quota": lambda world: setattr(world.machine, "limit", None),
}


CALLS = st.integers(0, 5) | st.integers(0, 23)
OVERLAPS = st.sampled_from(("meanwhile", "afterwards"))
PLANS = st.lists(
    st.tuples(CALLS, st.sampled_from(FAULTS), st.none())
    | st.tuples(CALLS, OVERLAPS, st.sampled_from(ACTIONS)),
    max_size=2,
)
"""Faults: at which call of an invocation, what happens there, and what comes in between."""

FATES = st.lists(st.sampled_from([(0,), (), (0, 60), (700,), (5000,), (0, 4000)]), max_size=3)
ORDERS = st.integers(0, 3)
PICKS = st.integers(0, 7)


class Deliveries(RuleBasedStateMachine):
    """The steps: on arrival here; `Bounded` and `Schedule` take them in their modes."""

    mode, limit = "arrival", "0"

    def __init__(self):
        super().__init__()
        self.world = World(self.mode, MaxObjectsPerRun="2", MaxConcurrentRuns=self.limit)
        self.world.__enter__()
        self.fates = []
        self.world.fate = lambda _: self.fates.pop(0) if self.fates else (0,)
        self.last = None
        self.wrong = []

    def under(self, plan, action, fates=()):
        """Do something while faults hit its calls as planned."""
        self.fates = list(fates)
        for call, fault, between in plan:
            given = [lambda _, between=between: self.act(between)] if between else []
            self.world.faults.at(call, getattr(faulty, fault)(*given))
        self.act(action)
        self.world.faults.heal()

    def act(self, action):
        world = self.world
        match action:
            case "tick" | "tick again" if self.mode == "arrival":
                world.poll("landings")
            case "tick":
                self.last = world.tick().event["ScheduledTime"]
            case "tick again":
                self.last = world.tick(self.last).event["ScheduledTime"]
            case "reconcile":
                world.reconcile()
            case "reconcile late":
                world.clock.advance(1300)
                world.reconcile(None)
            case "overwrite":
                world.land(KEYS[0])
                world.poll("landings")
            case queue:
                world.poll(queue)

    # ---- what happens ------------------------------------------------------------------------

    @rule(key=st.sampled_from(KEYS), copies=st.integers(1, 3), late=st.sampled_from([0, 0, 1000]))
    def lands(self, key, copies, late):
        landed = self.world.land(key, copies=copies - 1)
        self.world.send(landed, delay=late)

    @rule(pick=PICKS)
    @precondition(lambda self: self.world.landed)
    def comes_again(self, pick):
        self.world.send(self.world.landed[pick % len(self.world.landed)])

    @rule(queue=st.sampled_from(("landings", "statuses")), order=ORDERS, plan=PLANS, fates=FATES)
    def is_delivered(self, queue, order, plan, fates):
        self.world.queues[queue].random = Random(order) if order else None
        self.under(plan, queue, fates)

    @rule(again=st.booleans(), plan=PLANS, fates=FATES)
    @precondition(lambda self: self.mode == "schedule")
    def ticks(self, again, plan, fates):
        self.under(plan, "tick again" if again else "tick", fates)

    @rule(late=st.booleans(), plan=PLANS, fates=FATES)
    def reconciles(self, late, plan, fates):
        self.under(plan, "reconcile late" if late else "reconcile", fates)

    @rule(
        statuses=st.lists(st.sampled_from(("SUCCEEDED", *FAILED)), min_size=1, max_size=3),
        fates=FATES,
    )
    @precondition(lambda self: self.world.running())
    def end(self, statuses, fates):
        self.fates = list(fates)
        for name, status in zip(self.world.running(), statuses, strict=False):
            waits = name in self.world.waiting_executions()
            self.world.finish(name, "ABORTED" if waits and status == "SUCCEEDED" else status)

    @rule(key=st.sampled_from(KEYS), status=st.sampled_from(FAILED), fates=FATES)
    def fails_at_once(self, key, status, fates):
        self.lands(key, 1, 0)
        self.under([], "landings", fates)
        self.act("tick")
        self.end([status], fates[1:])

    @rule(pick=PICKS, fates=FATES)
    @precondition(lambda self: self.failed())
    def is_redriven(self, pick, fates):
        failed = self.failed()
        self.fates = list(fates)
        self.world.redrive(failed[pick % len(failed)])

    def failed(self):
        return [name for name, one in self.world.executions().items() if one.status in FAILED]

    @rule(pick=PICKS, late=st.sampled_from([(0,), (0, 60), (700,)]))
    @precondition(lambda self: self.world.waiting_executions())
    def request_again(self, pick, late):
        """The state that waits for a slot is retried: its earlier task token is invalid."""
        waiting = self.world.waiting_executions()
        self.world.request_fate = lambda _: late
        self.world.request_again(waiting[pick % len(waiting)])

    @rule(limit=st.sampled_from([1, 2, 3]))
    @precondition(lambda self: self.world.machine.limited)
    def limit_changes(self, limit):
        self.world.set_limit(limit)

    @rule(seconds=st.sampled_from(SECONDS))
    def time_passes(self, seconds):
        self.world.clock.advance(seconds)

    @rule(what=st.sampled_from(tuple(SURROUNDINGS)))
    def surroundings_change(self, what):
        SURROUNDINGS[what](self.world)

    # ---- what holds --------------------------------------------------------------------------

    @invariant()
    def nothing_is_wrong(self):
        self.wrong = violations(self.world)
        assert self.wrong == []

    def teardown(self):
        try:
            if not self.wrong:
                assert self.world.settle() == []
        finally:
            self.world.__exit__()


class Bounded(Deliveries):
    limit = "2"


class Schedule(Deliveries):
    mode = "schedule"


TestArrival, TestBounded, TestSchedule = Deliveries.TestCase, Bounded.TestCase, Schedule.TestCase
TestArrival.settings = TestBounded.settings = TestSchedule.settings = PROFILE
