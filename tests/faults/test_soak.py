"""The soak: the same for the same seed, and loud about what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .soak import report
from .soak_world import Soaked, soak


@pytest.fixture(scope="module")
def lived() -> Soaked:
    """What a little soak of 30 landings comes to."""
    return soak("schedule", 30, seed=3)


def test_little_soak_has_bad_luck_and_loses_nothing(lived):
    assert lived.violations == []
    assert lived.landings == 30
    assert lived.faults["throttled"] > 0


def test_same_seed_gives_the_same_soak(lived):
    assert soak("schedule", 30, seed=3) == lived


def test_soak_ends_with_1_when_an_invariant_did_not_hold(lived, capsys):
    assert report("schedule", lived) == 0
    assert report("schedule", replace(lived, violations=["a.jsonl is in no manifest"])) == 1
    assert "a.jsonl is in no manifest" in capsys.readouterr().out
