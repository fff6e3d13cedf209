"""The shape of status events, against those of events/."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from landrun_ops.local.status_events import Publisher, detail, redriven

KB = 1024


def execution(**more: Any) -> Any:
    values = {
        "exec_arn": "arn:aws:states:us-east-1:123456789012:execution:m:run",
        "state_machine_arn": "arn:aws:states:us-east-1:123456789012:stateMachine:m",
        "name": "run",
        "sm_type": "STANDARD",
        "start_date": datetime(2026, 11, 22, 10, 0, 0, 123000, tzinfo=UTC),
        "stop_date": datetime(2026, 11, 22, 10, 1, tzinfo=UTC),
        "execution_input": "{}",
        "output": None,
        "error": None,
        "cause": None,
        "redrive_count": 0,
        "redrive_date": None,
    }
    return SimpleNamespace(**{**values, **more})


@pytest.mark.parametrize("status", ["running", "succeeded", "failed", "timed-out", "aborted"])
def test_every_field_of_awss_events_is_there(
    load_event: Callable[[str], dict[str, Any]], status: str
) -> None:
    body = json.loads(load_event(f"execution-{status}")["Records"][0]["body"])
    theirs = body["detail"]
    ours = detail(execution(output='"x"'), theirs["status"])
    assert set(theirs) <= set(ours)
    nullness = ("stopDate", "output", "outputDetails", "redriveStatusReason")
    assert {k: ours[k] is None for k in nullness if k in theirs} == {
        k: theirs[k] is None for k in nullness if k in theirs
    }
    assert ours["redriveStatus"] == theirs.get("redriveStatus", ours["redriveStatus"])


def test_dates_are_epoch_milliseconds() -> None:
    assert detail(execution(), "RUNNING")["startDate"] == 1795341600123


@pytest.mark.parametrize(
    ("given", "made", "kept"),
    [
        (10, 10, (True, True)),
        (200 * KB, 40 * KB, (True, True)),
        (200 * KB, 60 * KB, (False, True)),
        (10, 249 * KB, (True, False)),
        (249 * KB, 10, (False, True)),
        (249 * KB, 249 * KB, (False, False)),
    ],
)
def test_what_is_over_248_kb_is_left_out(given: int, made: int, kept: tuple[bool, bool]) -> None:
    told = detail(
        execution(execution_input=json.dumps("x" * given), output=json.dumps("y" * made)),
        "SUCCEEDED",
    )
    assert (told["inputDetails"]["included"], told["outputDetails"]["included"]) == kept
    assert (told["input"] is not None, told["output"] is not None) == kept


def test_only_the_failed_can_be_redriven() -> None:
    able = {
        status
        for status in ("RUNNING", "SUCCEEDED", "FAILED")
        if not redriven(execution(), status)["redriveStatusReason"]
    }
    assert able == {"FAILED"}


@pytest.mark.parametrize("status", ["running", "succeeded"])
def test_redrive_is_told_as_awss_events_tell_it(
    load_event: Callable[[str], dict[str, Any]], status: str
) -> None:
    body = json.loads(load_event(f"execution-{status}-redriven")["Records"][0]["body"])
    theirs = body["detail"]
    date = datetime.fromtimestamp(theirs["redriveDate"] / 1000, tz=UTC)
    ours = detail(execution(redrive_count=1, redrive_date=date), theirs["status"])
    told = ("redriveCount", "redriveDate", "redriveStatus", "redriveStatusReason")
    assert {name: ours[name] for name in told} == {name: theirs[name] for name in told}


def test_event_that_cannot_be_delivered_is_logged_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_: Any, status: str) -> None:
        raise RuntimeError(status)

    with caplog.at_level(logging.ERROR):
        Publisher(broken)(execution(), "FAILED")
    assert "status event not delivered" in caplog.text


def test_express_workflows_and_closed_publishers_send_nothing() -> None:
    sent: list[str] = []
    publish = Publisher(lambda _, status: sent.append(status))
    publish(execution(sm_type="EXPRESS"), "RUNNING")
    publish(execution(), "RUNNING")
    publish.close()
    publish(execution(), "SUCCEEDED")
    assert sent == ["RUNNING"]
