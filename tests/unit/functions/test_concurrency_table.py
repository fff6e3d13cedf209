"""ConcurrencyTable over moto's DynamoDB: every write is conditional, and counted exactly once."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from landrun.adapters.concurrency_table import STATUS_INDEX, UNLIMITED, ConcurrencyTable
from landrun.errors import ServiceError
from landrun.models.concurrency import LimitedExecution, SlotStatus

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
EARLY, LATE = "2026-11-22T08:10:00.000Z", "2026-11-22T08:20:00.000Z"


@pytest.fixture
def table():
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        keys = ("item_type", "name", "status_and_start")
        client.create_table(
            TableName="slots",
            KeySchema=schema("item_type", "name"),
            LocalSecondaryIndexes=[
                {
                    "IndexName": STATUS_INDEX,
                    "KeySchema": schema("item_type", "status_and_start"),
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        yield ConcurrencyTable(client, "slots", lambda _: None)


def schema(hash_key, range_key):
    return [
        {"AttributeName": hash_key, "KeyType": "HASH"},
        {"AttributeName": range_key, "KeyType": "RANGE"},
    ]


def execution(name, started_at=EARLY, **attributes):
    arn = f"arn:aws:states:us-east-1:123456789012:execution:landrun:{name}"
    attributes = {"requested_at": NOW, "task_tokens": ("token",)} | attributes
    return LimitedExecution(name=name, execution_arn=arn, started_at=started_at, **attributes)


def acquire(table, waiting, limit=UNLIMITED):
    update = {"status": SlotStatus.RESUME_PENDING, "acquired_at": NOW}
    return table.acquire(waiting.model_copy(update=update), limit)


def test_stored_execution_is_read_as_it_was_written(table):
    holder = acquire(table, table.save(execution("a")))
    assert table.find("a") == holder
    assert list(table.with_status(SlotStatus.RESUME_PENDING)) == [holder]
    assert table.find("b") is None


def test_waiting_executions_are_in_the_order_in_which_they_started(table):
    late, early = table.save(execution("a", LATE)), table.save(execution("z", EARLY))
    assert list(table.with_status(SlotStatus.WAITING)) == [early, late]
    assert table.first_waiting() == early


@pytest.mark.parametrize(("limit", "acquired"), [(1, False), (2, True), (UNLIMITED, True)])
def test_slot_is_acquired_only_below_the_limit(table, limit, acquired):
    acquire(table, table.save(execution("a")))
    waiting = table.save(execution("b"))
    assert (acquire(table, waiting, limit) is not None) is acquired
    assert table.slots_in_use() == 1 + acquired
    assert table.first_waiting() == (None if acquired else waiting)


@pytest.mark.parametrize("write", [ConcurrencyTable.save, acquire, ConcurrencyTable.release])
@pytest.mark.parametrize("holds_slot", [False, True])
def test_nothing_is_written_if_the_execution_has_changed_since_it_was_read(
    table, write, holds_slot
):
    seen = table.save(execution("a"))
    if holds_slot:
        seen = acquire(table, seen)
    stored = table.save(seen)
    assert not write(table, seen)
    assert not write(table, execution("a"))
    assert table.find("a") == stored
    assert table.slots_in_use() == holds_slot


@pytest.mark.parametrize("holds_slot", [False, True])
def test_released_execution_is_gone_and_its_slot_is_free_once(table, holds_slot):
    acquire(table, execution("other"))
    released = acquire(table, execution("a")) if holds_slot else table.save(execution("a"))
    assert table.release(released)
    assert not table.release(released)
    assert table.find("a") is None
    assert table.slots_in_use() == 1


class Cancelling:
    """A client that cancels its first transactions for a reason."""

    def __init__(self, client, reason, times):
        self._client, self._left = client, times
        reasons = [{"Code": reason}, {"Code": "None"}]
        answer = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
        self._error = ClientError(answer, "TransactWriteItems")

    def transact_write_items(self, **asked):
        self._left -= 1
        if self._left >= 0:
            raise self._error
        return self._client.transact_write_items(**asked)


def cancelling(table, reason, times):
    """Give the table with such a client, and the pauses that it makes."""
    pauses = []
    client = Cancelling(table._client, reason, times)
    return SimpleNamespace(table=ConcurrencyTable(client, "slots", pauses.append), pauses=pauses)


@pytest.mark.parametrize("times", [0, 3, 19])
def test_transaction_that_meets_another_is_repeated_after_a_pause(table, times):
    retried = cancelling(table, "TransactionConflict", times)
    assert acquire(retried.table, execution("a"))
    assert table.slots_in_use() == 1
    assert len(retried.pauses) == times
    assert all(0 <= pause <= 0.05 for pause in retried.pauses)


@pytest.mark.parametrize(
    ("reason", "times"), [("TransactionConflict", 20), ("ThrottlingError", 1), ("None", 1)]
)
def test_transaction_that_dynamodb_goes_on_refusing_is_an_error(table, reason, times):
    with pytest.raises(ServiceError, match="TransactWriteItems"):
        acquire(cancelling(table, reason, times).table, execution("a"))
    assert table.slots_in_use() == 0


def test_a_reader_of_an_item_that_was_removed_and_stored_again_releases_nothing(table):
    seen = acquire(table, table.save(execution("a")))
    assert table.release(seen)
    again = acquire(table, table.save(execution("a")))  # it was redriven
    assert not table.release(seen)
    assert (table.find("a"), table.slots_in_use()) == (again, 1)
