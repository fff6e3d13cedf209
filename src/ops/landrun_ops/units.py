"""Counts, spans of time and sizes as people write and read them."""

import re
from datetime import UTC, datetime, timedelta

from landrun.errors import ConfigurationError
from landrun.sanitize import shown

_AGO = re.compile(r"(\d{1,5})([smhdw])")
_SIZES = ("kB", "MB", "GB", "TB")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def since(text: str, now: datetime) -> datetime:
    """Read a relative time such as ``30m``, or a timestamp of ISO 8601, which is in UTC by default.

    Raises ConfigurationError when it is neither, or is in the future.

    >>> since("2d", datetime(2026, 11, 22, tzinfo=UTC)).isoformat()
    '2026-11-20T00:00:00+00:00'
    """
    text = text.strip()
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--since {shown(text)} is not a time: write 30m, 12h, 2d, 4w or 2026-11-22T03:00:00Z"
        ) from error
    found = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    if found > now:
        raise ConfigurationError(f"--since {shown(text)} is in the future: write a time before now")
    return found


def count(number: int, thing: str) -> str:
    """Spell how many things there are.

    >>> [count(1, "landing"), count(1_200, "landing")]
    ['1 landing', '1,200 landings']
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def spelled(seconds: float) -> str:
    """Spell a span in its two largest units.

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
