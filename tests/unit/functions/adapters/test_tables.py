"""What the tables of the template hold, on moto's DynamoDB, which evaluates their conditions.

tests/faults has their conditional writes: what comes twice, late, out of order and at once.
"""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from landrun.adapters.concurrency_table import UNLIMITED, ConcurrencyTable
from landrun.adapters.landings_table import KEPT, LandingsTable, landing_id, ordered
from landrun.adapters.runs_table import RunsTable
from landrun.errors import ServiceError
from landrun.models.concurrency import LimitedExecution, SlotStatus
from landrun.models.landing import Landing
from landrun.models.run import ScheduleTrigger
from unit.functions.fakes import NOW, SCHEDULE

TICK = ScheduleTrigger(ScheduleArn=SCHEDULE, ScheduledTime="2026-11-22T03:00:00Z", Part=2)


def acquire(table):
    """Let an execution acquire a slot."""
    holder = LimitedExecution(
        name="a",
        execution_arn="arn:aws:states:us-east-1:123456789012:execution:landrun:a",
        started_at="2026-11-22T08:10:00.000Z",
        requested_at=NOW,
        acquired_at=NOW,
        status=SlotStatus.RESUME_PENDING,
    )
    return table.acquire(holder, UNLIMITED)


@pytest.mark.parametrize(
    ("reason", "times", "acquired"),
    [("TransactionConflict", 19, True), ("TransactionConflict", 20, False), ("Other", 1, False)],
)
def test_a_transaction_that_meets_another_is_repeated_some_times(reason, times, acquired):
    def transact_write_items(**_):
        if len(cancelled) < times:
            cancelled.append(reason)
            answer = {"CancellationReasons": [{"Code": reason}, {"Code": "None"}]}
            code = {"Error": {"Code": "TransactionCanceledException"}}
            raise ClientError(code | answer, "TransactWriteItems")

    cancelled, pauses = [], []
    table = ConcurrencyTable(Mock(transact_write_items=transact_write_items), "t", pauses.append)
    if acquired:
        assert acquire(table)
    else:
        with pytest.raises(ServiceError, match="TransactWriteItems"):
            acquire(table)
    assert len(cancelled) == times
    assert all(0 <= pause <= 0.05 for pause in pauses)


def landing(sequencer="0A", version_id="v1", key="a", bucket="landings", size=10):
    return Landing(bucket, key, version_id, sequencer, size, "2026-11-22T02:15:30Z")


@pytest.mark.parametrize(
    "recorded",
    [
        landing(ordered("0A"), key="incoming/é 😀 +%2B\n.jsonl"),
        landing(None, size=None),
        landing(ordered("0B"), None, size=0),
    ],
)
def test_a_landing_has_the_documented_attributes_and_expires_only_after_it_is_processed(
    aws, create_table, recorded
):
    name = create_table("LandingsTable")
    table = LandingsTable(aws("dynamodb"), name, lambda: NOW)

    def stored():
        [item] = aws("dynamodb").scan(TableName=name)["Items"]
        return {attribute: next(iter(value.values())) for attribute, value in item.items()}

    table.record(recorded)
    known = {"version_id": recorded.version_id, "size": recorded.size}
    waits = {"waiting": landing_id(recorded)[0]}
    assert stored() == waits | {
        "id": landing_id(recorded),
        "bucket": "landings",
        "key": recorded.key,
        "sequencer": ordered(recorded.sequencer),
        "event_time": "2026-11-22T02:15:30Z",
        "recorded_at": NOW.isoformat(timespec="milliseconds"),
    } | {attribute: str(value) for attribute, value in known.items() if value is not None}
    assert table.claim(landing_id(recorded), "run-1", TICK) == recorded
    table.mark_processed("run-1", recorded)
    done = stored()
    assert int(done["expires_at"]) == int((NOW + KEPT).timestamp())
    assert not {"waiting", "claimed_by", "claimed_at", "claimed_for"} & done.keys()


def test_a_version_that_a_late_attempt_claims_is_released_for_the_next_run(aws, create_table):
    """The manifest of its run exists by then, and does not hold it."""
    table = LandingsTable(aws("dynamodb"), create_table("LandingsTable"), lambda: NOW)
    first, second = landing(ordered("0A"), "v1"), landing(ordered("0B"), "v2")
    for newest in (first, second):
        table.record(newest)
        assert table.claim(landing_id(first), "run-1", TICK) == newest
        table.mark_processed("run-1", first)
    [pending] = table.pending()
    assert pending.claim is None


def test_an_object_has_one_id_which_never_changes_between_releases():
    assert landing_id(landing(key="incoming/a.csv")) == "772e1448b9b45fb4812186f3aee8bf0a"
    assert landing_id(landing("0A", "v1")) == landing_id(landing("0B", None))
    others = [landing(), landing(key="b"), landing(bucket="other"), landing(key="a,b")]
    without_order = [landing(none, version) for none in (None, "000") for version in ("v1", "v2")]
    assert len(set(map(landing_id, [*others, *without_order]))) == 6


def test_progress_is_looked_up_over_batches_and_what_dynamodb_left_is_asked_for_again(client):
    def answer(*names, left=()):
        rank = {"redrive_count": {"N": "2"}, "status_rank": {"N": "1"}}
        items = [{"name": {"S": name}} | rank for name in names]
        keys = {"runs": {"Keys": [{"name": {"S": name}} for name in left]}}
        return {"Responses": {"runs": items}, "UnprocessedKeys": keys if left else {}}

    names = [f"some-run-{number:03}" for number in range(101)]
    with Stubber(client("dynamodb")) as stub:
        for given in (answer("a", left=["b", "c"]), answer("b", "c"), answer("d")):
            stub.add_response("batch_get_item", given, {"RequestItems": ANY})
        found = RunsTable(client("dynamodb"), "runs").find_progress(names)
        stub.assert_no_pending_responses()
    assert found == dict.fromkeys("abcd", (2, 1))
