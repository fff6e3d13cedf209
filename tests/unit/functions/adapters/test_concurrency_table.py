"""The concurrency table on moto's DynamoDB: each write is conditional, and counted exactly once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from landrun.adapters.concurrency_table import UNLIMITED, ConcurrencyTable
from landrun.errors import ServiceError
from landrun.models.concurrency import LimitedExecution, SlotStatus

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
EARLY, LATE = "2026-11-22T08:10:00.000Z", "2026-11-22T08:20:00.000Z"


@pytest.fixture
def table(aws, create_table):
    return ConcurrencyTable(aws("dynamodb"), create_table("ConcurrencyTable"))


def execution(name, started_at=EARLY):
    arn = f"arn:aws:states:us-east-1:123456789012:execution:landrun:{name}"
    about = {"name": name, "execution_arn": arn, "started_at": started_at}
    return LimitedExecution(**about, requested_at=NOW, task_tokens=("token",))


def acquire(table, waiting, limit=UNLIMITED):
    update = {"status": SlotStatus.RESUME_PENDING, "acquired_at": NOW}
    return table.acquire(waiting.model_copy(update=update), limit)


def test_executions_are_read_as_they_were_written_in_the_order_in_which_they_started(table):
    late, early = table.save(execution("a", LATE)), table.save(execution("z", EARLY))
    assert list(table.with_status(SlotStatus.WAITING)) == [early, late]
    assert table.first_waiting() == early
    holder = acquire(table, early)
    assert table.find("z") == holder
    assert list(table.with_status(SlotStatus.RESUME_PENDING)) == [holder]
    assert (table.first_waiting(), table.find("b")) == (late, None)


@pytest.mark.parametrize(("limit", "acquired"), [(1, False), (2, True), (UNLIMITED, True)])
def test_a_slot_is_acquired_only_below_the_limit_and_is_free_once_after_its_release(
    table, limit, acquired
):
    first = acquire(table, table.save(execution("a")))
    assert bool(acquire(table, table.save(execution("b")), limit)) is acquired
    assert table.slots_in_use() == 1 + acquired
    assert [table.release(first), table.release(first)] == [True, False]
    assert table.slots_in_use() == acquired


@pytest.mark.parametrize("write", [ConcurrencyTable.save, acquire, ConcurrencyTable.release])
def test_nothing_is_written_if_the_execution_has_changed_since_it_was_read(table, write):
    seen = acquire(table, execution("a"))
    stored = table.save(seen)
    assert not write(table, seen)
    assert not write(table, execution("a"))
    assert (table.find("a"), table.slots_in_use()) == (stored, 1)


def test_a_reader_of_an_item_that_was_removed_and_stored_again_releases_nothing(table):
    seen = acquire(table, table.save(execution("a")))
    assert table.release(seen)
    again = acquire(table, table.save(execution("a")))  # it was redriven
    assert not table.release(seen)
    assert (table.find("a"), table.slots_in_use()) == (again, 1)


class Cancelling:
    """DynamoDB while it cancels transactions, the first ``times`` of them, for a reason."""

    def __init__(self, reason, times):
        self.left, self.written = times, 0
        reasons = [{"Code": reason}, {"Code": "None"}]
        answer = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
        self.error = ClientError(answer, "TransactWriteItems")

    def transact_write_items(self, **asked):
        self.left -= 1
        if self.left >= 0:
            raise self.error
        self.written += 1


@pytest.mark.parametrize("times", [0, 3, 19])
def test_a_transaction_that_meets_another_is_repeated_after_a_pause(times):
    client, pauses = Cancelling("TransactionConflict", times), []
    assert acquire(ConcurrencyTable(client, "slots", pauses.append), execution("a"))
    assert (client.written, len(pauses)) == (1, times)
    assert all(0 <= pause <= 0.05 for pause in pauses)


@pytest.mark.parametrize(
    ("reason", "times"), [("TransactionConflict", 20), ("ThrottlingError", 1), ("None", 1)]
)
def test_a_transaction_that_dynamodb_goes_on_refusing_is_an_error(reason, times):
    client = Cancelling(reason, times)
    with pytest.raises(ServiceError, match="TransactWriteItems"):
        acquire(ConcurrencyTable(client, "slots", lambda _: None), execution("a"))
    assert client.written == 0
