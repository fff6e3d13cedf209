"""Sizes as people read them."""

from __future__ import annotations

_UNITS = ("kB", "MB", "GB", "TB")


def size_text(count: float) -> str:
    """Spell a size in bytes.

    >>> [size_text(count) for count in (17, 12_300, 4_500_000_000)]
    ['17 bytes', '12.3 kB', '4.5 GB']
    """
    if count < 1000:  # noqa: PLR2004
        return "1 byte" if count == 1 else f"{count:.0f} bytes"
    power = 1
    while count >= 999.95 * 1000**power and power < len(_UNITS):  # what would be 1000.0
        power += 1
    return f"{count / 1000**power:.1f} {_UNITS[power - 1]}"
