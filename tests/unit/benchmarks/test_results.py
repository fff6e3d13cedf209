"""Results hold medians and spreads, and a figure that cannot be right fails the command."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest
from benchmarks import ROOT
from benchmarks import __main__ as command
from benchmarks.measuring import Figure, in_turns, ratios

RESULTS = json.loads(command.RESULTS.read_text(encoding="utf-8"))


def test_every_suite_has_medians_and_spreads_and_names_its_machine():
    assert tuple(RESULTS) == command.SUITES
    for suite in RESULTS.values():
        assert "cores" in suite["machine"]
        for figure in suite["figures"].values():
            assert set(figure) == {"median", "low", "high", "unit"}
            assert figure["low"] <= figure["median"] <= figure["high"]


@pytest.mark.parametrize(
    ("suite", "figure"),
    [
        ("cold_start", "cold start, object_created: whole first event ÷ bare boto3's"),
        ("cold_start", "cold start, object_created: notebook's ÷ ours, until the first start"),
        ("burst", "burst of 10,000 landings: ÷ the bound of the quota alone"),
        ("processing", "JSONL, 302 MB, Polars: time ÷ ours"),
        ("processing", "JSONL, 302 MB, pandas: time ÷ ours"),
    ],
)
def test_the_readmes_figures_are_those_of_the_results(suite, figure):
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split("## How fast", 1)[1]
    median = RESULTS[suite]["figures"][figure]["median"]
    assert f"**{median:.2f}**" in readme or f"**{median:.1f}**" in readme


@pytest.fixture
def suites(tmp_path, monkeypatch):
    """Two suites, one of which yields a figure of 2; returns where quick results go."""

    def run(quick, scratch):
        assert quick
        assert scratch.is_dir()
        yield Figure("a figure", "x", [1.0, 2.0, 3.0], sane)

    sane = (0.0, 10.0)
    suite = SimpleNamespace(TITLE="Invented", run=run)
    monkeypatch.setitem(sys.modules, "benchmarks.invented", suite)
    monkeypatch.setattr(command, "SUITES", ("warm", "invented"))
    monkeypatch.setattr(command, "SCRATCH", tmp_path)
    monkeypatch.setattr(command, "QUICK", tmp_path / "quick.json")
    return tmp_path / "quick.json"


def test_a_suite_that_is_measured_again_leaves_the_others_as_they_are(suites):
    suites.write_text(json.dumps({"warm": {"title": "Warm"}}), encoding="utf-8")

    assert command.main(["--quick", "invented"]) == 0

    written = json.loads(suites.read_text(encoding="utf-8"))
    assert list(written) == ["warm", "invented"]
    assert written["warm"] == {"title": "Warm"}
    figure = {"median": 2.0, "low": 1.0, "high": 3.0, "unit": "x"}
    assert written["invented"]["figures"] == {"a figure": figure}


def test_a_figure_that_cannot_be_right_fails_the_command(suites, monkeypatch, capsys):
    monkeypatch.setattr(Figure, "is_sane", False)

    assert command.main(["--quick", "invented"]) == 1
    assert "this cannot be right: invented, a figure" in capsys.readouterr().err


@pytest.mark.parametrize(("median", "sane"), [(0.5, False), (1.0, True), (2.5, False)])
def test_a_figure_is_sane_within_its_bounds(median, sane):
    assert Figure("one", "x", [0, median, 9], (1, 2)).is_sane is sane


def test_ways_take_turns_and_are_divided_round_by_round():
    order = []
    ways = {name: lambda name=name: order.append(name) or float(len(order)) for name in "ab"}

    found = in_turns(ways, 3)

    assert order == ["a", "b"] * 3
    assert ratios(found["b"], found["a"]) == [2 / 1, 4 / 3, 6 / 5]
