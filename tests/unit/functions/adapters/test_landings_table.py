"""The landings table and its checkpoints on moto's DynamoDB, which evaluates their conditions.

tests/faults/test_cases_landings.py and test_cases_backfill.py have the versions of a key that land
out of order, twice, or without what may be missing.
"""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from landrun.adapters.landings_table import (
    KEPT,
    LandingsTable,
    Recorded,
    landing_id,
    ordered,
)
from landrun.models.landing import Landing
from landrun.models.run import ScheduleTrigger
from unit.functions.fakes import NOW, SCHEDULE, Clock

TRIGGER = ScheduleTrigger(ScheduleArn=SCHEDULE, ScheduledTime="2026-11-22T03:00:00Z", Part=2)


def landing(sequencer="0A", version_id="v1", key="a", bucket="landings", size=10):
    return Landing(bucket, key, version_id, sequencer, size, "2026-11-22T02:15:30Z")


class Table(LandingsTable):
    """The table, and the items in it."""

    def __init__(self, client, name):
        self.clock = Clock()
        super().__init__(client, name, self.clock)

    @property
    def items(self):
        found = self._client.scan(TableName=self._table, ConsistentRead=True)["Items"]
        flat = ({k: next(iter(v.values())) for k, v in item.items()} for item in found)
        return {item["id"]: SimpleNamespace(**item) for item in flat}


@pytest.fixture
def table(aws, create_table):
    return Table(aws("dynamodb"), create_table("LandingsTable"))


def test_recording_a_landing_says_what_became_of_it(table):
    answers = [
        (("0B", "v2"), Recorded.WAITS),
        (("0B", "v2"), Recorded.DUPLICATE),
        (("0BF", "v2"), Recorded.DUPLICATE),  # a backfill, which has a sequencer of its own
        (("0B00", "v3"), Recorded.DUPLICATE),
        (("0A", "v1"), Recorded.OLDER),
        (("0C", "v4"), Recorded.REPLACES),
    ]
    for (sequencer, version), answer in answers:
        assert table.record(landing(sequencer, version)) is answer


def play(table, steps):
    """Carry out steps; a claim names the version that it must return, or ``-`` for none."""
    for step in steps.split(", "):
        verb, *what = step.split()
        if verb == "land":
            table.record(landing(f"0{what[0]}", what[0][0]))
        elif verb == "claim":
            claimed = table.claim(landing_id(landing()), f"run-{what[0]}", TRIGGER)
            assert (claimed.version_id if claimed else "-") == what[1], step
        elif verb == "done":
            table.mark_processed(f"run-{what[0]}", landing(f"0{what[1]}"))
        else:
            table.release(f"run-{what[0]}", landing_id(landing()))


def state(table):
    for item in table.items.values():
        claim, run = getattr(item, "claimed_by", None), getattr(item, "done_run", None)
        waits = f"claimed by {claim[4:]}" if claim else "pending"
        done = f", {run[4:]} did {item.done_sequencer[1]}" if run else ""
        return (waits if getattr(item, "waiting", False) else "done") + done
    return "nothing"


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        # An older version, or the same again with another sequencer, as of a backfill, is nothing.
        ("land B, land A, land BF, claim 1 B", "claimed by 1"),
        # Only the first of two runs claims a landing; it may repeat its claim.
        ("land A, claim 1 A, claim 2 -, claim 1 A", "claimed by 1"),
        # A newer landing stays claimed, and the run that claims again sees it.
        ("land A, claim 1 A, land B, claim 2 -, claim 1 B", "claimed by 1"),
        # What has not landed becomes no item.
        ("claim 1 -, done 1 A, release 1", "nothing"),
        # What is processed cannot be claimed, and does not wait again: not by a backfill, either.
        ("land A, claim 1 A, done 1 A, claim 1 -, claim 2 -, land A, land AF", "done, 1 did A"),
        # A newer version of what was processed waits anew.
        ("land A, claim 1 A, done 1 A, land B, claim 2 B, done 2 B", "done, 2 did B"),
        # One that came after the claim waits for another run, which a repetition does not disturb.
        ("land A, claim 1 A, land B, done 1 A, claim 2 B, done 1 A", "claimed by 2, 1 did A"),
        # The run's slow second attempt claimed it too late for the manifest: it is released.
        ("land A, claim 1 A, land B, done 1 A, claim 1 B, done 1 A", "pending, 1 did A"),
        # A late attempt never takes back what another run has processed since.
        (
            "land A, claim 1 A, done 1 A, land B, claim 2 B, done 2 B, land C, claim 1 C, done 1 A",
            "pending, 2 did B",
        ),
        # Only the run that has claimed a landing marks or releases it.
        ("land A, done 1 A", "pending"),
        ("land A, claim 1 A, done 2 A, release 2", "claimed by 1"),
        ("land A, claim 1 A, release 1, claim 2 A", "claimed by 2"),
    ],
)
def test_a_run_changes_only_what_it_has_claimed_and_never_a_newer_version(table, steps, outcome):
    play(table, steps)
    assert state(table) == outcome


@pytest.mark.parametrize(
    "recorded",
    [
        landing(ordered("0A"), key="incoming/é 😀 +%2B\n.jsonl"),
        landing(None, size=None),
        landing(ordered("0B"), None, size=0),
    ],
)
def test_a_landing_is_stored_under_the_documented_attributes_and_reads_back_whole(table, recorded):
    table.record(recorded)
    [item] = table.items.values()
    known = {"version_id": recorded.version_id, "size": recorded.size}
    assert vars(item) == {
        "id": landing_id(recorded),
        "bucket": "landings",
        "key": recorded.key,
        "sequencer": ordered(recorded.sequencer),
        "event_time": "2026-11-22T02:15:30Z",
        "recorded_at": NOW.isoformat(timespec="milliseconds"),
        "waiting": landing_id(recorded)[0],
    } | {name: str(value) for name, value in known.items() if value is not None}
    assert table.claim(landing_id(recorded), "run-1", TRIGGER) == recorded


def test_a_processed_landing_expires_after_more_than_a_year_and_a_pending_one_never(table):
    play(table, "land A, claim 1 A")
    table.clock.advance(minutes=1)
    play(table, "done 1 A")
    [item] = table.items.values()
    assert int(item.expires_at) == int((NOW + timedelta(minutes=1) + KEPT).timestamp())
    assert not {"waiting", "claimed_by", "claimed_at", "claimed_for"} & vars(item).keys()
    play(table, "land B")
    [item] = table.items.values()
    assert "expires_at" not in vars(item)


def test_an_object_has_one_id_which_never_changes_between_releases():
    assert landing_id(landing(key="incoming/a.csv")) == "772e1448b9b45fb4812186f3aee8bf0a"
    assert landing_id(landing("0A", "v1")) == landing_id(landing("0B", None))
    others = [landing(), landing(key="b"), landing(bucket="other"), landing(key="a,b")]
    without_order = [landing(none, version) for none in (None, "000") for version in ("v1", "v2")]
    assert len(set(map(landing_id, [*others, *without_order]))) == 6
