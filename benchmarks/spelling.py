"""How the page about scale spells times, numbers, shares, and rows that are alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.bills import DAY


def time(seconds: float | None) -> str:
    """Spell a time.

    >>> time(None), time(60), time(5400), time(200000)
    ('–', '1 min', '1.5 h', '2.3 d')
    """  # noqa: RUF002 - a dash for nothing
    if seconds is None:
        return "–"  # noqa: RUF001
    if seconds < 3600:  # noqa: PLR2004
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < DAY else f"{seconds / DAY:.1f} d"


def rounded(number: float, digits: int = 3) -> str:
    """Spell a number with the digits that a simulation is good for.

    >>> rounded(144_602_494), rounded(5_523, 2), rounded(0)
    ('145,000,000', '5,500', '0')
    """
    return f"{float(f'{number:.{digits}g}'):,.0f}"


def floored(number: float) -> str:
    """Spell a number of which no more is to be promised than is there: two digits, rounded down.

    >>> floored(5_760), floored(1_041_945), floored(100)
    ('5,700', '1,000,000', '100')
    """
    digit = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return f"{number // digit * digit:,.0f}"


def part(share: float) -> str:
    """Spell a share of a day's objects.

    >>> part(0.25), part(0.00006), part(0)
    ('25.0%', 'under 0.1%', '0.0%')
    """
    return "under 0.1%" if 0 < share < 0.001 else f"{max(share, 0):.1%}"  # noqa: PLR2004


def folded(rows: Sequence[Sequence[str]], mode: int) -> list[Sequence[str]]:
    """Make one row of neighbours that differ in nothing but the mode.

    >>> folded([("1", "arrival", "no"), ("1", "arrival, in turn", "no")], 1)
    [('1', 'arrival; in turn', 'no')]
    """
    found: list[Sequence[str]] = []
    for row in rows:
        *_, last = [(), *found]
        if last and [*last[:mode], *last[mode + 1 :]] == [*row[:mode], *row[mode + 1 :]]:
            both = f"{last[mode]}; {row[mode].removeprefix(f'{last[mode]}, ')}"
            found[-1] = (*row[:mode], both, *row[mode + 1 :])
        else:
            found.append(row)
    return found
