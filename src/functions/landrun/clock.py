"""The time, for whoever is not given another clock."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Tell the time in UTC."""
    return datetime.now(UTC)
