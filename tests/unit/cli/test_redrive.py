"""`landrun redrive`: why messages are dead letters, and what becomes of them."""

from __future__ import annotations

import io
import json
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from landrun.errors import ConfigurationError
from landrun_ops import cli
from landrun_ops.actions.redrive import Outcome, call_again, discard, move
from landrun_ops.cli.target import Target
from landrun_ops.stack.dead_letters import DeadLetter, DeadLetterQueue, Why, grouped
from landrun_ops.stack.stack import Stack

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
SCHEDULE = "arn:aws:scheduler:us-east-1:123456789012:schedule/group/tick"
TICK = {"ScheduleArn": SCHEDULE, "ScheduledTime": "2026-11-22T03:00:00Z"}
RECONCILE = {**TICK, "ScheduleArn": f"{SCHEDULE}-reconcile"}
NOTHING_SAID = "nothing says why: if it was tried, the functions' log does"
SOURCE = {"DeadLetterQueueSourceArn": "arn:aws:sqs:us-east-1:123456789012:landings"}
OUTPUTS = {
    "LandingDeadLetterQueueUrl": "landings",
    "ScheduleDeadLetterQueueUrl": "schedule",
    "StatusDeadLetterQueueUrl": "statuses",
    "LandingDeadLetterQueueArn": "source",
    "LandingQueueArn": "destination",
    "ScheduleFunction": "stack-Schedule-1",
    "ReconcileFunction": "stack-Rec-1",
    "ScheduleArn": SCHEDULE,
}


def landing(key: str, **attributes: str) -> DeadLetter:
    event = {"detail": {"bucket": {"name": "b"}, "object": {"key": key, "version-id": "v"}}}
    return DeadLetter(key, "handle", json.dumps(event), attributes)


def failed(function: str, payload: Any, error: str = "no such bucket") -> DeadLetter:
    """A record of an invocation that failed (Lambda developer guide, "Destinations")."""
    record = {
        "requestContext": {"functionArn": f"{FUNCTION}{function}:$LATEST"},
        "requestPayload": payload,
        "responsePayload": {"errorMessage": error, "errorType": "ServiceError"},
    }
    return DeadLetter(f"{function} {payload} {error}", "handle", json.dumps(record))


def undelivered(payload: Any = TICK) -> DeadLetter:
    said = {"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "Lack of permissions"}
    return DeadLetter(json.dumps(payload), "handle", json.dumps(payload), said)


# ---- Why, and what about


@pytest.mark.parametrize(
    ("message", "why", "reason", "subject"),
    [
        pytest.param(landing("k", Reason="b\x1b"), Why.REFUSED, "b\\x1b", "k", id="ours"),
        pytest.param(
            undelivered(),
            Why.UNDELIVERED,
            "NO_PERMISSIONS: Lack of permissions",
            "tick of 2026-11-22T03:00:00Z",
            id="EventBridge's",
        ),
        pytest.param(
            failed("f", {}), Why.FUNCTION, "ServiceError: no such bucket", "f", id="Lambda's"
        ),
        pytest.param(landing("k", **SOURCE), Why.FAILED, "failed each time", "k", id="SQS's"),
        pytest.param(landing("k"), Why.FAILED, NOTHING_SAID, "k", id="somebody's"),
        pytest.param(
            DeadLetter("1", "h", '{"detail": {"name": "run-1"}}'), Why.FAILED, "", "run-1", id="run"
        ),
        pytest.param(
            DeadLetter("1", "h", "odd\x1b"), Why.FAILED, NOTHING_SAID, "odd\\x1b", id="odd"
        ),
    ],
)
def test_whoever_sent_a_message_its_reason_and_subject_are_read(
    message: DeadLetter, why: Why, reason: str, subject: str
) -> None:
    assert (message.why, message.subject) == (why, subject)
    assert message.reason.startswith(reason)


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        '{"detail": 1, "requestContext": [], "responsePayload": "x"}',
        '{"detail": {"object": [], "bucket": {"name": 1}, "name": {}}, "requestPayload": [1]}',
        "[" * 100_000,
    ],
)
def test_a_message_of_any_body_has_a_reason_and_names_no_object(body: str) -> None:
    message = DeadLetter("1", "h", body, {"TARGET_ARN": ""})
    assert (message.landing, message.function) == (("", "", ""), "")
    assert message.reason == NOTHING_SAID
    assert len(message.subject) <= 200


def test_the_same_reason_for_other_keys_is_one_group() -> None:
    keys = ["incoming/a//b", "incoming/../c", "incoming/d//\x1b[2J"]
    refused = [landing(key, Reason=f"the key {key} has an empty component") for key in keys]
    groups = grouped([landing("k"), *refused])
    assert [(group.reason, len(group.messages)) for group in groups] == [
        ("the key KEY has an empty component", 3),
        (NOTHING_SAID, 1),
    ]


# ---- A queue, and a stack


class FakeSqs:
    """A queue that hides what was received until it is released, and moves that end at once."""

    def __init__(self, *messages: DeadLetter, hides: bool = True) -> None:
        self.visible = deque(messages)
        self.held: dict[str, DeadLetter] = {}
        self.deleted: list[str] = []
        self.hides = hides
        self.undeletable = ""
        self.moves: deque[dict[str, Any]] = deque()
        self.started = 0

    def receive_message(self, **how: Any) -> dict[str, Any]:
        received = [self.visible.popleft() for _ in range(min(10, len(self.visible)))]
        self.held |= {one.id: one for one in received}
        if not self.hides:
            self.visible += received
        return {"Messages": [_message(one) for one in received]} if received else {}

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessagesNotVisible": str(len(self.held))}}

    def change_message_visibility_batch(self, **asked: Any) -> None:
        assert len(asked["Entries"]) <= 10
        assert all(entry["VisibilityTimeout"] == 0 for entry in asked["Entries"])
        again = [self.held.pop(entry["ReceiptHandle"]) for entry in asked["Entries"]]
        self.visible += again if self.hides else []

    def delete_message_batch(self, **asked: Any) -> dict[str, Any]:
        assert len(asked["Entries"]) <= 10
        handles = [entry["ReceiptHandle"] for entry in asked["Entries"]]
        refused = [one for one in handles if one == self.undeletable]
        self.deleted += [self.held.pop(one).id for one in handles if one not in refused]
        return {"Failed": [{"Id": "0"} for _ in refused]}

    def start_message_move_task(self, **_: Any) -> None:
        self.started += 1

    def list_message_move_tasks(self, **_: Any) -> dict[str, Any]:
        now = self.moves.popleft()
        return {"Results": [now] if now else []}


def _message(message: DeadLetter) -> dict[str, Any]:
    attributes = {name: {"StringValue": value} for name, value in message.attributes.items()}
    return {
        "MessageId": message.id,
        "ReceiptHandle": message.id,
        "Body": message.body,
        "MessageAttributes": attributes,
        "Attributes": {"SentTimestamp": "1795335331000"},
    }


class FakeLambda:
    """Takes calls; those of the function ``failing`` fail."""

    def __init__(self, failing: str = "") -> None:
        self.calls: list[Any] = []
        self.failing = failing

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        self.calls.append((FunctionName, json.loads(Payload)))
        fails = {"FunctionError": "Unhandled"} if FunctionName == self.failing else {}
        return {"Payload": io.BytesIO(b"{}"), **fails}


def stack(**clients: Any) -> Stack:
    return Stack("s", "us-east-1", OUTPUTS, {}, lambda service, *_: clients[service])


@pytest.mark.parametrize("hides", [True, False], ids=["hidden", "visible again meanwhile"])
def test_a_look_reads_each_message_once_and_releases_it(hides: bool) -> None:
    sqs = FakeSqs(*(landing(f"k{n}", Reason="bad") for n in range(25)), hides=hides)
    found = DeadLetterQueue(sqs, "url").peek()
    assert [one.reason for one in found] == ["bad"] * 25
    assert found[0].attributes["SentTimestamp"] == "1795335331000"
    assert (len(sqs.visible), sqs.held, sqs.deleted) == (25, {}, [])
    assert 10 <= len(DeadLetterQueue(sqs, "url").peek(most=10)) < 25


def test_a_dry_run_says_what_is_there_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sqs = FakeSqs(*(landing(f"incoming/{n}\x1b", Reason="bad") for n in range(5)), landing("k"))
    sqs.held["elsewhere"] = landing("elsewhere")
    monkeypatch.setattr(Target, "find", lambda _: stack(sqs=sqs))
    arguments = ["redrive", "--queue", "landings", "--dry-run"]
    assert cli.run(arguments) == 0
    said = capsys.readouterr().out
    for words in ("6 dead-letter messages", "5 refused: bad", "1 failed: nothing", "1 in flight"):
        assert words in said
    assert said.replace("\n", "").isprintable()
    assert cli.run([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["queues"]["landings"]
    assert (found["messages"], found["refused"], found["in_flight"]) == (6, 5, 1)
    assert found["groups"][0]["subjects"][0] == "incoming/0\\x1b"
    assert (len(sqs.visible), sqs.deleted, sqs.started) == (6, [], 0)


def test_a_run_in_the_place_of_a_queue_is_told_what_repeats_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["redrive", "landrun-1"]) == 2
    assert "landrun rerun 'landrun-1' runs its input again" in capsys.readouterr().err


# ---- Discarding


def test_refused_messages_are_saved_then_deleted_and_the_others_stay(tmp_path: Path) -> None:
    refused = (landing(key, Reason="bad") for key in "ab")
    sqs, path = FakeSqs(*refused, landing("c"), undelivered()), tmp_path / "f"
    sqs.undeletable = "b"
    outcomes = discard({"q": DeadLetterQueue(sqs, "url")}, path)
    assert outcomes == {"q": Outcome(1, ["1 are still there"])}
    saved = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(one["queue"], one["message_id"]) for one in saved] == [("q", "a"), ("q", "b")]
    assert saved[0]["attributes"]["Reason"] == "bad"
    assert json.loads(saved[0]["body"])["detail"]["object"]["key"] == "a"
    assert (sqs.deleted, len(sqs.visible)) == (["a"], 2)


def test_what_was_not_saved_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "exists").write_text("mine")
    for path in (tmp_path / "exists", tmp_path / "exists" / "f"):
        sqs = FakeSqs(landing("a", Reason="bad"))
        with pytest.raises(ConfigurationError, match="nothing was deleted"):
            discard({"landings": DeadLetterQueue(sqs, "url")}, path)
        assert (sqs.deleted, len(sqs.visible), sqs.held) == ([], 1, {})
    assert (tmp_path / "exists").read_text() == "mine"


# ---- Sending back


def task(status: str, moved: int, started: int, **more: Any) -> dict[str, Any]:
    count = {"ApproximateNumberOfMessagesMoved": moved}
    return {"Status": status, "StartedTimestamp": started, **count, **more}


OLD = task("COMPLETED", 5, 1)


@pytest.mark.parametrize(
    ("shown", "started", "last"),
    [
        pytest.param(
            [OLD, OLD, task("RUNNING", 4, 2), task("COMPLETED", 9, 2)],
            1,
            Outcome(9),
            id="not an older one",
        ),
        pytest.param(
            [task("RUNNING", 1, 1), task("COMPLETED", 9, 1)], 0, Outcome(9), id="under way already"
        ),
        pytest.param(
            [{}, {}, task("FAILED", 0, 1, FailureReason="AccessDenied")],
            1,
            Outcome(0, ["SQS ended as FAILED: AccessDenied"]),
            id="failed",
        ),
    ],
)
def test_a_move_is_followed_to_its_end(shown: list[Any], started: int, last: Outcome) -> None:
    sqs = FakeSqs()
    sqs.moves.extend(shown)
    assert list(move(stack(sqs=sqs), "Landing", lambda _: None))[-1] == last
    assert sqs.started == started


@pytest.mark.parametrize(
    ("messages", "failing", "outcome", "calls"),
    [
        pytest.param(
            [failed("stack-Schedule-1", TICK), undelivered()],
            "",
            Outcome(2),
            [("stack-Schedule-1", TICK)] * 2,
            id="a tick with its own payload",
        ),
        pytest.param(
            [failed("stack-Schedule-1", TICK, str(n)) for n in range(3)],
            "stack-Schedule-1",
            Outcome(0, ["tick of 2026-11-22T03:00:00Z: ScheduleFunction failed: Error: "] * 3),
            [("stack-Schedule-1", TICK)] * 3,
            id="what fails again is tried once",
        ),
        pytest.param(
            [*(failed("stack-Rec-1", RECONCILE, n) for n in "ab"), undelivered(RECONCILE)],
            "",
            Outcome(3),
            [("stack-Rec-1", RECONCILE)],
            id="one reconcile does for all",
        ),
        pytest.param(
            [failed("another", TICK), DeadLetter("1", "h", "odd")],
            "",
            Outcome(
                0,
                [
                    "tick of 2026-11-22T03:00:00Z: it is for no function of this stack",
                    "odd: it is for no function of this stack",
                ],
            ),
            [],
            id="another stack's",
        ),
    ],
)
def test_calls_of_the_schedules_are_repeated_and_stay_if_they_fail(
    messages: list[DeadLetter], failing: str, outcome: Outcome, calls: list[Any]
) -> None:
    sqs, functions = FakeSqs(*messages), FakeLambda(failing)
    *_, last = call_again(stack(**{"lambda": functions}), DeadLetterQueue(sqs, "url"))
    assert (last, functions.calls) == (outcome, calls)
    assert (len(sqs.deleted), len(sqs.visible)) == (outcome.done, len(messages) - outcome.done)
