"""The figures of the fault suite: added up from its runs, judged, shown, put into the README.

Each run (a soak, a state machine of Hypothesis) leaves one JSON file with what it counted. Nothing
here is typed: a figure is made of those counts, and one that must have a value is compared with it.

    PYTHONPATH=tests python -m faults.report [FOLDER] [--readme README.md | --check README.md]

Exit codes: 0 all is as it must be, 1 a figure is not (or the README is not what the runs say).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(".landrun/faults")
BEGIN, END = "<!-- faults:begin -->", "<!-- faults:end -->"
MODES = ("arrival", "schedule")
NOTHING = "-"
SOME = "> 0"

Table = dict[str, tuple[str, ...]]
"""By the row's label: one value a mode, then what it must be."""


@dataclass
class Figures:
    """What one run counted, or several added up.

    Attributes
    ----------
    landings, superseded : int
        Versions that landed; and those of them that a newer one replaced before its tick.
    executions : counter
        How many landed versions, not superseded, had 0, 1, 2… executions (manifests, in schedule).
    wrong_rows : int
        Executions that ended whose row does not say so, or says otherwise.
    notifications : counter
        How many runs that failed had 0, 1, 2… notifications, those of `told_twice` not counted.
    told_twice : int
        Notifications sent again: nobody lived, or was let, to mark the first as sent.
    dead_lettered, poison : int
        Messages in the dead-letter queues; and poison messages that were sent.
    mending : list of float
        Simulated seconds from each loss to its mending.
    faults : counter
        Faults that were injected, by kind.
    """

    landings: int = 0
    superseded: int = 0
    events: int = 0
    executions: Counter[int] = field(default_factory=Counter)
    wrong_rows: int = 0
    notifications: Counter[int] = field(default_factory=Counter)
    told_twice: int = 0
    dead_lettered: int = 0
    poison: int = 0
    mending: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    examples: int = 0
    steps: int = 0
    violations: int = 0

    def __add__(self, other: Figures) -> Figures:
        mine, theirs = vars(self), vars(other)
        return Figures(**{name: mine[name] + theirs[name] for name in mine})

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_json(cls, counted: Mapping[str, Any]) -> Figures:
        """Read what `to_json` made; JSON has made strings of the counters' numbers."""
        given = dict(counted)
        for name in ("executions", "notifications"):
            given[name] = Counter({int(times): n for times, n in given[name].items()})
        return cls(**given | {"faults": Counter(given["faults"])})


class Row(NamedTuple):
    """One row of the table: what it shows and, where that is not free, what it must be.

    ``must_be`` is the value itself, ``=`` and the label of the row that it must be equal to, or
    `SOME`: a run in which nothing happened shows nothing.
    """

    label: str
    shown: Callable[[Figures], str]
    must_be: str = ""


def number(value: float) -> str:
    return f"{value:,.0f}"


def each(times: Counter[int]) -> str:
    """Say how often each had it: ``1``, or ``0 to 2`` where they differ."""
    counts = sorted(n for n, many in times.items() if many)
    if not counts:
        return NOTHING
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def median_and_longest(seconds: list[float]) -> str:
    if not seconds:
        return NOTHING
    ranked = sorted(seconds)
    return f"{number(ranked[(len(ranked) - 1) // 2])} / {number(ranked[-1])}"


def by_kind(faults: Counter[str]) -> str:
    return ", ".join(f"{number(n)} {kind}" for kind, n in sorted(faults.items()) if n) or NOTHING


POISON = "poison messages sent"
ROWS = (
    Row("versions landed", lambda f: number(f.landings), SOME),
    Row("of them superseded before their tick", lambda f: number(f.superseded)),
    Row("events delivered", lambda f: number(f.events), SOME),
    Row("faults injected", lambda f: by_kind(f.faults), SOME),
    Row("executions (schedule: manifests) per landed version", lambda f: each(f.executions), "1"),
    Row("landed versions lost", lambda f: number(f.executions[0]), "0"),
    Row("wrong terminal rows", lambda f: number(f.wrong_rows), "0"),
    Row("runs that failed", lambda f: number(f.notifications.total()), SOME),
    Row("notifications per run that failed", lambda f: each(f.notifications), "1"),
    Row(
        "told once more, cut off between SNS's answer and its mark", lambda f: number(f.told_twice)
    ),
    Row(POISON, lambda f: number(f.poison), SOME),
    Row("dead-lettered", lambda f: number(f.dead_lettered), f"= {POISON}"),
    Row(
        "time to reconcile a lost end, p50 / max, simulated s",
        lambda f: median_and_longest(f.mending),
        SOME,
    ),
    Row("examples run by Hypothesis", lambda f: number(f.examples), SOME),
    Row("steps in them", lambda f: number(f.steps), SOME),
    Row("violations of an invariant", lambda f: number(f.violations), "0"),
)
SOAK = tuple(
    row for row in ROWS if row.label not in ("examples run by Hypothesis", "steps in them")
)
"""The rows that a soak alone has."""

HEAD = ("", *MODES, "must be")


def collected(folder: Path) -> dict[str, Figures]:
    """Add up what the runs left in a folder, by mode."""
    found = {mode: Figures() for mode in MODES}
    for path in sorted(folder.glob("*.json")):
        said = json.loads(path.read_text(encoding="utf-8"))
        found[said["mode"]] += Figures.from_json(said["figures"])
    return found


def leave(folder: Path, name: str, mode: str, figures: Figures) -> None:
    """Leave a run's figures for `collected`; one that is read meanwhile is never half there."""
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{name}.new"
    new.write_text(json.dumps({"mode": mode, "figures": figures.to_json()}), encoding="utf-8")
    new.replace(folder / f"{name}.json")


def table(found: Mapping[str, Figures], rows: Sequence[Row] = ROWS) -> Table:
    """Lay the figures out: for each row's label one value a mode, then what it must be."""
    return {row.label: (*(row.shown(found[mode]) for mode in MODES), row.must_be) for row in rows}


def problems(shown: Table, rows: Sequence[Row] = ROWS) -> list[str]:
    """Say of each figure that is not what it must be which one it is; the README's or the runs'."""
    if list(shown) != [row.label for row in rows]:
        return ["the rows are not those that the report makes: run make faults"]
    return [problem for row in rows for problem in _row_problems(row, shown)]


def _row_problems(row: Row, shown: Table) -> Iterator[str]:
    *values, must_be = shown[row.label]
    if len(values) != len(MODES) or must_be != row.must_be:
        yield f"{row.label}: not the row that the report makes: run make faults"
        return
    twin = row.must_be.removeprefix("= ")
    required = shown[twin] if twin != row.must_be else (row.must_be,) * len(MODES)
    for mode, value, right in zip(MODES, values, required, strict=False):
        nothing = value in {"", "0", NOTHING}
        if nothing if right == SOME else right not in {"", value}:
            yield f"{row.label}: {value or 'no value'} in mode {mode}, must be {right}"


def markdown(shown: Table) -> str:
    """Spell the table for the README."""
    rows = [(label, *values) for label, values in shown.items()]
    lines = [HEAD, ("---", *("--:" for _ in MODES), "---"), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_table(readme: str, spelled: str) -> str:
    """Put the table between the markers of a README.

    Raises
    ------
    ValueError
        When the markers are not there, or not once.
    """
    before, _, after = _parts(readme)
    return f"{before}{BEGIN}\n{spelled}\n{END}{after}"


def table_of(readme: str) -> Table:
    """Read the table that a README has between its markers.

    Raises
    ------
    ValueError
        When the markers are not there, or not once.
    """
    lines = [
        tuple(cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|"))
        for line in _parts(readme)[1].strip().splitlines()
    ]
    return {label: tuple(values) for label, *values in lines[2:]}


def _parts(readme: str) -> tuple[str, str, str]:
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError(f"the README must have {BEGIN} and {END}, once each")
    before, _, rest = readme.partition(BEGIN)
    between, _, after = rest.partition(END)
    return before, between, after


def show(shown: Table, rows: Sequence[Row] = ROWS) -> None:
    """Print the table, what is wrong in red."""
    from rich.console import Console  # noqa: PLC0415  (--check needs none)
    from rich.table import Table as Screen  # noqa: PLC0415

    screen = Screen(box=None, pad_edge=False, header_style="bold")
    screen.add_column(HEAD[0], no_wrap=True)
    for head in HEAD[1:]:
        screen.add_column(head, justify="left" if head == HEAD[-1] else "right")
    for row in rows:
        wrong = any(_row_problems(row, shown))
        screen.add_row(row.label, *shown[row.label], style="bold red" if wrong else "")
    Console(highlight=False, markup=False, width=_width()).print(screen)


def _width() -> int | None:
    return int(os.environ.get("COLUMNS", "0")) or (None if sys.stdout.isatty() else 160)


def main(arguments: list[str] | None = None) -> int:
    """Show the table; write it into a README, or check the one there."""
    parser = argparse.ArgumentParser(prog="report", description="The figures of the fault suite.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--readme", type=Path, help="write the table between its markers")
    parser.add_argument("--check", type=Path, help="check the table that a README has; runs none")
    chosen = parser.parse_args(arguments)
    try:
        return _checked(chosen.check) if chosen.check else _reported(chosen.folder, chosen.readme)
    except ValueError as error:
        return _said([str(error)])


def _checked(readme: Path) -> int:
    return _said(problems(table_of(readme.read_text(encoding="utf-8"))))


def _reported(folder: Path, readme: Path | None) -> int:
    shown = table(collected(folder))
    show(shown)
    wrong = problems(shown)
    if readme and not wrong:
        text = readme.read_text(encoding="utf-8")
        readme.write_text(with_table(text, markdown(shown)), encoding="utf-8")
    return _said(wrong)


def _said(wrong: list[str]) -> int:
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
