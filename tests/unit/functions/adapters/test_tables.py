"""What tables hold, and their calls; tests/faults has their conditional writes."""

from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from faults.stack import client
from faults.world import World
from landrun.adapters.concurrency_table import UNLIMITED, ConcurrencyTable
from landrun.adapters.landings_table import KEPT, LandingsTable, landing_id, ordered
from landrun.adapters.runs_table import RunsTable
from landrun.errors import ServiceError
from landrun.models.concurrency import LimitedExecution
from landrun.models.landing import Landing
from landrun.models.run import ScheduleTrigger

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TICK = ScheduleTrigger(ScheduleArn="arn:schedule", ScheduledTime="2026-11-22T03:00:00Z", Part=2)


def test_a_transaction_that_meets_another_is_tried_twenty_times():
    reasons = {"CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}]}
    conflict = ClientError(reasons, "TransactWriteItems")
    transact, pauses = Mock(side_effect=[*[conflict] * 19, None, *[conflict] * 20]), []
    table = ConcurrencyTable(Mock(transact_write_items=transact), "t", pauses.append)
    execution = LimitedExecution(name="a", execution_arn="a", started_at="t", requested_at=NOW)
    assert table.acquire(execution, UNLIMITED)
    with pytest.raises(ServiceError, match="TransactWriteItems"):
        table.acquire(execution, UNLIMITED)
    assert transact.call_count == 40
    assert all(0 <= pause <= 0.05 for pause in pauses)


def landing(sequencer="0A", version_id="v1", key="a", bucket="landings", size=10):
    return Landing(bucket, key, version_id, sequencer, size, "2026-11-22T02:15:30Z")


@pytest.fixture
def table():
    with World("schedule") as world:
        yield LandingsTable(client("dynamodb"), world.stack.name("LandingsTable"), lambda: NOW)


def test_a_landing_is_read_as_it_was_recorded_and_expires_only_after_it_is_processed(table):
    def stored(landing):
        key = {"id": {"S": landing_id(landing)}}
        return client("dynamodb").get_item(TableName=table._table, Key=key)["Item"]

    odd = landing(ordered("0A"), key="incoming/é 😀 +%2B\n.jsonl")
    for recorded in (odd, landing(None, size=None), landing(ordered("0B"), None, size=0)):
        table.record(recorded)
        assert "expires_at" not in stored(recorded)
        assert table.claim(landing_id(recorded), "run-1", TICK) == recorded
        table.mark_processed("run-1", recorded)
        assert stored(recorded)["expires_at"] == {"N": str(int((NOW + KEPT).timestamp()))}


def test_a_version_that_a_late_attempt_claims_is_released_for_the_next_run(table):
    """The manifest of its run exists by then, and does not hold it."""
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


def test_progress_is_looked_up_over_batches_and_what_dynamodb_left_is_asked_for_again():
    def batch_get_item(RequestItems):  # noqa: N803
        asked = RequestItems["runs"]["Keys"]
        sizes.append(len(asked))
        rank = {"redrive_count": {"N": "2"}, "status_rank": {"N": "1"}}
        left = {"runs": {"Keys": asked[60:]}} if asked[60:] else {}
        return {
            "Responses": {"runs": [key | rank for key in asked[:60]]},
            "UnprocessedKeys": left,
        }

    names, sizes = [f"run-{number:03}" for number in range(101)], []
    found = RunsTable(Mock(batch_get_item=batch_get_item), "runs").find_progress(names)
    assert found == dict.fromkeys(names, (2, 1))
    assert sizes == [100, 41]
