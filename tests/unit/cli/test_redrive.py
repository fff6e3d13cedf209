"""Dead letters: why they are there, in whosever words, and what becomes of them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from landrun_ops.actions.invoke import FunctionError
from landrun_ops.actions.redrive import Firing, Move, move
from landrun_ops.cli.redrive_run import coming_back, question, queue_lines
from landrun_ops.stack.dead_letters import Letter, Letters, Why, grouped

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
SCHEDULE = "arn:aws:scheduler:us-east-1:123456789012:schedule/group/tick"
TICK = {"ScheduleArn": SCHEDULE, "ScheduledTime": "2026-11-22T03:00:00Z"}


def landing(load_event: Any, key: str = "", **attributes: str) -> Letter:
    [record] = load_event("object-created")["Records"]
    event = json.loads(record["body"])
    event["detail"]["object"]["key"] = key or event["detail"]["object"]["key"]
    return Letter(key, "handle", json.dumps(event), attributes)


def failed(function: str, payload: Any, error: str = "no such bucket") -> Letter:
    """A record of an invocation that failed (Lambda developer guide, "Destinations")."""
    record = {
        "version": "1.0",
        "requestContext": {
            "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
            "functionArn": f"{FUNCTION}{function}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": error, "errorType": "ServiceError"},
    }
    return Letter(f"{function} {payload} {error}", "handle", json.dumps(record))


def undelivered(payload: Any = TICK, **more: str) -> Letter:
    said = {"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "Lack of permissions", **more}
    return Letter(json.dumps(payload), "handle", json.dumps(payload), said)


# ---- why


def test_each_hand_that_writes_dead_letters_is_understood(load_event: Any) -> None:
    letters = [
        landing(load_event, Reason="the key is bad"),
        undelivered(),
        failed("f", TICK),
        landing(load_event),
    ]
    assert [(letter.why, letter.reason) for letter in letters] == [
        (Why.REFUSED, "the key is bad"),
        (Why.UNDELIVERED, "NO_PERMISSIONS: Lack of permissions"),
        (Why.FUNCTION, "ServiceError: no such bucket"),
        (Why.FAILED, ""),
    ]


def test_a_letter_says_what_it_is_about(load_event: Any) -> None:
    [record] = load_event("execution-failed")["Records"]
    run = json.loads(record["body"])["detail"]["name"]
    letters = [
        landing(load_event, "incoming/a b.jsonl"),
        undelivered(),
        failed("sweeper", {"GraceSeconds": 0}),
        Letter("1", "h", record["body"]),
        Letter("1", "h", "nonsense"),
    ]
    assert [letter.subject for letter in letters] == [
        "incoming/a b.jsonl",
        "tick of 2026-11-22T03:00:00Z",
        "sweeper",
        run,
        "",
    ]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        '{"detail": 1, "requestContext": [], "responsePayload": "x"}',
        '{"detail": {"object": [], "bucket": {"name": 1}, "name": {}}, "ScheduledTime": 3}',
        '{"requestContext": {"functionArn": 7}, "requestPayload": [1]}',
        "[" * 100_000,
    ],
)
def test_whatever_a_letter_holds_it_can_be_looked_at(body: str) -> None:
    letter = Letter("1", "h", body, {"TARGET_ARN": ""})
    assert (letter.subject, letter.landing) == ("", ("", "", ""))
    assert all(line.isprintable() for line in queue_lines("schedule", [letter]))


def test_the_same_reason_for_other_keys_is_one_group(load_event: Any) -> None:
    keys = ["incoming/a//b", "incoming/../c", "incoming/d//\x1b[2J"]
    refused = [
        landing(load_event, key, Reason=f"the key {key} has an empty component") for key in keys
    ]
    groups = grouped([landing(load_event), *refused])
    assert [(group.reason, len(group.letters)) for group in groups] == [
        ("the key KEY has an empty component", 3),
        ("", 1),
    ]


def test_what_is_there_is_said_with_its_reason_and_a_few_of_its_subjects(load_event: Any) -> None:
    letters = [landing(load_event, f"incoming/{n}", Reason="bad") for n in range(5)]
    lines = list(queue_lines("landings", [*letters, Letter("x", "h", "non\x1b[2Jsense")]))
    assert lines == [
        "landings: 6 dead letters",
        "     5 refused: bad",
        "       incoming/0, incoming/1, incoming/2, and 2 more",
        "     1 failed each time it was tried: the functions' log says why",
        "       non\\x1b[2Jsense",
    ]


def test_who_is_asked_knows_what_will_come_back(load_event: Any) -> None:
    there = {
        "landings": [landing(load_event, Reason="bad"), landing(load_event)],
        "statuses": [Letter("1", "h", "{}")],
    }
    assert question(there) == "Send 2 landings, 1 change of status back?"
    assert coming_back(there) == ["1 refused will come back: no retry mends them"]
    assert coming_back({"statuses": there["statuses"]}) == []


# ---- peeking


class FakeSqs:
    """A queue that hides what was received until it is let go of."""

    def __init__(self, *letters: Letter) -> None:
        self.visible = deque(letters)
        self.held: dict[str, Letter] = {}
        self.deleted: list[str] = []
        self.hides = True

    def receive_message(self, MaxNumberOfMessages: int, **how: Any) -> dict[str, Any]:  # noqa: N803
        count = min(MaxNumberOfMessages, len(self.visible))
        taken = [self.visible.popleft() for _ in range(count)]
        self.held |= {letter.id: letter for letter in taken}
        if not self.hides:
            self.visible += taken
        return {"Messages": list(map(_message, taken))} if taken else {}

    def change_message_visibility_batch(self, **asked: Any) -> None:
        entries = asked["Entries"]
        assert len(entries) <= 10
        assert all(entry["VisibilityTimeout"] == 0 for entry in entries)
        again = [self.held.pop(entry["ReceiptHandle"]) for entry in entries]
        self.visible += again if self.hides else []

    def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803
        self.deleted.append(self.held.pop(ReceiptHandle).id)


def _message(letter: Letter) -> dict[str, Any]:
    attributes = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in letter.attributes.items()
    }
    return {
        "MessageId": letter.id,
        "ReceiptHandle": letter.id,
        "Body": letter.body,
        "MessageAttributes": attributes,
        "Attributes": {"SentTimestamp": "1795335331000"},
    }


def test_what_is_looked_at_is_let_go_of(load_event: Any) -> None:
    sqs = FakeSqs(*(landing(load_event, f"k{n}", Reason="bad") for n in range(25)))
    found = Letters(sqs, "url").peek()
    assert [letter.reason for letter in found] == ["bad"] * 25
    assert found[0].sent_at == datetime(2026, 11, 22, 8, 15, 31, tzinfo=UTC)
    assert (len(sqs.visible), sqs.held, sqs.deleted) == (25, {}, [])


def test_letters_that_come_to_be_seen_again_meanwhile_do_not_keep_the_look_going(
    load_event: Any,
) -> None:
    sqs = FakeSqs(*(landing(load_event, f"k{n}") for n in range(25)))
    sqs.hides = False
    assert len(Letters(sqs, "url").peek()) == 25


def test_no_more_is_looked_at_than_is_asked_for(load_event: Any) -> None:
    sqs = FakeSqs(*(landing(load_event, f"k{n}") for n in range(45)))
    assert 20 <= len(Letters(sqs, "url").peek(most=20)) < 45
    assert sqs.held == {}


# ---- moving


class FakeMoves:
    """What ListMessageMoveTasks shows, one answer after the other."""

    def __init__(self, *shown: dict[str, Any] | None) -> None:
        self.shown = deque(shown)
        self.started = 0

    def start_message_move_task(self, SourceArn: str, DestinationArn: str) -> None:  # noqa: N803
        self.started += 1

    def list_message_move_tasks(self, **how: Any) -> dict[str, Any]:
        now = self.shown.popleft()
        return {"Results": [now] if now else []}


def task(status: str, moved: int, started: int, **more: Any) -> dict[str, Any]:
    counts = {"ApproximateNumberOfMessagesMoved": moved, "ApproximateNumberOfMessagesToMove": 9}
    return {"Status": status, "StartedTimestamp": started, **counts, **more}


def moved(moves: FakeMoves) -> list[Move]:
    return list(move(moves, "source", "destination", lambda _: None))


def test_a_move_is_followed_to_its_end_and_an_older_one_is_not_taken_for_it() -> None:
    old, steps = task("COMPLETED", 5, 1), [task("RUNNING", n, 2) for n in (0, 4)]
    moves = FakeMoves(old, old, *steps, task("COMPLETED", 9, 2))
    assert [(one.status, one.moved) for one in moved(moves)] == [
        ("RUNNING", 0),
        ("RUNNING", 4),
        ("COMPLETED", 9),
    ]
    assert moves.started == 1


def test_a_move_that_is_under_way_is_followed_and_no_second_one_begun() -> None:
    moves = FakeMoves(task("RUNNING", 1, 1), task("RUNNING", 2, 1), task("COMPLETED", 9, 1))
    assert moved(moves)[-1].status == "COMPLETED"
    assert moves.started == 0


def test_a_move_that_failed_says_why() -> None:
    moves = FakeMoves(None, None, task("FAILED", 0, 1, FailureReason="AccessDenied"))
    assert moved(moves) == [Move("FAILED", 0, 9, "AccessDenied", 1)]


# ---- firing again


def fired(
    *letters: Letter, failing: Sequence[str] = (), hides: bool = True
) -> tuple[Any, FakeSqs, list[Any]]:
    sqs, calls = FakeSqs(*letters), list[Any]()
    sqs.hides = hides

    def invoke(function: str, payload: dict[str, Any]) -> None:
        calls.append((function, payload))
        if function in failing:
            raise FunctionError(f"{function} failed: again")

    functions = {"stack-Schedule-1": "ScheduleFunction", "stack-Rec-1": "ReconcileFunction"}
    *_, last = Firing(Letters(sqs, "url"), functions, SCHEDULE, invoke)()
    return last, sqs, calls


def test_a_tick_is_fired_again_with_its_own_payload_and_its_letter_is_gone() -> None:
    letter = failed("stack-Schedule-1", TICK)
    last, sqs, calls = fired(letter, undelivered())
    assert calls == [("ScheduleFunction", TICK)] * 2
    assert (last.done, last.failed, sqs.deleted[0]) == (2, [], letter.id)


def test_a_tick_that_fails_again_stays_with_why_and_is_tried_once() -> None:
    last, sqs, calls = fired(failed("stack-Schedule-1", TICK), failing=["ScheduleFunction"])
    assert [why for _, why in last.failed] == ["ScheduleFunction failed: again"]
    assert (len(calls), len(sqs.visible), sqs.deleted) == (1, 1, [])


def test_ticks_that_fail_for_longer_than_letters_are_hidden_are_tried_once_each() -> None:
    letters = [failed("stack-Schedule-1", TICK, str(n)) for n in range(3)]
    last, _, calls = fired(*letters, failing=["ScheduleFunction"], hides=False)
    assert (len(last.failed), len(calls)) == (3, 3)


def test_one_sweep_does_for_all_that_ask_for_one() -> None:
    sweep = {**TICK, "ScheduleArn": "arn:aws:scheduler:us-east-1:123456789012:schedule/group/sweep"}
    letters = [failed("stack-Rec-1", sweep, str(n)) for n in range(3)]
    last, _, calls = fired(*letters, undelivered(sweep))
    assert (last.done, [function for function, _ in calls]) == (4, ["ReconcileFunction"])


def test_a_sweep_that_failed_does_for_nobody() -> None:
    letters = [failed("stack-Rec-1", TICK, str(n)) for n in range(2)]
    last, _, calls = fired(*letters, failing=["ReconcileFunction"])
    assert (last.done, len(last.failed), len(calls)) == (0, 2, 2)


@pytest.mark.parametrize("letter", [failed("another-stacks", TICK), Letter("1", "h", "nonsense")])
def test_what_is_for_no_function_of_the_stack_is_left_alone(letter: Letter) -> None:
    last, sqs, calls = fired(letter)
    assert (calls, sqs.deleted) == ([], [])
    assert last.failed[0][1] == "it is for no function of this stack"
