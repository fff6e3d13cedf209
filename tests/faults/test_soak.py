"""The soak: the same for the same seed, and loud about what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from . import report, soak, soak_world
from .report import Figures


@pytest.fixture
def soaked(monkeypatch, tmp_path):
    """``soaked(found, wrong)`` is the exit code of a soak whose processes came to that."""

    def end(found: Figures | None, wrong: list[str]) -> int:
        come = [(mode, found and found.to_json(), wrong) for mode in report.MODES]
        monkeypatch.setattr(soak, "soaked", lambda *_: iter(come))
        return soak.main(["--folder", str(tmp_path / "figures"), "--json"])

    return end


@pytest.fixture(scope="module")
def lived() -> Figures:
    """What a little soak of 40 landings comes to."""
    found, wrong = soak_world.soak("schedule", 40, 3, lambda _: None)
    assert wrong == []
    return found


def test_little_soak_has_bad_luck_and_loses_nothing(lived):
    assert lived.landings == 40
    assert lived.executions.keys() == {1}
    assert lived.faults["throttled"] > 0
    assert lived.events > 40


def test_same_seed_gives_the_same_figures(lived):
    assert soak_world.soak("schedule", 40, 3, lambda _: None) == (lived, [])


def test_soak_ends_with_1_when_an_invariant_did_not_hold(soaked, lived, capsys):
    well = replace(lived, notifications=report.Counter({1: 3}), poison=1, dead_lettered=1)
    well = replace(well, mending=[900.0])
    assert soaked(well, []) == 0
    assert json.loads(capsys.readouterr().out)["arrival"]["landings"] == 40
    assert soaked(replace(well, violations=1), ["a.jsonl is in no manifest"]) == 1
    assert "arrival: a.jsonl is in no manifest" in capsys.readouterr().err


def test_soak_whose_process_dies_ends_with_1(soaked):
    assert soaked(None, ["the process died"]) == 1


def test_what_a_soak_leaves_the_report_finds(soaked, lived, tmp_path):
    soaked(lived, [])
    assert report.collected(tmp_path / "figures") == dict.fromkeys(report.MODES, lived)
