"""Figures that the README quotes hold, and one that cannot be right fails the command."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest
from benchmarks import ROOT
from benchmarks import __main__ as command
from benchmarks.measuring import Figure

RESULTS = json.loads(command.RESULTS.read_text(encoding="utf-8"))


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


def test_one_suite_is_measured_again_and_an_insane_figure_fails_the_command(
    tmp_path, monkeypatch, capsys
):
    results = tmp_path / "quick.json"
    results.write_text(json.dumps({"warm": {"title": "Warm"}}), encoding="utf-8")
    figures = [Figure("a figure", "x", [1.0, 2.0, 3.0], (0, 1)), Figure("another", "x", [1.0])]
    suite = SimpleNamespace(TITLE="Invented", run=lambda quick, scratch: figures)
    monkeypatch.setitem(sys.modules, "benchmarks.invented", suite)
    monkeypatch.setattr(command, "SUITES", ("warm", "invented"))
    monkeypatch.setattr(command, "SCRATCH", tmp_path)
    monkeypatch.setattr(command, "QUICK", results)

    assert command.main(["--quick", "invented"]) == 1

    assert "this cannot be right: invented, a figure" in capsys.readouterr().err
    written = json.loads(results.read_text(encoding="utf-8"))
    assert written["warm"] == {"title": "Warm"}
    figure = {"median": 2.0, "low": 1.0, "high": 3.0, "unit": "x"}
    assert written["invented"]["figures"]["a figure"] == figure
