"""Whatever lands, repeats, overlaps, dies or gets lost: the invariants hold after every step.

Hypothesis draws the steps, in either mode, and where concurrency is limited; a plan of faults goes
with every invocation. `make test` runs the same few examples each time, `make faults` many others:
LANDRUN_FAULTS_EXAMPLES says how many in each mode. A sequence that failed is kept in test_seeds.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, ClassVar, NamedTuple

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from . import faulty
from .faulty import Fault
from .invariants import violations
from .strict_world import StrictWorld

EXAMPLES = int(os.environ.get("LANDRUN_FAULTS_EXAMPLES", "0"))
SHRINKING = os.environ.get("LANDRUN_FAULTS_SHRINK") != "0"

PROFILE = settings(
    max_examples=EXAMPLES or 8,
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
ENDS = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")

FAULTS: dict[str, Callable[[], Fault]] = {
    "killed after": faulty.killed_after,
    "killed before": faulty.killed_before,
    "response lost": faulty.response_lost,
    "throttled": faulty.throttled,
    "denied": faulty.denied,
    "unreachable": faulty.unreachable,
}
CALLS = {
    "landings": (
        ("s3", "put_object"),
        ("s3", "get_object"),
        ("stepfunctions", "start_execution"),
        ("stepfunctions", "describe_execution"),
        ("dynamodb", "update_item"),
        ("sqs", "send_message"),
    ),
    "ticks": (
        ("s3", "put_object"),
        ("s3", "get_object"),
        ("stepfunctions", "start_execution"),
        ("dynamodb", "update_item"),
        ("dynamodb", "query"),
    ),
    "statuses": (
        ("dynamodb", "put_item"),
        ("dynamodb", "update_item"),
        ("sns", "publish"),
        ("s3", "list_objects_v2"),
        ("stepfunctions", "describe_execution"),
        ("stepfunctions", "send_task_success"),
        ("dynamodb", "transact_write_items"),
    ),
}
CALLS["reconciles"] = (
    *CALLS["ticks"],
    *CALLS["statuses"],
    ("stepfunctions", "list_executions"),
    ("dynamodb", "get_item"),
    ("dynamodb", "batch_get_item"),
)
SURROUNDINGS = (
    "indexes lag",
    "indexes catch up",
    "poison landings",
    "poison statuses",
    "room 0",
    "room 1",
    "no quota",
)
ACTIONS = ("tick", "tick again", "reconcile", "landings", "statuses", "overwrite")
"""What can come in between. Not a reconcile with its graces over: no function lives that long."""


class Planned(NamedTuple):
    """One fault of a plan: at the nth call of an operation, or at the nth call of all."""

    call: tuple[str, str] | None
    nth: int
    what: str


OVERLAPS = tuple(f"{when} {action}" for action in ACTIONS for when in ("meanwhile", "afterwards"))


def plans(what: str) -> st.SearchStrategy[list[Planned]]:
    """Draw up to two faults for an invocation, at calls that its function makes, or at any."""
    calls = st.sampled_from(CALLS[what])
    effects = st.sampled_from(tuple(FAULTS)) | st.sampled_from(OVERLAPS)
    at_operation = st.builds(Planned, calls, st.integers(1, 3), effects)
    at_any = st.builds(Planned, st.none(), st.integers(1, 24), effects)
    return st.lists(at_operation | at_operation | at_any, max_size=2)


FATES = st.lists(st.sampled_from([(0,), (), (0, 60), (700,), (5000,), (0, 4000)]), max_size=3)
ORDERS = st.integers(0, 3)
PICKS = st.integers(0, 7)


class Deliveries(RuleBasedStateMachine):
    """The steps; `TestArrival` and `TestSchedule` take them in their modes."""

    mode = "arrival"
    parameters: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.world = StrictWorld(self.mode, **self.parameters)
        self.world.__enter__()
        self.fates: list[Sequence[float]] = []
        self.world.fate = lambda _: self.fates.pop(0) if self.fates else (0,)
        self.last: str | None = None
        self.wrong: list[str] = []

    # ---- a step under a plan -----------------------------------------------------------------

    def under(self, plan: Sequence[Planned], act: Callable[[], Any]) -> None:
        for fault in plan:
            if fault.call:
                self.world.faults.when(*fault.call, self.fault(fault.what), nth=fault.nth)
            else:
                self.world.faults.at(fault.nth - 1, self.fault(fault.what))
        act()
        self.world.faults.heal()

    def fault(self, what: str) -> Fault:
        if what in FAULTS:
            return FAULTS[what]()
        when, _, action = what.partition(" ")
        during = faulty.meanwhile if when == "meanwhile" else faulty.afterwards
        return during(lambda: self.act(action))

    def act(self, action: str) -> None:
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
    def lands(self, key: str, copies: int, late: int) -> None:
        landed = self.world.land(key, copies=copies - 1)
        self.world.send(landed, delay=late)

    @rule(pick=PICKS)
    @precondition(lambda self: self.world.landed)
    def comes_again(self, pick: int) -> None:
        self.world.send(self.world.landed[pick % len(self.world.landed)])

    @rule(order=ORDERS, plan=plans("landings"), fates=FATES)
    def landings_are_delivered(self, order: int, plan: list[Planned], fates: list[Any]) -> None:
        self.world.landings.random = Random(order) if order else None
        self.fates = list(fates)
        self.under(plan, lambda: self.act("landings"))

    @rule(order=ORDERS, plan=plans("statuses"))
    def statuses_are_delivered(self, order: int, plan: list[Planned]) -> None:
        self.world.statuses.random = Random(order) if order else None
        self.under(plan, lambda: self.act("statuses"))

    @rule(again=st.booleans(), plan=plans("ticks"), fates=FATES)
    @precondition(lambda self: self.mode == "schedule")
    def ticks(self, again: bool, plan: list[Planned], fates: list[Any]) -> None:
        self.fates = list(fates)
        self.under(plan, lambda: self.act("tick again" if again else "tick"))

    @rule(late=st.booleans(), plan=plans("reconciles"), fates=FATES)
    def reconciles(self, late: bool, plan: list[Planned], fates: list[Any]) -> None:
        self.fates = list(fates)
        self.under(plan, lambda: self.act("reconcile late" if late else "reconcile"))

    @rule(statuses=st.lists(st.sampled_from(ENDS), min_size=1, max_size=3), fates=FATES)
    @precondition(lambda self: self.world.running())
    def end(self, statuses: list[str], fates: list[Any]) -> None:
        self.fates = list(fates)
        for name, status in zip(self.world.running(), statuses, strict=False):
            waits = name in self.world.waiting_executions()
            self.world.finish(name, "ABORTED" if waits and status == "SUCCEEDED" else status)

    @rule(key=st.sampled_from(KEYS), status=st.sampled_from(ENDS), fates=FATES)
    def runs_to_its_end(self, key: str, status: str, fates: list[Any]) -> None:
        """All goes well, but for what becomes of the status events."""
        self.lands(key, 1, 0)
        self.fates = list(fates)
        self.act("landings")
        self.act("tick")
        self.end([status], fates[1:])

    @rule(pick=PICKS, fates=FATES)
    @precondition(lambda self: self.failed())
    def is_redriven(self, pick: int, fates: list[Any]) -> None:
        failed = self.failed()
        self.fates = list(fates)
        self.world.redrive(failed[pick % len(failed)])

    def failed(self) -> list[str]:
        ended = self.world.executions().items()
        return [name for name, one in ended if one.status in ENDS[1:]]

    @rule(pick=PICKS, late=st.sampled_from([(0,), (0, 60), (700,)]))
    @precondition(lambda self: self.world.waiting_executions())
    def request_again(self, pick: int, late: Sequence[float]) -> None:
        """The state that waits for a slot is retried: its earlier task token is invalid."""
        waiting = self.world.waiting_executions()
        self.world.request_fate = lambda _: late
        self.world.request_again(waiting[pick % len(waiting)])

    @rule(limit=st.sampled_from([1, 2, 3]))
    @precondition(lambda self: self.world.machine.limited)
    def limit_changes(self, limit: int) -> None:
        self.world.set_limit(limit)

    @rule(seconds=st.sampled_from(SECONDS))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @rule(what=st.sampled_from(SURROUNDINGS))
    def surroundings_change(self, what: str) -> None:
        world = self.world
        match what.split():
            case ["indexes", "lag"]:
                world.freeze_indexes()
            case ["indexes", "catch", "up"]:
                world.thaw_indexes()
            case ["poison", queue]:
                world.send_poison(f"not an event {len(world.poison)}", queue)
            case ["room", count]:
                world.machine.limit = world.machine.open + int(count)
            case _:
                world.machine.limit = None

    # ---- what holds --------------------------------------------------------------------------

    @invariant()
    def nothing_is_wrong(self) -> None:
        self.wrong = violations(self.world)
        assert self.wrong == []

    def teardown(self) -> None:
        try:
            if not self.wrong:
                assert self.world.settle() == []
        finally:
            self.world.__exit__(None, None, None)


class Arrival(Deliveries):
    mode = "arrival"


class Bounded(Deliveries):
    """On arrival, with a concurrency limit."""

    parameters: ClassVar[dict[str, str]] = {"MaxConcurrentRuns": "2"}


class Schedule(Deliveries):
    mode = "schedule"
    parameters: ClassVar[dict[str, str]] = {"MaxObjectsPerRun": "2"}


TestArrival = Arrival.TestCase
TestArrival.settings = PROFILE
TestBounded = Bounded.TestCase
TestBounded.settings = settings(PROFILE, max_examples=EXAMPLES or 4)
TestSchedule = Schedule.TestCase
TestSchedule.settings = PROFILE
