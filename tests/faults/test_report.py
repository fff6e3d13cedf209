"""The table of `make faults`: made of what the runs counted, and able to come out wrong."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from . import report
from .report import Figures

README = f"# landrun\n\nbefore\n\n{report.BEGIN}\nstale\n{report.END}\n\nafter\n"


@pytest.fixture
def good() -> Figures:
    """What a run counts in which all went as it must."""
    return Figures(
        landings=1000,
        superseded=40,
        events=2345,
        executions=Counter({1: 960}),
        notifications=Counter({1: 30}),
        told_twice=1,
        dead_lettered=7,
        poison=7,
        mending=[900.0, 700.0, 1500.0],
        faults=Counter({"throttled": 200, "killed": 50}),
        examples=100,
        steps=4000,
    )


@pytest.fixture
def runs(tmp_path, good):
    """``runs(arrival=…)`` leaves figures of both modes in a folder; good ones, but for those."""

    def leave(**different: Figures) -> str:
        for mode in report.MODES:
            report.leave(tmp_path / "runs", f"soak-{mode}", mode, different.get(mode, good))
        return str(tmp_path / "runs")

    return leave


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def readme(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(README, encoding="utf-8")
    return path


def test_runs_in_which_all_is_as_it_must_be_end_with_0(runs, capsys):
    assert report.main([runs()]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert [row.label for row in report.ROWS if row.label not in shown.out] == []


@pytest.mark.parametrize(
    ("wrong", "label"),
    [
        ({"executions": Counter({0: 1, 1: 959})}, "landed versions lost"),
        ({"executions": Counter({0: 1, 1: 959})}, "per landed version"),
        ({"executions": Counter({1: 959, 2: 1})}, "per landed version"),
        ({"executions": Counter()}, "per landed version"),
        ({"wrong_rows": 1}, "wrong terminal rows"),
        ({"notifications": Counter({1: 29, 0: 1})}, "notifications per run"),
        ({"notifications": Counter({1: 29, 2: 1})}, "notifications per run"),
        ({"notifications": Counter()}, "runs that failed"),
        ({"dead_lettered": 8}, "dead-lettered"),
        ({"dead_lettered": 6}, "dead-lettered"),
        ({"poison": 0, "dead_lettered": 0}, "poison"),
        ({"mending": []}, "time to reconcile"),
        ({"faults": Counter()}, "faults injected"),
        ({"events": 0}, "events delivered"),
        ({"landings": 0}, "versions landed"),
        ({"examples": 0}, "examples run"),
        ({"steps": 0}, "steps"),
        ({"violations": 1}, "violations"),
    ],
)
@pytest.mark.parametrize("mode", report.MODES)
def test_each_wrong_figure_is_named_and_ends_with_1(runs, good, readme, capsys, mode, wrong, label):
    folder = runs(**{mode: replace(good, **wrong)})
    assert report.main([folder, "--readme", str(readme)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if label in line and f"in mode {mode}" in line]
    assert readme.read_text(encoding="utf-8") == README


def test_a_mode_that_did_not_run_is_not_well(runs, capsys):
    folder = runs()
    Path(folder, "soak-schedule.json").unlink()
    assert report.main([folder]) == 1
    assert "versions landed: 0 in mode schedule" in capsys.readouterr().err


def test_figures_of_several_runs_add_up(tmp_path, good):
    for name in ("one", "two"):
        report.leave(tmp_path, name, "arrival", replace(good, executions=Counter({0: 1, 1: 2})))
    found = report.collected(tmp_path)["arrival"]
    assert (found.landings, found.executions) == (2000, Counter({0: 2, 1: 4}))
    assert found.mending == good.mending * 2
    assert found.faults == Counter({"throttled": 400, "killed": 100})


def test_figures_survive_their_file(tmp_path, good):
    report.leave(tmp_path, "one", "schedule", good)
    assert report.collected(tmp_path)["schedule"] == good


def test_a_row_says_what_was_counted(good):
    shown = report.table(dict.fromkeys(report.MODES, good))
    assert shown["versions landed"][:2] == ("1,000", "1,000")
    assert shown["time to reconcile a lost end, p50 / max, simulated s"][0] == "900 / 1,500"
    assert shown["faults injected"][0] == "50 killed, 200 throttled"
    mixed = replace(good, executions=Counter({0: 1, 1: 5, 3: 1}))
    wrong = report.table({**dict.fromkeys(report.MODES, good), "schedule": mixed})
    assert wrong["executions (schedule: manifests) per landed version"][:2] == ("1", "0 to 3")


def test_the_table_lands_between_the_markers_and_is_found_right_there(runs, readme):
    assert report.main([runs(), "--readme", str(readme)]) == 0
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("# landrun\n\nbefore\n\n<!-- faults:begin -->\n| ")
    assert text.endswith("|\n<!-- faults:end -->\n\nafter\n")
    assert "stale" not in text
    assert report.main(["--check", str(readme)]) == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("| landed versions lost | 0 | 0 |", "| landed versions lost | 0 | 1 |"),
        ("| landed versions lost | 0 | 0 |", "| landed versions lost | 0 |  |"),
        ("| landed versions lost | 0 | 0 |", "| landed versions lost | 0 |"),
        ("| wrong terminal rows | 0 | 0 | 0 |\n", ""),
        ("| dead-lettered | 7 | 7 |", "| dead-lettered | 7 | 8 |"),
        ("| 1 | 1 | 1 |", "| 1 to 2 | 1 | 1 |"),
        ("| 1 | 1 | 1 |", "| 1 to 2 | 1 | 1 to 2 |"),
        ("| versions landed |", "| landings |"),
        ("| runs that failed | 30 |", "| runs that failed | 0 |"),
        (report.END, ""),
        (report.BEGIN, f"{report.BEGIN}\n{report.BEGIN}"),
    ],
)
def test_a_readme_that_says_otherwise_is_found_out(runs, readme, capsys, before, after):
    report.main([runs(), "--readme", str(readme)])
    text = readme.read_text(encoding="utf-8")
    assert before in text
    readme.write_text(text.replace(before, after), encoding="utf-8")
    capsys.readouterr()
    assert report.main(["--check", str(readme)]) == 1
    assert capsys.readouterr().err


def test_a_readme_without_markers_is_left_as_it_is(runs, readme, capsys):
    readme.write_text("# landrun\n", encoding="utf-8")
    assert report.main([runs(), "--readme", str(readme)]) == 1
    assert "faults:begin" in capsys.readouterr().err
    assert readme.read_text(encoding="utf-8") == "# landrun\n"


def test_what_is_left_is_plain_json(tmp_path, good):
    report.leave(tmp_path, "one", "arrival", good)
    [path] = tmp_path.iterdir()
    assert json.loads(path.read_text(encoding="utf-8"))["figures"]["executions"] == {"1": 960}


def test_the_readme_has_the_rows_of_the_report_with_figures_as_they_must_be(root):
    shown = report.table_of((root / "README.md").read_text(encoding="utf-8"))
    assert report.problems(shown) == []
