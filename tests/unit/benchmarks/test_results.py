"""What results.json says besides figures, and that the README's table is made of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from benchmarks import __main__ as command
from benchmarks import table
from benchmarks.measuring import Aim, Figures, Options, Row, interleaved, ratios

ROOT = Path(command.__file__).parents[1]
README = ROOT / "README.md"
SUITES: dict[str, Any] = json.loads(table.RESULTS.read_text(encoding="utf-8"))["suites"]
AIMED = Row("a case", "a figure", 2.0, "s", 1.0, 3.0, 3, Aim("<=", 1.5), key=True)


def test_the_readme_has_the_table_of_the_results() -> None:
    assert table.main([str(README), "--check"]) == 0


def test_a_table_with_another_figure_is_noticed_and_written_anew(tmp_path: Path) -> None:
    page, text = tmp_path / "README.md", README.read_text(encoding="utf-8")
    page.write_text(text.replace("≤ 1.25: met", "≤ 1.25: surely met"), encoding="utf-8")

    assert table.main([str(page), "--check"]) == 1
    assert table.main([str(page)]) == 0
    assert page.read_text(encoding="utf-8") == text


def test_every_suite_has_figures() -> None:
    assert tuple(SUITES) == command.SUITES
    assert all(suite["rows"] for suite in SUITES.values())


@pytest.mark.parametrize("name", command.SUITES)
def test_a_suite_names_its_machine_and_the_versions_of_all_that_it_compares(name: str) -> None:
    suite = SUITES[name]

    assert all(word in suite["machine"] for word in ("cores", "GiB", "Python"))
    assert set(suite["versions"]) == {one for names in command.PACKAGES.values() for one in names}


def test_versions_are_those_that_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PACKAGES", {sys.prefix: ("aws-lambda-powertools", "polars")})
    names = ("aws-lambda-powertools", "polars")

    assert command._versions() == {name: metadata.version(name) for name in names}


def test_a_suite_that_is_measured_again_leaves_the_others_as_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(options: Options) -> Iterator[Row]:
        assert options.quick
        yield AIMED

    monkeypatch.setitem(sys.modules, "benchmarks.invented", SimpleNamespace(TITLE="One", run=run))
    monkeypatch.setattr(command, "SUITES", ("warm", "invented"))
    monkeypatch.chdir(tmp_path)
    other = {"title": "Warm", "machine": "another", "rows": []}
    command.QUICK.parent.mkdir(parents=True)
    command.QUICK.write_text(json.dumps({"suites": {"warm": other}}), encoding="utf-8")

    assert command.main(["--quick", "invented"]) == 0

    suites = json.loads(command.QUICK.read_text(encoding="utf-8"))["suites"]
    assert suites["warm"] == other
    assert [Row.from_json(row) for row in suites["invented"]["rows"]] == [AIMED]
    assert suites["invented"]["rows"][0]["met"] is False
    assert table.markdown({"suites": suites}).splitlines()[2:] == [
        "| a case | a figure | 2 s (1 to 3) | ≤ 1.5: not met |",
        "",
        f"Measured on another; {suites['invented']['machine']}.",
    ]


def test_ways_take_turns_and_are_divided_round_by_round() -> None:
    order: list[str] = []
    ways = {name: lambda name=name: order.append(name) or float(len(order)) for name in "ab"}

    found = interleaved(ways, 3)

    assert order == ["a", "b"] * 3
    assert found == {"a": [1, 3, 5], "b": [2, 4, 6]}
    assert ratios(found["b"], found["a"]) == Figures(4 / 3, 6 / 5, 2.0, 3)
