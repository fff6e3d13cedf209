"""Files are followed stage by stage until each is recorded, refused, or waited for too long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from landrun.models.run_record import RunRecord
from landrun_ops.actions.demo import Journey, Stage, Stalled, follow
from records import record

Look = tuple[dict[str, dict[str, Any]], set[str], dict[str, str]]
"""Rows by key, names of runs with a Processing job, refusals by key."""


class FakeStack:
    """Shows one look after the other; the last one stays."""

    def __init__(self, *moments: Look) -> None:
        self._moments = chain(moments, repeat(moments[-1]))

    def runs(self) -> Iterator[RunRecord]:
        self.rows, self.jobs, self.refused = next(self._moments)
        return (
            record({"name": key, "trigger": {"Key": key}} | row) for key, row in self.rows.items()
        )

    def processing(self) -> frozenset[str]:
        return frozenset(self.jobs)

    def refusals(self) -> Mapping[str, str]:
        return self.refused


class FakeClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def _landed(*keys: str) -> list[Journey]:
    return [Journey(Path(key), key, key, stage=Stage.LANDED) for key in keys]


def _follow(journeys: list[Journey], stack: FakeStack, **limits: float) -> list[tuple[str, Any]]:
    clock = FakeClock()
    limits = {"patience": 10.0, "job_seconds": 0.0} | limits
    moved = follow(journeys, stack, clock=clock, sleep=clock.sleep, **limits)
    return [(journey.name, journey.stage) for journey in moved]


NOTHING: Look = ({}, set(), {})
RUNNING = {"status": "RUNNING"}
DONE = {"status": "SUCCEEDED", "job_name": "job"}


def test_a_file_goes_through_every_stage() -> None:
    stack = FakeStack(
        NOTHING,
        ({"a": RUNNING}, set(), {}),
        ({"a": RUNNING}, {"a"}, {}),
        ({"a": DONE}, {"a"}, {}),
    )
    assert _follow(_landed("a"), stack) == [
        ("a", Stage.STARTED),
        ("a", Stage.PROCESSING),
        ("a", Stage.RECORDED),
    ]


def test_stages_too_quick_to_be_seen_are_still_told() -> None:
    stages = [stage for _, stage in _follow(_landed("a"), FakeStack(({"a": DONE}, set(), {})))]
    assert stages == [Stage.STARTED, Stage.PROCESSING, Stage.RECORDED]


def test_a_run_that_failed_before_its_job_never_says_processing() -> None:
    failed = {"status": "FAILED", "error": "SageMaker.ResourceLimitExceededException"}
    (journey,) = journeys = _landed("a")
    stages = [stage for _, stage in _follow(journeys, FakeStack(({"a": failed}, set(), {})))]
    assert stages == [Stage.STARTED, Stage.RECORDED]
    assert journey.failure == "FAILED: SageMaker.ResourceLimitExceededException"


def test_a_refused_file_ends_with_the_reason_while_others_go_on() -> None:
    stack = FakeStack(
        ({}, set(), {"b": "the key holds a line break"}),
        ({"a": DONE}, set(), {"b": "the key holds a line break"}),
    )
    journeys = _landed("a", "b")
    _follow(journeys, stack)
    assert [journey.failure for journey in journeys] == [
        "",
        "REFUSED: the key holds a line break",
    ]


def test_a_file_that_nothing_happens_to_is_named_when_patience_ends() -> None:
    stack = FakeStack(({"a": DONE}, set(), {}))
    with pytest.raises(Stalled, match=r"1 not recorded, b is landed"):
        _follow(_landed("a", "b"), stack)


def test_a_job_may_take_its_time_limit_on_top() -> None:
    working: Look = ({"a": RUNNING}, {"a"}, {})
    slow = FakeStack(*[working] * 100, ({"a": DONE}, {"a"}, {}))
    assert _follow(_landed("a"), slow, job_seconds=60)[-1] == ("a", Stage.RECORDED)
    with pytest.raises(Stalled, match="a is processing"):
        _follow(_landed("a"), FakeStack(working), job_seconds=60)
