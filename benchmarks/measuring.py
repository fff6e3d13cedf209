"""Figures of a suite, and how to measure several ways alternately.

A suite is a module of this package with a ``TITLE`` and ``run(quick, scratch)``, which yields
figures; ``scratch`` is a folder that is removed later.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Figure:
    """One figure with its samples.

    ``sane`` is the range of medians on any machine; outside of it, something is broken.
    """

    name: str
    unit: str
    samples: Sequence[float]
    sane: tuple[float, float] = (0, math.inf)

    @property
    def is_sane(self) -> bool:
        least, largest = self.sane
        return least <= statistics.median(self.samples) <= largest

    def summary(self) -> dict[str, Any]:
        """Return the entry of ``results.json``: median, least and largest, to four digits."""
        low, high = min(self.samples), max(self.samples)
        three = {"median": statistics.median(self.samples), "low": low, "high": high}
        return {name: float(f"{value:.4g}") for name, value in three.items()} | {"unit": self.unit}


def in_turns(ways: Mapping[str, Callable[[], float]], rounds: int) -> Samples:
    """Measure ways alternately, A B C A B C, so that a busy moment affects them all."""
    samples: Samples = {name: [] for name in ways}
    for _ in range(rounds):
        for name, measure in ways.items():
            samples[name].append(measure())
    return samples


def ratios(samples: Sequence[float], over: Sequence[float]) -> list[float]:
    """Divide round by round, because samples of one round share the same noise."""
    return [one / other for one, other in zip(samples, over, strict=True)]
