"""`landrun redrive`: why messages are dead letters, and what becomes of them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from landrun.errors import ConfigurationError
from landrun_ops import cli
from landrun_ops.actions.invoke import FunctionError
from landrun_ops.actions.redrive import Move, Refiring, discard, move
from landrun_ops.cli.redrive import Contents, Queue, described, question, queue_lines
from landrun_ops.stack.dead_letters import DeadLetter, DeadLetterQueue, Why, grouped

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
SCHEDULE = "arn:aws:scheduler:us-east-1:123456789012:schedule/group/tick"
TICK = {"ScheduleArn": SCHEDULE, "ScheduledTime": "2026-11-22T03:00:00Z"}
RECONCILE = {**TICK, "ScheduleArn": f"{SCHEDULE}-reconcile"}
NOTHING_SAID = "nothing says why: if it was tried, the functions' log does"
SOURCE = {"DeadLetterQueueSourceArn": "arn:aws:sqs:us-east-1:123456789012:landings"}


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
        (landing("a b", Reason="bad\x1b"), Why.REFUSED, "bad\\x1b", "a b"),
        (
            undelivered(),
            Why.UNDELIVERED,
            "NO_PERMISSIONS: Lack of permissions",
            "tick of 2026-11-22T03:00:00Z",
        ),
        (failed("f", {}), Why.FUNCTION, "ServiceError: no such bucket", "f"),
        (landing("k", **SOURCE), Why.FAILED, "failed each time it was tried", "k"),
        (landing("k"), Why.FAILED, NOTHING_SAID, "k"),
        (DeadLetter("1", "h", '{"detail": {"name": "run-1"}}'), Why.FAILED, "", "run-1"),
        (DeadLetter("1", "h", "nonsense"), Why.FAILED, NOTHING_SAID, ""),
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
        "",
        "[]",
        '{"detail": 1, "requestContext": [], "responsePayload": "x"}',
        '{"detail": {"object": [], "bucket": {"name": 1}, "name": {}}, "ScheduledTime": 3}',
        '{"requestContext": {"functionArn": 7}, "requestPayload": [1]}',
        "[" * 100_000,
    ],
)
def test_any_message_can_be_shown(body: str) -> None:
    message = DeadLetter("1", "h", body, {"TARGET_ARN": ""})
    assert (message.subject, message.landing) == ("", ("", "", ""))
    assert all(line.isprintable() for line in queue_lines(Queue.SCHEDULE, Contents([message])))


def test_the_same_reason_for_other_keys_is_one_group() -> None:
    keys = ["incoming/a//b", "incoming/../c", "incoming/d//\x1b[2J"]
    refused = [landing(key, Reason=f"the key {key} has an empty component") for key in keys]
    groups = grouped([landing("k"), *refused])
    assert [(group.reason, len(group.messages)) for group in groups] == [
        ("the key KEY has an empty component", 3),
        (NOTHING_SAID, 1),
    ]


def test_a_queue_is_shown_with_reasons_subjects_and_what_is_in_flight() -> None:
    messages = [landing(f"incoming/{n}", Reason="bad") for n in range(5)]
    found = Contents([*messages, DeadLetter("x", "h", "non\x1b[2Jsense")], in_flight=2)
    assert list(queue_lines(Queue.LANDINGS, found)) == [
        "landings: 6 dead-letter messages, and 2 in flight",
        "     5 refused: bad",
        "       incoming/0, incoming/1, incoming/2, and 2 more",
        f"     1 {NOTHING_SAID}",
        "       non\\x1b[2Jsense",
        "  somebody has received them: run it again once they are back",
    ]
    assert (described(found)["in_flight"], described(found)["complete"]) == (2, False)
    there = {Queue.LANDINGS: messages, Queue.SCHEDULE: messages[:1], Queue.STATUSES: messages[:2]}
    assert question(there) == "Send 5 landings, 1 call of the schedule, 2 status changes back?"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["landrun-1"], "landrun rerun 'landrun-1' runs its input again"),
        (["--out", "x"], "--out is about --discard"),
    ],
)
def test_a_call_that_means_something_else_is_told_so(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["redrive", *arguments]) == 2
    assert words in capsys.readouterr().err


# ---- Receiving


class FakeSqs:
    """A queue that hides what was received until it is released."""

    def __init__(self, *messages: DeadLetter, hides: bool = True) -> None:
        self.visible = deque(messages)
        self.held: dict[str, DeadLetter] = {}
        self.deleted: list[str] = []
        self.hides = hides
        self.undeletable = ""

    def receive_message(self, MaxNumberOfMessages: int, **how: Any) -> dict[str, Any]:  # noqa: N803
        assert "DeadLetterQueueSourceArn" in how["MessageSystemAttributeNames"]
        count = min(MaxNumberOfMessages, len(self.visible))
        received = [self.visible.popleft() for _ in range(count)]
        self.held |= {one.id: one for one in received}
        if not self.hides:
            self.visible += received
        return {"Messages": [_message(one) for one in received]} if received else {}

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


def _message(message: DeadLetter) -> dict[str, Any]:
    attributes = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in message.attributes.items()
    }
    return {
        "MessageId": message.id,
        "ReceiptHandle": message.id,
        "Body": message.body,
        "MessageAttributes": attributes,
        "Attributes": {"SentTimestamp": "1795335331000"},
    }


@pytest.mark.parametrize("hides", [True, False], ids=["hidden", "visible again meanwhile"])
def test_a_look_reads_each_message_once_and_releases_it(hides: bool) -> None:
    sqs = FakeSqs(*(landing(f"k{n}", Reason="bad") for n in range(25)), hides=hides)
    found = DeadLetterQueue(sqs, "url").peek()
    assert [one.reason for one in found] == ["bad"] * 25
    assert str(found[0].sent_at) == "2026-11-22 08:15:31+00:00"
    assert (len(sqs.visible), sqs.held, sqs.deleted) == (25, {}, [])


def test_a_look_reads_no_more_than_it_is_asked_for() -> None:
    sqs = FakeSqs(*(landing(f"k{n}") for n in range(45)))
    assert 20 <= len(DeadLetterQueue(sqs, "url").peek(most=20)) < 45
    assert sqs.held == {}


# ---- Discarding


def test_refused_messages_are_saved_then_deleted_and_the_others_stay(tmp_path: Path) -> None:
    sqs, path = FakeSqs(landing("a", Reason="bad"), landing("b"), undelivered()), tmp_path / "f"
    assert discard({"landings": DeadLetterQueue(sqs, "url")}, path) == {"landings": 1}
    [line] = path.read_text(encoding="utf-8").splitlines()
    saved = json.loads(line)
    assert (saved["queue"], saved["message_id"], saved["reason"]) == ("landings", "a", "bad")
    assert json.loads(saved["body"])["detail"]["object"]["key"] == "a"
    assert (sqs.deleted, len(sqs.visible), sqs.held) == (["a"], 2, {})
    assert [one.name for one in tmp_path.iterdir()] == ["f"]


def test_what_was_not_saved_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "exists").write_text("mine")
    for path, words in (
        (tmp_path / "exists", "exists: name another"),
        (tmp_path / "exists" / "f", "nothing was deleted"),
    ):
        sqs = FakeSqs(landing("a", Reason="bad"))
        with pytest.raises(ConfigurationError, match=words):
            discard({"landings": DeadLetterQueue(sqs, "url")}, path)
        assert (sqs.deleted, len(sqs.visible), sqs.held) == ([], 1, {})
    assert (tmp_path / "exists").read_text() == "mine"


def test_what_sqs_does_not_delete_is_not_counted_and_no_file_is_made_of_nothing(
    tmp_path: Path,
) -> None:
    sqs = FakeSqs(landing("a", Reason="bad"), landing("b", Reason="bad"))
    sqs.undeletable = "b"
    assert discard({"q": DeadLetterQueue(sqs, "url")}, tmp_path / "f") == {"q": 1}
    assert discard({"q": DeadLetterQueue(FakeSqs(), "url")}, tmp_path / "g") == {"q": 0}
    assert [one.name for one in tmp_path.iterdir()] == ["f"]


# ---- Moving


class FakeMoves:
    """What ListMessageMoveTasks shows, one answer after the other."""

    def __init__(self, *shown: dict[str, Any] | None) -> None:
        self.shown = deque(shown)
        self.started = 0

    def start_message_move_task(self, SourceArn: str, DestinationArn: str) -> None:  # noqa: N803
        self.started += 1

    def list_message_move_tasks(self, **_: Any) -> dict[str, Any]:
        now = self.shown.popleft()
        return {"Results": [now] if now else []}


def task(status: str, moved: int, started: int, **more: Any) -> dict[str, Any]:
    count = {"ApproximateNumberOfMessagesMoved": moved}
    return {"Status": status, "StartedTimestamp": started, **count, **more}


@pytest.mark.parametrize(
    ("shown", "started", "last"),
    [
        (
            [task("COMPLETED", 5, 1)] * 2 + [task("RUNNING", 4, 2), task("COMPLETED", 9, 2)],
            1,
            Move("COMPLETED", 9, "", 2),
        ),
        ([task("RUNNING", 1, 1), task("COMPLETED", 9, 1)], 0, Move("COMPLETED", 9, "", 1)),
        (
            [None, None, task("FAILED", 0, 1, FailureReason="AccessDenied")],
            1,
            Move("FAILED", 0, "AccessDenied", 1),
        ),
    ],
    ids=["not an older one", "under way already", "failed"],
)
def test_a_move_is_followed_to_its_end(shown: list[Any], started: int, last: Move) -> None:
    moves = FakeMoves(*shown)
    assert list(move(moves, "source", "destination", lambda _: None))[-1] == last
    assert moves.started == started


# ---- Repeating calls of the schedule


def refired(
    *messages: DeadLetter, failing: Sequence[str] = (), hides: bool = True
) -> tuple[Any, FakeSqs, list[Any]]:
    sqs, calls = FakeSqs(*messages, hides=hides), list[Any]()

    def invoke(function: str, payload: dict[str, Any]) -> None:
        calls.append((function, payload))
        if function in failing:
            raise FunctionError(f"{function} failed: again")

    functions = {"stack-Schedule-1": "ScheduleFunction", "stack-Rec-1": "ReconcileFunction"}
    *_, last = Refiring(DeadLetterQueue(sqs, "url"), functions, SCHEDULE, invoke)()
    return last, sqs, calls


def test_a_tick_is_repeated_with_its_own_payload_and_its_message_deleted() -> None:
    message = failed("stack-Schedule-1", TICK)
    last, sqs, calls = refired(message, undelivered())
    assert calls == [("ScheduleFunction", TICK)] * 2
    assert (last.done, last.failed, sqs.deleted[0]) == (2, [], message.id)


@pytest.mark.parametrize("hides", [True, False], ids=["hidden", "visible again meanwhile"])
def test_what_fails_again_is_tried_once_and_stays_with_why(hides: bool) -> None:
    messages = [failed("stack-Schedule-1", TICK, str(n)) for n in range(3)]
    last, sqs, calls = refired(*messages, failing=["ScheduleFunction"], hides=hides)
    assert {why for _, why in last.failed} == {"ScheduleFunction failed: again"}
    assert (len(last.failed), len(calls), len(sqs.visible), sqs.deleted) == (3, 3, 3, [])


@pytest.mark.parametrize(
    ("failing", "done", "calls"), [([], 4, 1), (["ReconcileFunction"], 0, 4)], ids=["ok", "fails"]
)
def test_one_reconcile_that_succeeds_does_for_all(
    failing: list[str], done: int, calls: int
) -> None:
    messages = [failed("stack-Rec-1", RECONCILE, str(n)) for n in range(3)]
    last, _, made = refired(*messages, undelivered(RECONCILE), failing=failing)
    assert (last.done, len(made)) == (done, calls)


@pytest.mark.parametrize("message", [failed("another", TICK), DeadLetter("1", "h", "nonsense")])
def test_what_is_for_no_function_of_the_stack_stays(message: DeadLetter) -> None:
    last, sqs, calls = refired(message)
    assert (calls, sqs.deleted) == ([], [])
    assert last.failed[0][1] == "it is for no function of this stack"
