"""Sequences that once failed, kept as straight code; what Hypothesis drew, in as few steps."""

from __future__ import annotations

import pytest

from .faulty import afterwards
from .invariants import violations
from .strict_world import StrictWorld
from .test_statemachine import Arrival


@pytest.fixture
def arrival():
    with StrictWorld("arrival") as world:
        yield world


@pytest.fixture
def steps():
    """The machine whose steps Hypothesis draws; its own checks follow each of ours."""
    machine = Arrival()
    yield machine
    machine.teardown()


def test_run_that_starts_while_reconcile_lists_by_hand_is_found_by_the_next(arrival):
    """With no grace, the sweep of executions went past what its list did not show yet."""
    arrival.fate = lambda _: []

    def lands() -> None:
        arrival.land("incoming/a.jsonl")
        arrival.drain()

    arrival.faults.when("stepfunctions", "list_executions", afterwards(lands), nth=2)
    assert arrival.reconcile(0).ok
    assert arrival.running() != []
    assert arrival.settle() == []


def test_failure_that_comes_after_its_redrive_has_begun_does_not_take_the_row_back(steps):
    """Found without the ledger's condition."""
    steps.lands(key="incoming/a.jsonl", copies=1, late=0)
    steps.landings_are_delivered(order=0, plan=[], fates=[])
    steps.end(statuses=["FAILED"], fates=[(700,)])
    steps.is_redriven(pick=0, fates=[(0,)])
    steps.statuses_are_delivered(order=0, plan=[])
    steps.time_passes(seconds=700)
    steps.statuses_are_delivered(order=0, plan=[])
    assert violations(steps.world) == []
