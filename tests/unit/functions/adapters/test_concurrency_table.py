"""The concurrency table: in which order it is read, and which transactions are repeated.

tests/faults/test_cases_concurrency.py has its conditional writes, of which mutations show that
they hold the limit.
"""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from landrun.adapters.concurrency_table import UNLIMITED, ConcurrencyTable
from landrun.errors import ServiceError
from landrun.models.concurrency import LimitedExecution, SlotStatus
from unit.functions.fakes import NOW

EARLY, LATE = "2026-11-22T08:10:00.000Z", "2026-11-22T08:20:00.000Z"


def execution(name, started_at=EARLY):
    arn = f"arn:aws:states:us-east-1:123456789012:execution:landrun:{name}"
    about = {"name": name, "execution_arn": arn, "started_at": started_at}
    return LimitedExecution(**about, requested_at=NOW, task_tokens=("token",))


def acquire(table, waiting):
    update = {"status": SlotStatus.RESUME_PENDING, "acquired_at": NOW}
    return table.acquire(waiting.model_copy(update=update), UNLIMITED)


def test_executions_are_read_as_they_were_written_in_the_order_in_which_they_started(
    aws, create_table
):
    table = ConcurrencyTable(aws("dynamodb"), create_table("ConcurrencyTable"))
    late, early = table.save(execution("a", LATE)), table.save(execution("z", EARLY))
    assert list(table.with_status(SlotStatus.WAITING)) == [early, late]
    assert table.first_waiting() == early
    holder = acquire(table, early)
    assert table.find("z") == holder
    assert list(table.with_status(SlotStatus.RESUME_PENDING)) == [holder]
    assert (table.first_waiting(), table.find("b")) == (late, None)
    assert (table.release(holder), table.release(holder)) == (True, False)
    assert table.slots_in_use() == 0


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
