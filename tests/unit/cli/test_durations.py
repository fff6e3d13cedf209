"""Spans of time as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.units import since, spelled

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("90s", "2026-11-22T11:58:30"),
        ("30m", "2026-11-22T11:30:00"),
        ("12h", "2026-11-22T00:00:00"),
        ("4w", "2026-10-25T12:00:00"),
        ("2026-11-22", "2026-11-22T00:00:00"),
        ("2026-11-22T03:00:00Z", "2026-11-22T03:00:00"),
        ("2026-11-22T03:00:00+01:00", "2026-11-22T02:00:00"),
        ("999999w", "0001-01-01T00:00:00"),
    ],
)
def test_a_span_or_a_time_is_a_time_in_utc(text: str, time: str) -> None:
    assert since(text, NOW).isoformat() == f"{time}+00:00"


@pytest.mark.parametrize("text", ["", "yesterday", "2", "d", "-2d", "2 days", "1.5h", "2030-01-01"])
def test_what_is_no_time_of_the_past_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ConfigurationError, match="write"):
        since(text, NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (3599.6, "1 h 00 min")],
)
def test_a_span_is_spelled_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert spelled(seconds) == text
