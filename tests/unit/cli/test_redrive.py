"""`landrun redrive` and `reconcile`: dead letters are explained and sent back, events recovered."""

import io
import json
from contextlib import nullcontext
from unittest.mock import Mock

import pytest

from landrun.errors import ConfigurationError
from landrun_ops import cli
from landrun_ops.actions import redrive
from landrun_ops.actions.invoke import FunctionError
from landrun_ops.actions.redrive import Outcome
from landrun_ops.cli.target import Target
from landrun_ops.stack.dead_letters import DeadLetter, Why
from landrun_ops.stack.stack import Stack

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
SCHEDULE = "arn:aws:scheduler:us-east-1:123456789012:schedule/group/tick"
TICK = {"ScheduleArn": SCHEDULE, "ScheduledTime": "2026-11-22T03:00:00Z"}
RECONCILE = {**TICK, "ScheduleArn": f"{SCHEDULE}-reconcile"}
NOTHING_SAID = "nothing says why: if it was tried, the functions' log does"
OUTPUTS = {"ScheduleFunction": "stack-Schedule-1", "ReconcileFunction": "stack-Rec-1"}


def landing(key, **attributes):
    event = {"detail": {"bucket": {"name": "b"}, "object": {"key": key, "version-id": "v"}}}
    return DeadLetter(key, "handle", json.dumps(event), attributes)


def failed(function, payload, error="no such bucket"):
    """A record of an invocation that failed (Lambda developer guide, "Destinations")."""
    record = {
        "requestContext": {"functionArn": f"{FUNCTION}{function}:$LATEST"},
        "requestPayload": payload,
        "responsePayload": {"errorMessage": error, "errorType": "ServiceError"},
    }
    return DeadLetter(f"{function} {payload} {error}", "handle", json.dumps(record))


def undelivered(function="f", payload=TICK):
    """What EventBridge Scheduler could not deliver (its user guide, "Configuring a DLQ")."""
    said = {"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "Lack of permissions"}
    said["TARGET_ARN"] = f"{FUNCTION}{function}"
    return DeadLetter(json.dumps(payload), "handle", json.dumps(payload), said)


@pytest.mark.parametrize(
    ("message", "why", "reason", "subject"),
    [
        (landing("k", Reason="bad\x1b"), Why.REFUSED, "bad\\x1b", "k"),
        (undelivered(), Why.UNDELIVERED, "NO_PERMISSIONS: Lack of", "tick of 2026-11-22T03:00:00Z"),
        (failed("f", {}), Why.FUNCTION, "ServiceError: no such bucket", "f"),
        (landing("k"), Why.FAILED, NOTHING_SAID, "k"),
        (DeadLetter("1", "h", "no JSON"), Why.FAILED, NOTHING_SAID, "no JSON"),
    ],
)
def test_reason_and_subject_are_read_whoever_sent_the_message(message, why, reason, subject):
    assert message.why is why
    assert message.reason.startswith(reason)
    assert message.subject.startswith(subject)


def holding(*messages):
    """Make a queue of which these messages are received; ``messages`` are those not deleted."""
    held = {one.id: one for one in messages}
    queue = Mock(messages=held, held=lambda **_: nullcontext(held))
    queue.delete.side_effect = len
    return queue


def test_messages_that_could_not_be_saved_are_not_deleted(tmp_path):
    (tmp_path / "exists").write_text("mine")
    queue = holding(landing("a", Reason="bad"))
    with pytest.raises(ConfigurationError, match="nothing was deleted"):
        redrive.discard(queue, tmp_path / "exists")
    queue.delete.assert_not_called()
    assert (tmp_path / "exists").read_text() == "mine"


def task(status, moved, started):
    count = {"ApproximateNumberOfMessagesMoved": moved, "FailureReason": "AccessDenied"}
    return {"Status": status, "StartedTimestamp": started, **count}


OLD, DONE, RUNNING = task("COMPLETED", 5, 1), task("COMPLETED", 9, 2), task("RUNNING", 4, 2)


@pytest.mark.parametrize(
    ("moves", "started", "last"),
    [
        pytest.param([OLD, OLD, RUNNING, DONE], 1, Outcome(9), id="not an older one"),
        pytest.param([RUNNING, DONE], 0, Outcome(9), id="under way already"),
        ([{}, task("FAILED", 0, 2)], 1, Outcome(0, ["SQS ended as FAILED: AccessDenied"])),
    ],
)
def test_a_move_is_followed_to_its_end(moves, started, last):
    sqs = Mock()
    sqs.list_message_move_tasks.side_effect = [{"Results": [one]} for one in moves]
    assert list(redrive.move(Mock(client=lambda _: sqs), "Landing", Mock()))[-1] == last
    assert sqs.start_message_move_task.call_count == started


@pytest.mark.parametrize(
    ("function", "payload", "fails", "done", "calls"),
    [
        ("stack-Schedule-1", TICK, False, 3, 3),
        ("stack-Rec-1", RECONCILE, False, 3, 1),  # one reconcile does for all, unless it fails
        ("stack-Rec-1", RECONCILE, True, 0, 3),
        ("another", {}, False, 0, 0),
    ],
)
def test_calls_of_the_schedules_are_repeated_and_stay_if_they_fail(
    monkeypatch, function, payload, fails, done, calls
):
    invoke = Mock(side_effect=FunctionError("failed again") if fails else None)
    monkeypatch.setattr(redrive, "invoke", invoke)
    messages = [failed(function, payload, error) for error in "ab"]
    queue = holding(*messages, undelivered(function, payload))
    *_, last = redrive.call_again(Stack("s", "eu", OUTPUTS, {}, Mock()), queue)
    assert [made.args[2:] for made in invoke.call_args_list] == [(function, payload)] * calls
    assert (last.done, len(last.failed)) == (done, 3 - done)
    assert (queue.delete.call_count, len(queue.messages)) == (done, 3 - done)


def test_reconcile_invokes_the_function_once_and_counts_what_it_recovered(
    monkeypatch, capsys, load_event
):
    answers = [{"Statuses": 2, "Executions": 0, "Claims": 1}, {"Statuses": 0}]
    payloads = [{"Payload": io.BytesIO(json.dumps(one).encode())} for one in answers]
    function = Mock(invoke=Mock(side_effect=payloads))
    monkeypatch.setattr(
        Target, "find", lambda _: Stack("s", "eu", OUTPUTS, {}, lambda *_: function)
    )
    assert cli.run(["reconcile"]) == 0
    function.invoke.assert_called_once_with(FunctionName="stack-Rec-1", Payload="{}")
    assert cli.run(["reconcile", "--grace", "0"]) == 0
    assert capsys.readouterr().out == "recovered: Statuses 2, Claims 1\nnothing was lost\n"
    asked = json.loads(function.invoke.call_args.kwargs["Payload"])
    assert asked == load_event("reconcile-at-once")
