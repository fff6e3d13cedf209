"""What a benchmark yields, and how ways are measured side by side."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Options:
    """How to run a suite.

    ``quick`` asks for figures within 15 seconds; ``scratch`` is a folder for what a suite writes,
    removed afterwards; ``progress`` tells whoever waits.
    """

    quick: bool
    scratch: Path
    progress: Callable[[str], None]


@dataclass(frozen=True)
class Aim:
    """What a value should be."""

    sign: Literal["<=", ">="]
    bound: float

    def met(self, value: float) -> bool:
        """Say whether a value is as it should be."""
        return value <= self.bound if self.sign == "<=" else value >= self.bound

    def __str__(self) -> str:
        return f"{'≤' if self.sign == '<=' else '≥'} {self.bound:g}"


@dataclass(frozen=True)
class Row:
    """One figure: a median with its spread.

    Attributes
    ----------
    case, figure
        What was measured, and what of it.
    value, unit
        The median of the repetitions.
    low, high
        The least and the most of them; None for what does not vary, as counts.
    aim
        What the value should be, if anything was aimed at.
    note
        What a reader must know to take the figure for what it is.
    key
        Whether it stands in the README's table.
    """

    case: str
    figure: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    repetitions: int = 1
    aim: Aim | None = None
    note: str = ""
    key: bool = False

    def to_json(self) -> dict[str, Any]:
        """Give what ``results.json`` holds of it."""
        aim = None if self.aim is None else {"sign": self.aim.sign, "bound": self.aim.bound}
        return {**vars(self), "aim": aim, "met": self.aim and self.aim.met(self.value)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Row:
        """Read what `to_json` gave."""
        fields = {name: value for name, value in found.items() if name != "met"}
        return cls(**{**fields, "aim": found["aim"] and Aim(**found["aim"])})


class Suite(Protocol):
    """A module of this package that measures."""

    TITLE: str

    def run(self, options: Options) -> Iterator[Row]:
        """Yield figures as they are measured."""


@dataclass
class Figures:
    """Median and spread of some samples: ``Row(…, **Figures.of(samples).parts())``."""

    value: float
    low: float
    high: float
    repetitions: int = field(default=1)

    @classmethod
    def of(cls, samples: Sequence[float]) -> Figures:
        """Sum samples up."""
        return cls(statistics.median(samples), min(samples), max(samples), len(samples))

    def parts(self) -> dict[str, Any]:
        """Give them by the names of `Row`'s attributes."""
        return vars(self).copy()


def interleaved(
    ways: Mapping[str, Callable[[], float]],
    repetitions: int,
    told: Callable[[str], None] = lambda _: None,
) -> Samples:
    """Measure ways in turn, A B C A B C …, so that a machine's moods meet them all alike.

    Parameters
    ----------
    ways
        By name, what measures once and gives its figure.
    repetitions
        How many rounds.
    told
        Is told each figure, for whoever waits.
    """
    samples: Samples = {name: [] for name in ways}
    for number in range(repetitions):
        for name, measure in ways.items():
            samples[name].append(measure())
            told(f"{name} {number + 1}/{repetitions}: {samples[name][-1]:.4g}")
    return samples


def ratios(samples: Sequence[float], over: Sequence[float]) -> Figures:
    """Divide round by round: what shared a round shared its noise."""
    return Figures.of([a / b for a, b in zip(samples, over, strict=True)])
