"""The door to the table of turns, over DynamoDB's rules as moto has them."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from landrun.adapters.concurrency_table import ConcurrencyTable, Given
from landrun.errors import ServiceError
from landrun.models.concurrency import Standing
from landrun.models.status_change import SlotRequest

EARLY, LATER, LATEST = (f"2026-11-22T08:{minute}:00.000Z" for minute in ("10", "20", "30"))


@pytest.fixture
def turns():
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="turns",
            KeySchema=[
                {"AttributeName": "line", "KeyType": "HASH"},
                {"AttributeName": "place", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "line", "AttributeType": "S"},
                {"AttributeName": "place", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield ConcurrencyTable(client, "turns", lambda _: None)


def asked(name: str, started_at: str = EARLY, token: str = "") -> SlotRequest:
    arn = f"arn:aws:states:us-east-1:123456789012:execution:landrun:{name}"
    return SlotRequest(name, arn, started_at, token or f"token of {name}")


def give(turns: ConcurrencyTable, limit: int = 1, now: str = EARLY) -> Given:
    waiter = turns.first()
    assert waiter is not None
    return turns.give(waiter, limit, now, LATER)


def held(turns: ConcurrencyTable, name: str = "a") -> None:
    """Let an execution have asked and be given a place."""
    turns.wait(asked(name), EARLY)
    assert give(turns, limit=0) is Given.YES


def test_line_is_in_the_order_of_starts_whoever_asks_first(turns):
    turns.wait(asked("late", LATER), EARLY)
    turns.wait(asked("early", EARLY), LATEST)
    assert [place.name for place in turns.waiting()] == ["early", "late"]
    first = turns.first()
    assert (first.name, first.tokens, first.asked_at) == ("early", {"token of early"}, LATEST)


def test_given_place_is_counted_untold_and_out_of_the_line(turns):
    held(turns)
    assert turns.standing() == Standing(1, frozenset({"a"}))
    assert turns.first() is None
    holder = turns.holder("a")
    assert (holder.name, holder.tokens, holder.lease_until) == ("a", {"token of a"}, LATER)
    turns.told("a")
    assert turns.standing() == Standing(1, frozenset())


@pytest.mark.parametrize(("limit", "outcome"), [(1, Given.FULL), (2, Given.YES), (0, Given.YES)])
def test_place_is_given_below_the_bound_only(turns, limit, outcome):
    held(turns)
    turns.wait(asked("b"), EARLY)
    assert give(turns, limit) is outcome
    assert turns.standing().holding == (2 if outcome is Given.YES else 1)
    assert [place.name for place in turns.waiting()] == ([] if outcome is Given.YES else ["b"])


def test_waiter_that_asked_anew_since_it_was_read_is_to_be_read_again(turns):
    turns.wait(asked("a"), EARLY)
    seen = turns.first()
    turns.wait(asked("a", token="newer"), LATER)
    assert turns.give(seen, 1, LATER, LATEST) is Given.CHANGED
    assert turns.standing().holding == 0
    assert give(turns) is Given.YES
    assert turns.holder("a").tokens == {"token of a", "newer"}


def test_same_request_again_changes_nothing(turns):
    turns.wait(asked("a"), EARLY)
    before = turns.first()
    turns.wait(asked("a"), LATER)
    assert turns.first() == before


@pytest.mark.parametrize("limit", [1, 5, 0])
def test_one_that_has_its_place_is_given_no_second(turns, limit):
    held(turns)
    turns.wait(asked("a", token="again"), EARLY)
    assert give(turns, limit) is Given.HELD
    assert turns.standing().holding == 1


def test_holder_that_asks_anew_was_alive_then_and_by_a_known_token_it_was_not(turns):
    assert not turns.asks_again("a", "token of a", LATER)
    held(turns)
    assert turns.asks_again("a", "token of a", LATER)
    assert turns.holder("a").alive_at == EARLY
    assert turns.asks_again("a", "newer", LATER)
    assert turns.holder("a").alive_at == LATER
    assert turns.holder("a").tokens == {"token of a", "newer"}


def test_place_is_given_back_once(turns):
    held(turns)
    for _ in range(3):
        assert turns.give_back("a", LATER) is None
        assert turns.standing() == Standing(0, frozenset())
    assert turns.holder("a") is None


@pytest.mark.parametrize("ended_at", [EARLY, LATER])
def test_end_from_before_a_holder_was_alive_gives_nothing_back(turns, ended_at):
    held(turns)
    turns.asks_again("a", "newer", LATER)
    stands = turns.give_back("a", ended_at)
    assert stands == turns.holder("a")
    assert turns.standing().holding == 1


def test_holder_is_taken_back_as_it_was_read_only(turns):
    held(turns)
    seen = turns.holder("a")
    turns.renew(seen, LATER, LATEST)
    assert not turns.take_back(seen)
    assert turns.standing().holding == 1
    turns.renew(seen, LATEST, LATEST)
    assert turns.holder("a").alive_at == LATER
    assert turns.take_back(turns.holder("a"))
    assert turns.standing().holding == 0


def test_what_goes_on_unasked_is_counted_over_any_bound_and_once(turns):
    held(turns)
    assert turns.hold("b", "arn:b", LATER, LATEST)
    assert not turns.hold("b", "arn:b", LATER, LATEST)
    assert turns.standing().holding == 2
    assert [(one.name, one.tokens) for one in turns.holders()] == [
        ("a", frozenset({"token of a"})),
        ("b", frozenset()),
    ]


def test_waiter_leaves_as_it_was_read_only(turns):
    turns.wait(asked("a"), EARLY)
    seen = turns.waiter("a", EARLY)
    turns.wait(asked("a", token="newer"), LATER)
    turns.leave(seen)
    assert turns.waiter("a", EARLY).tokens == {"token of a", "newer"}
    turns.leave(turns.waiter("a", EARLY))
    assert turns.waiter("a", EARLY) is None


class Cancelled:
    """A client whose transactions are cancelled for a reason, so many times."""

    def __init__(self, client, code, times):
        self._client, self._code, self._left = client, code, times

    def __getattr__(self, name):
        return getattr(self._client, name)

    def transact_write_items(self, **asked):
        if not self._left:
            return self._client.transact_write_items(**asked)
        self._left -= 1
        reasons = [{"Code": self._code}, {"Code": "None"}]
        raise self._client.exceptions.TransactionCanceledException(
            {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons},
            "TransactWriteItems",
        )


@pytest.mark.parametrize("times", [0, 3, 19])
def test_end_whose_transaction_met_another_is_tried_again(turns, times):
    held(turns)
    turns._at._client = Cancelled(turns._at._client, "TransactionConflict", times)
    turns.give_back("a", LATER)
    assert turns.standing().holding == 0


@pytest.mark.parametrize(
    ("code", "times"), [("TransactionConflict", 1000), ("ThrottlingError", 1), ("None", 1000)]
)
def test_transaction_that_goes_on_failing_is_an_error_and_comes_again(turns, code, times):
    held(turns)
    turns._at._client = Cancelled(turns._at._client, code, times)
    with pytest.raises(ServiceError, match="TransactWriteItems"):
        turns.give_back("a", LATER)
    turns._at._client._left = 0
    assert turns.standing().holding == 1


class InTheWay:
    """A client whose writes of one item meet somebody's transaction, so many times."""

    def __init__(self, client, times, code="TransactionConflictException"):
        self._client, self._left, self._code = client, times, code

    def __getattr__(self, name):
        real = getattr(self._client, name)

        def write(**asked):
            if self._left:
                self._left -= 1
                raise ClientError({"Error": {"Code": self._code, "Message": "at it"}}, name)
            return real(**asked)

        return write if name in ("update_item", "delete_item") else real


ALONE = {
    "wait": lambda turns: turns.wait(asked("b"), LATER),
    "asks_again": lambda turns: turns.asks_again("a", "newer", LATER),
    "told": lambda turns: turns.told("a"),
    "renew": lambda turns: turns.renew(turns.holder("a"), LATER, LATEST),
    "leave": lambda turns: turns.leave(turns.waiter("c", EARLY)),
}


def everything(turns: ConcurrencyTable) -> list[object]:
    return [turns.standing(), *turns.holders(), *turns.waiting()]


@pytest.mark.parametrize("write", ALONE)
def test_write_that_meets_a_transaction_is_made_again_and_is_an_error_in_the_end(turns, write):
    held(turns)
    turns.wait(asked("c"), EARLY)
    before, client = everything(turns), turns._at._client
    turns._at._client = InTheWay(client, 20)
    with pytest.raises(ServiceError, match="TransactionConflictException"):
        ALONE[write](turns)
    assert everything(turns) == before
    turns._at._client = InTheWay(client, 19)
    ALONE[write](turns)
    assert everything(turns) != before


def test_write_that_fails_otherwise_is_left_to_the_message_that_comes_again(turns):
    held(turns)
    turns._at._client = InTheWay(turns._at._client, 1, "ThrottlingException")
    with pytest.raises(ServiceError, match="ThrottlingException"):
        turns.told("a")


def test_between_two_tries_is_a_pause(turns):
    pauses = []
    held(turns)
    turns._at._sleep = pauses.append
    turns._at._client = InTheWay(turns._at._client, 3)
    turns.told("a")
    turns._at._client = Cancelled(turns._at._client, "TransactionConflict", 2)
    turns.give_back("a", LATER)
    assert len(pauses) == 5
    assert all(0 <= pause <= 0.05 for pause in pauses)
