"""Schedule expressions against the times that AWS's documentation gives for them."""

from datetime import UTC, datetime

import pytest

from landrun_ops.stack.cron import ScheduleError, next_time

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)  # a Sunday


def following(expression, timezone="UTC", now=NOW):
    found = next_time(expression, timezone, NOW)(now)
    return found.strftime("%Y-%m-%dT%H:%M") if found else "never"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 3 * * ? *)", "2026-11-23T03:00"),
        ("cron(15 10 ? * 2-6 *)", "2026-11-23T10:15"),
        ("cron(0 12 ? * 1 *)", "2026-11-22T12:00"),
        ("cron(0 12 ? * 7 *)", "2026-11-28T12:00"),
        ("cron(/20 * * * ? *)", "2026-11-22T10:40"),
        ("cron(0 8 ? * 6L *)", "2026-11-27T08:00"),
        ("cron(0 8 ? * L *)", "2026-11-28T08:00"),
        ("cron(0 10,11 LW 2 ? *)", "2027-02-26T10:00"),
        ("cron(0 8 1 1 ? 2020)", "never"),
        ("rate(5 minutes)", "2026-11-22T10:35"),
        ("at(2026-12-24T18:00:00)", "2026-12-24T18:00"),
    ],
)
def test_an_expression_fires_next_at(expression, expected):
    assert following(expression) == expected


BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("expression", "timezone", "now", "expected"),
    [
        ("cron(30 2 * * ? *)", BERLIN, "2026-07-01T00:00", "2026-07-01T00:30"),
        # 2026-03-29 has no 02:30 in Berlin: skipped.
        ("cron(30 2 * * ? *)", BERLIN, "2026-03-28T12:00", "2026-03-30T00:30"),
        # 2026-10-25 has it twice: fires once, the first time.
        ("cron(30 2 * * ? *)", BERLIN, "2026-10-25T00:30", "2026-10-26T01:30"),
        ("at(2026-12-24T18:00:00)", BERLIN, "2026-11-22T10:30", "2026-12-24T17:00"),
        # The last weekday of January is over.
        ("cron(0 8 LW * ? *)", "UTC", "2027-01-30T00:00", "2027-02-26T08:00"),
        # A rate counts from its start.
        ("rate(7 minutes)", "UTC", "2026-11-23T10:31", "2026-11-23T10:32"),
    ],
)
def test_an_expression_counts_in_its_time_zone_and_from_now(expression, timezone, now, expected):
    assert following(expression, timezone, datetime.fromisoformat(f"{now}Z")) == expected


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("every day", r"is not cron\(…\), rate\(…\) or at\(…\)"),
        ("cron(0 3 * * *)", "has 5 fields, not 6"),
        ("cron(0 3 * * * *)", "exactly one of day-of-month and day-of-week"),
        ("cron(61 3 * * ? *)", "cannot be followed"),
        ("rate(0 minutes)", "give a number and minutes"),
    ],
)
def test_what_cannot_be_followed_is_refused(expression, says):
    with pytest.raises(ScheduleError, match=says):
        following(expression)
    with pytest.raises(ScheduleError, match="No time zone found with key Mars/Olympus"):
        following("rate(1 day)", "Mars/Olympus")
