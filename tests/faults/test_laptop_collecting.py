"""Landings that collect until a tick, on the laptop's AWS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from landrun_ops.local.errors import FunctionError

from .laptop import PUT, Stack, eventually
from .thorough import THOROUGH

pytestmark = pytest.mark.skipif(not THOROUGH, reason="takes half a minute: make faults runs it")

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    started = Stack(tmp_path_factory.mktemp("collecting"), StartOn="schedule")
    yield started
    started.close()


@pytest.fixture(scope="module")
def dues() -> Iterator[datetime]:
    """The times at which the schedule fires, a day apart."""
    first = datetime(2026, 11, 22, 3, tzinfo=UTC)
    return (first + number * DAY for number in range(1000))


def recorded(stack: Stack, versions: dict[str, str]) -> None:
    """Wait until the newest version of each key waits, and nothing else."""
    eventually(
        lambda: {one["key"]: one["version_id"] for one in stack.waiting_landings()} == versions
    )


@pytest.mark.case(17)
def test_what_landed_since_the_last_tick_is_one_run_over_the_newest_versions(
    stack: Stack, dues: Iterator[datetime]
) -> None:
    # Given three objects, one overwritten twice, and no run
    due, next_due = next(dues), next(dues)
    landed = {name: stack.land(f"incoming/{name}", name) for name in "abc"}
    for body in ("second", "newest"):
        landed["b"] = stack.land("incoming/b", body)
    recorded(stack, {f"incoming/{name}": version for name, version in landed.items()})
    before = len(stack.executions())
    # When the schedule fires, and fires again for the same time
    first, again = stack.aws.tick(due), stack.aws.tick(due)
    # Then one run reads the three, the one of them as it is now
    assert first["Objects"] == 3
    assert again["ExecutionArn"] == first["ExecutionArn"]
    row = stack.ended(ScheduledTime=f"{due:%Y-%m-%dT%H:%M:%SZ}")
    assert (row["name"], row["status"]) == (first["PreprocessingJobName"], "SUCCEEDED")
    assert stack.read(row) == ["a", "c", "newest"]
    assert sorted(stack.manifest(row)[1:]) == ["incoming/a", "incoming/b", "incoming/c"]
    # and a tick over nothing starts none
    assert stack.aws.tick(next_due) == {"Objects": 0}
    assert len(stack.executions()) == before + 1


@pytest.mark.case(28)
def test_tick_killed_after_its_commit_is_finished_by_reconcile(
    stack: Stack, dues: Iterator[datetime]
) -> None:
    # Given a tick that dies when its manifest is written, and is not tried again
    version = stack.land("incoming/late", "late")
    recorded(stack, {"incoming/late": version})
    due, before = next(dues), len(stack.executions())
    with stack.laptop.held(PUT, nth=2):  # the list of landings comes first
        killed_when_held(stack, due)
    assert len(stack.executions()) == before
    # When
    mended = stack.aws.reconcile(grace_seconds=0)
    # Then its run is there, once, and nothing waits
    assert mended["Claims"] + mended["Manifests"] == 1
    row = stack.ended(ScheduledTime=f"{due:%Y-%m-%dT%H:%M:%SZ}")
    assert (row["status"], stack.read(row)) == ("SUCCEEDED", ["late"])
    assert stack.waiting_landings() == []
    assert len(stack.executions()) == before + 1
    # and neither the tick's retry nor another reconcile starts a second
    assert stack.aws.tick(due)["PreprocessingJobName"] == row["name"]
    assert set(stack.aws.reconcile(grace_seconds=0).values()) == {0}
    assert len(stack.executions()) == before + 1


def killed_when_held(stack: Stack, due: datetime) -> None:
    def kill() -> None:
        eventually(stack.laptop.is_holding)
        stack.laptop.worker("schedule").kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(FunctionError, match="Runtime exited"):
        stack.aws.tick(due)
    killer.join()
