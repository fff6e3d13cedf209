"""The handler of reconcile: what it is invoked with, what it answers, what it is built of."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import Mock

import pytest

from landrun.errors import InvalidEvent
from landrun.services.reconcile import Reconciler

RECOVERED = {"Statuses": 1, "Executions": 0, "Claims": 2}


@pytest.fixture
def function(load):
    function = load("reconcile")
    function.module.reconciler = Mock(spec_set=Reconciler)
    function.module.reconciler.reconcile.return_value = RECOVERED
    return function


def test_the_answer_says_how_much_of_each_kind_was_recovered(function, load_event, printed):
    assert function.call(load_event("reconcile-tick")) == RECOVERED
    [line] = printed().logs
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
    function.call(event)
    function.module.reconciler.reconcile.assert_called_once_with(grace)


@pytest.mark.parametrize(
    "seconds", [-1, -0.1, "0", "ten", True, False, [], {}, 7_776_001, 1e300, float("nan")]
)
def test_a_grace_that_is_no_number_of_seconds_is_refused_with_what_to_pass(function, seconds):
    with pytest.raises(InvalidEvent, match="pass a number of seconds"):
        function.call({"GraceSeconds": seconds})
    function.module.reconciler.reconcile.assert_not_called()
