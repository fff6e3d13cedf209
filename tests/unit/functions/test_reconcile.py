"""The handler of reconcile: what it is invoked with, what it answers, what it is built of."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType, SimpleNamespace

import pytest

from handler_loader import ENVIRONMENT, Context, Printed, load_handler
from landrun.errors import InvalidEvent, ReconcileFailed

from .conftest import NOW

OWN = {"START_ON": "schedule", "MAX_OBJECTS_PER_RUN": "7", "MAX_CONCURRENT_RUNS": "4"}
RECOVERED = {"Statuses": 1, "Executions": 0, "Claims": 2}


class FakeReconciler:
    def __init__(self) -> None:
        self.graces: list[timedelta | None] = []
        self.failing: ReconcileFailed | None = None

    def reconcile(self, grace: timedelta | None = None) -> dict[str, int]:
        self.graces.append(grace)
        if self.failing:
            raise self.failing
        return dict(RECOVERED)


def clock():
    return NOW


def loaded(services: list[str], **variables: str) -> ModuleType:
    def client(service):
        services.append(service)
        return SimpleNamespace()

    return load_handler("reconcile", ENVIRONMENT | OWN | variables, client, clock)


@pytest.fixture
def function(capsys):
    module = loaded([])
    module.reconciler = FakeReconciler()
    return module


def test_the_answer_says_how_much_of_each_kind_was_recovered(function, load_event, capsys):
    assert function.handler(load_event("reconcile-tick"), Context()) == RECOVERED
    [line] = Printed(capsys.readouterr().out).logs
    assert RECOVERED.items() <= line.items()


@pytest.mark.parametrize(
    ("event", "grace"),
    [
        ({}, None),
        ({"ScheduleArn": "arn:aws:scheduler:::schedule/a", "ScheduledTime": "soon"}, None),
        ({"GraceSeconds": None}, None),
        ({"GraceSeconds": 0}, timedelta()),
        ({"GraceSeconds": 0.5}, timedelta(seconds=0.5)),
        ({"GraceSeconds": 7_776_000}, timedelta(days=90)),
    ],
)
def test_by_hand_the_grace_is_a_number_of_seconds(function, event, grace):
    function.handler(event, Context())
    assert function.reconciler.graces == [grace]


@pytest.mark.parametrize(
    "seconds", [-1, -0.1, "0", "ten", True, False, [], {}, 7_776_001, 1e300, float("nan")]
)
def test_a_grace_that_is_no_number_of_seconds_is_refused_with_what_to_pass(function, seconds):
    with pytest.raises(InvalidEvent, match="pass a number of seconds"):
        function.handler({"GraceSeconds": seconds}, Context())
    assert function.reconciler.graces == []


def test_when_a_step_failed_the_invocation_fails_so_that_it_is_retried(function):
    function.reconciler.failing = ReconcileFailed("Statuses: states:ListExecutions: Throttling")
    with pytest.raises(ReconcileFailed):
        function.handler({}, Context())


@pytest.mark.parametrize(
    ("variables", "collects", "objects"),
    [
        ({}, True, 7),
        ({"START_ON": "arrival"}, False, 7),
        ({"START_ON": "arrival", "INPUT_MESSAGE_FORMAT": "uri"}, False, 1),
    ],
)
def test_the_function_is_built_from_its_settings(variables, collects, objects):
    services: list[str] = []
    built = loaded(services, **variables).reconciler
    assert set(services) == {"stepfunctions", "s3", "dynamodb", "sagemaker", "sns"}
    assert built.clock is built.recorder.clock is clock
    assert (built.collects, built.limiter.limit) == (collects, 4)
    assert built.collector.max_objects == objects
