"""Counts, spans of time and sizes as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from landrun.errors import ConfigurationError
from landrun.sanitize import shown

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_SIZES = ("kB", "MB", "GB", "TB")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def since(text: str, now: datetime) -> datetime:
    """Read the beginning of a span that ends now.

    Raises ConfigurationError when it is neither, or is in the future.

    Parameters
    ----------
    text : str
        A relative time such as ``90s``, ``30m``, ``12h``, ``2d`` or ``4w``, or a timestamp of ISO
        8601, in UTC unless it names an offset.
    now : datetime
        The present, aware.

    Examples
    --------
    >>> since("2d", datetime(2026, 11, 22, tzinfo=UTC)).isoformat()
    '2026-11-20T00:00:00+00:00'
    """
    found = _ago(text, now) or _time(text)
    if found is None:
        raise ConfigurationError(
            f"--since {shown(text)} is not a time: write 30m, 12h, 2d, 4w or 2026-11-22T03:00:00Z"
        )
    if found > now:
        raise ConfigurationError(f"--since {shown(text)} is in the future: write a time before now")
    return found


def _ago(text: str, now: datetime) -> datetime | None:
    match = _AGO.fullmatch(text.strip())
    if not match:
        return None
    try:
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def count(number: int, thing: str) -> str:
    """Spell how many things there are.

    >>> [count(1, "landing"), count(1_200, "landing")]
    ['1 landing', '1,200 landings']
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def spelled(seconds: float) -> str:
    """Spell a span in its two largest units.

    Examples
    --------
    >>> [spelled(seconds) for seconds in (0.42, 7.6, 83, 3840, 180000)]
    ['0.4 s', '7.6 s', '1 min 23 s', '1 h 04 min', '2 d 02 h']
    """
    if seconds < 59.95:  # noqa: PLR2004  (what would be written as 60.0)
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for large, small, words in ((86400, 3600, "d h"), (3600, 60, "h min"), (60, 1, "min s")):
        if whole >= large:
            unit, smaller = words.split()
            return f"{whole // large} {unit} {whole % large // small:02d} {smaller}"
    return f"{whole} s"


def size_text(size: float) -> str:
    """Spell a size in bytes.

    >>> [size_text(size) for size in (17, 12_300, 4_500_000_000)]
    ['17 bytes', '12.3 kB', '4.5 GB']
    """
    if size < 1000:  # noqa: PLR2004
        return count(int(size), "byte")
    power = 1
    while size >= 999.95 * 1000**power and power < len(_SIZES):  # what would be 1000.0
        power += 1
    return f"{size / 1000**power:.1f} {_SIZES[power - 1]}"
