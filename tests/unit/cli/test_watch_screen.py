"""What `landrun watch` draws: it fits any screen, misses nothing that matters, obeys no text."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landrun_ops.cli.activity_json import document, line
from landrun_ops.cli.activity_screen import View, screen
from landrun_ops.cli.console import console
from landrun_ops.stack.activity import Backlog, Depth, Queues, Tick
from landrun_ops.stack.recent_runs import Activity, Known
from landrun_ops.stack.waiting_executions import Line, Waiter

NOW = datetime(2026, 11, 22, 19, 54, 32, tzinfo=UTC)
QUIET = Queues(
    {"landings": Depth(0, 0), "statuses": Depth(0, 0)},
    dict.fromkeys(("landings", "ticks", "statuses"), 0),
)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def run(n: int, status: str, started: float, stopped: float | None = None, **more: Any) -> Known:
    key = f"incoming/2026/11/22/a rather long folder/messages of the day {n}.jsonl"
    row = {"trigger": {"Kind": "object-created", "Key": key}, "duration_seconds": 3.5} | more
    name = f"landrun-{n:032x}"
    return Known(
        name,
        status,
        ago(started),
        None if stopped is None else ago(stopped),
        {**row, "name": name, "status": status},
    )


def activity(running: Iterable[Known] = (), ended: Iterable[Known] = ()) -> Activity:
    runs, ends = tuple(running), tuple(ended)
    return Activity(runs, False, ends, tuple(one.started for one in (*runs, *ends)), whole=True)


def view(**more: Any) -> View:
    given = {"queues": QUIET, "backlog": None, "activity": activity()} | more
    return View("landrun-prod", "eu-central-1", "arrival", NOW, **given)


def drawn(of: View, width: int = 80, height: int = 24) -> list[str]:
    file = io.StringIO()
    paper = Screen(
        file=file, width=width, height=height, markup=False, emoji=False, highlight=False
    )
    paper.print(screen(of, width, height, "Ctrl-C ends"))
    return [text.rstrip() for text in file.getvalue().splitlines()]


BUSY = view(
    queues=Queues(
        {"landings": Depth(1200, 30), "statuses": Depth(4, 0)},
        {"landings": 1, "ticks": 0, "statuses": 3},
    ),
    backlog=Backlog(8000, 20, ago(65), more=True),
    backlog_seen=ago(40),
    waits=True,
    tick=Tick("cron(0 3 * * ? *)", datetime(2026, 11, 23, 3, tzinfo=UTC)),
    activity=activity(
        [run(n, "RUNNING", 4000 - n) for n in range(40)],
        [
            run(
                100,
                "FAILED",
                50,
                9,
                exit_message="no column is called text, which one is it?",
            )
        ]
        + [run(101 + n, "SUCCEEDED", 400 + n, 100 + n) for n in range(40)],
    ),
    troubles=("queues as of 12 s ago: ThrottlingException",),
)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (132, 24), (200, 50)])
@pytest.mark.parametrize("of", [BUSY, view(), view(queues=None, activity=None)])
def test_it_fits_the_screen(of: View, width: int, height: int) -> None:
    lines = drawn(of, width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert lines[-1] == "Ctrl-C ends"


def test_a_busy_stack_at_80_columns() -> None:
    text = "\n".join(drawn(BUSY))
    for words in (
        "! queues as of 12 s ago: ThrottlingException",
        "landed        1,200 on their way, 30 being taken",
        "waiting       at least 8,000 landings, the oldest for 1 min 05 s, 20 being",
        "next tick     Mon 03:00 UTC, in 7 h 05 min",
        "to record     4 changes",
        "dead letters  1 landing, 3 statuses: landrun redrive",
        "running 40, the longest first",
        "1 h 06 min",
        "9 s ago  ✗ FAILED: no column is called text",
    ):
        assert words in text
    assert "and 39 more" in text


def test_a_wide_screen_has_more_of_everything() -> None:
    lines = drawn(BUSY, 200, 50)
    listed = [text for text in lines if "messages of the day" in text]
    assert len(listed) > 30
    assert "✓ 3.5 s" in lines[-10]
    assert any("which one is it?  …" in text for text in lines)  # and of which file
    assert "20 being taken (40 s ago)" in "\n".join(lines)


def test_counts_and_the_rate_are_of_the_right_spans() -> None:
    ended = [run(n, "SUCCEEDED", 200, 100) for n in range(10)] + [run(99, "ABORTED", 3000, 2000)]
    lines = drawn(view(activity=activity([run(200, "RUNNING", 10)], ended)))
    rows = {
        text.split()[0]: text.split()[1:]
        for text in lines
        if text[:6] in ("starte", "succee", "failed")
    }
    assert rows == {
        "started": ["11", "12", "2.2"],
        "succeeded": ["10", "10", "2.0"],
        "failed": ["0", "1", "0"],
    }


def test_what_was_not_read_back_far_enough_is_at_least_so_many() -> None:
    part = replace(activity([run(1, "RUNNING", 10)]), whole=False, more_running=True)
    text = "\n".join(drawn(view(activity=part)))
    assert "≥ 1" in text
    assert "running 1 or more" in text


def test_a_quiet_stack_says_so() -> None:
    text = "\n".join(drawn(view()))
    assert "nothing on its way" in text
    assert "to record" not in text
    assert "dead letters  none" in text
    assert "none in the last hour" in text
    assert "next tick" not in text


def test_what_has_not_been_seen_yet_is_not_taken_for_nothing() -> None:
    lines = drawn(
        view(
            queues=None, activity=None, backlog=None, waits=True, tick=Tick("rate(5 minutes)", None)
        )
    )
    text = "\n".join(lines)
    assert "next tick     rate(5 minutes)" in text
    assert "waiting       …" in text
    assert "landed        …" in text
    assert "nothing" not in text
    assert "none" not in text


def test_no_text_of_a_run_reaches_the_terminal_as_it_is() -> None:
    evil = "a\x1b[2Jb\u202ec\nd"
    of = view(
        activity=activity(
            [run(1, "RUNNING", 5, trigger={"Kind": "object-created", "Key": evil})],
            [run(2, "FAILED", 9, 5, exit_message=evil), run(3, evil, 9, 5)],
        ),
        troubles=(f"runs: {evil}",),
    )
    for width in (80, 200):
        text = "\n".join(drawn(of, width))
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert r"a\x1b[2Jb\u202ec\nd" in text


LINED = view(
    bounded=True,
    line=Line(2, 2, (Waiter(f"landrun-{3:032x}", ago(60)), Waiter(f"landrun-{4:032x}", ago(50)))),
    activity=activity([run(n, "RUNNING", 100 - n) for n in range(1, 5)]),
)


@pytest.mark.parametrize("width", [80, 200])
def test_runs_in_line_are_counted_and_told_from_those_at_work(width: int) -> None:
    lines = drawn(LINED, width)
    text = "\n".join(lines)
    assert "turns         2 of 2 taken, 2 runs wait, the oldest for 1 min 00 s" in text
    assert "running 4, 2 of them in line" in text
    assert sum("waits its turn" in one for one in lines) == 2


def test_turns_are_shown_only_where_runs_are_bounded() -> None:
    assert "turns" not in "\n".join(drawn(view()))
    assert "turns         …" in "\n".join(drawn(view(bounded=True)))
    free = view(bounded=True, line=Line(5, 3))
    assert "turns         3 of 5 taken, nobody waits" in "\n".join(drawn(free))
    many = Line(1, 1, (Waiter("r", None),), more=True)
    assert "at least 1 run waits" in "\n".join(drawn(view(bounded=True, line=many)))


def test_json_and_lines_have_the_line_of_runs() -> None:
    found = document(LINED)
    assert found["turns"] == {
        "bound": 2,
        "taken": 2,
        "waiting": 2,
        "at_least": False,
        "oldest": "2026-11-22T19:53:32.000Z",
    }
    assert [one.get("place_in_line") for one in found["running"]] == [None, None, 1, 2]
    assert document(view())["turns"] is None
    assert "in line 2; running 4" in line(LINED)


# ---- Elsewhere than on a screen


def test_json_has_all_of_it_and_null_for_what_is_not_known() -> None:
    found = json.loads(json.dumps(document(BUSY)))
    assert found["landings"] == {"visible": 1200, "in_flight": 30}
    assert found["dead_letters"] == {"landings": 1, "ticks": 0, "statuses": 3}
    assert found["waiting"]["at_least"] is True
    assert found["waiting"]["oldest"] == "2026-11-22T19:53:27.000Z"
    assert found["next_tick"]["at"] == "2026-11-23T03:00:00.000Z"
    assert (len(found["running"]), len(found["ended"])) == (40, 20)
    assert found["running"][0]["seconds"] == 4000
    assert found["last"]["5min"] == {"started": 1, "succeeded": 40, "failed": 1}
    nothing = document(view(queues=None, activity=None))
    assert {nothing[name] for name in ("landings", "running", "last", "waiting", "next_tick")} == {
        None
    }


def test_a_line_stays_the_same_while_nothing_changes() -> None:
    later = replace(
        BUSY, now=NOW + timedelta(seconds=2), troubles=(BUSY.troubles[0].replace("12", "14"),)
    )
    assert line(BUSY) == line(later)
    assert line(view()) == "landed 0; running 0; last hour 0 succeeded, 0 failed; dead letters none"
    assert "queues not up to date: ThrottlingException" in line(BUSY)
    assert "waiting at least 8,000" in line(BUSY)
