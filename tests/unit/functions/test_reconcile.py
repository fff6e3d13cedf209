"""The handler of reconcile: what it is called with, what it answers, what it is built of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from landrun.errors import InvalidEvent, ReconcileFailed
from landrun.handlers.reconcile import Reconcile, build, parse_grace
from landrun.settings import ReconcileSettings

from .conftest import MACHINE, Clock, one_by_one

MENDED = {"Statuses": 1, "Executions": 0, "Claims": 2, "Manifests": 0, "Notifications": 0}
MENDED |= {"SlotsNotCounted": 0, "ExecutionsNotResumed": 0, "SlotsNotReleased": 0}


@dataclass
class FakeReconciler:
    graces: list[timedelta | None] = field(default_factory=list)
    failing: ReconcileFailed | None = None

    def reconcile(self, grace: timedelta | None = None) -> dict[str, int]:
        self.graces.append(grace)
        if self.failing:
            raise self.failing
        return dict(MENDED)


@pytest.fixture
def reconciler():
    return FakeReconciler()


@pytest.fixture
def function(reconciler, telemetry):
    return Reconcile(reconciler, telemetry)


def test_the_answer_says_how_many_losses_of_each_kind_were_mended(
    function, load_event, context, told
):
    assert function.handle(load_event("schedule-tick"), context) == MENDED
    [line] = told().logs
    assert MENDED.items() <= line.items()


def test_the_schedule_leaves_the_graces_as_they_are(function, reconciler, load_event, context):
    function.handle(load_event("schedule-tick"), context)
    function.handle({}, context)
    assert reconciler.graces == [None, None]


@pytest.mark.parametrize(
    ("seconds", "grace"),
    [
        (0, timedelta()),
        (90, timedelta(seconds=90)),
        (0.5, timedelta(seconds=0.5)),
        (7_776_000, timedelta(days=90)),
        (None, None),
    ],
)
def test_by_hand_the_grace_is_a_number_of_seconds(function, reconciler, context, seconds, grace):
    function.handle({"GraceSeconds": seconds}, context)
    assert reconciler.graces == [grace]


@pytest.mark.parametrize(
    "seconds", [-1, -0.1, "0", "ten", True, False, [], {}, 7_776_001, 1e300, float("nan")]
)
def test_a_grace_that_is_no_number_of_seconds_is_refused_with_what_to_pass(seconds):
    with pytest.raises(InvalidEvent, match="pass a number of seconds"):
        parse_grace({"GraceSeconds": seconds})


def test_when_a_step_failed_the_invocation_fails_so_that_it_comes_again(
    function, reconciler, context
):
    reconciler.failing = ReconcileFailed("Statuses: states:ListExecutions: ThrottlingException")
    with pytest.raises(ReconcileFailed):
        function.handle({}, context)


def test_what_was_mended_before_a_step_failed_is_counted(
    function, reconciler, telemetry, context, told
):
    telemetry.mended("status", run="run-1")
    reconciler.failing = ReconcileFailed("Claims: dynamodb:Query: ThrottlingException")
    with pytest.raises(ReconcileFailed):
        function.handle({}, context)
    assert told().count("MissedEventsRecovered", Kind="status") == 1


@pytest.mark.parametrize(("start_on", "collects"), [("schedule", True), ("arrival", False)])
def test_the_function_is_built_from_its_settings(telemetry, start_on, collects):
    settings = ReconcileSettings(
        state_machine_arn=MACHINE,
        job_name_prefix="landrun",
        output_bucket="outputs",
        output_prefix="processed/",
        manifest_prefix="manifests/",
        input_message_format="manifest",
        start_on=start_on,
        landings_table="landings",
        max_objects_per_run=7,
        runs_table="runs",
        notifications_topic_arn="arn:aws:sns:us-east-1:123456789012:failures",
        concurrency_table="slots",
        max_concurrent_runs=4,
    )
    asked: list[str] = []
    clock = Clock()
    built = build(settings, asked.append, clock=clock, telemetry=telemetry, mapper=one_by_one)
    assert set(asked) == {"stepfunctions", "s3", "dynamodb", "sagemaker", "sns"}
    assert built.reconciler.collects is collects
    assert built.reconciler.clock is clock
    assert built.reconciler.recorder.clock is clock
    assert built.reconciler.admission.limit == 4
    assert built.reconciler.collector.max_objects == 7
    assert built.reconciler.collector.mapper is one_by_one
