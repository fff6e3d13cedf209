"""`landrun land` and `backfill`: what is refused or left out, and how the rest finds its runs."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from landrun.adapters.landings_table import LandingsTable, ordered
from landrun.errors import ConfigurationError, ServiceError
from landrun.models.landing import Landing
from landrun.models.run import landing_run_name
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions import land as landing
from landrun_ops.actions.backfill import Backfill, Survey, send, under_landing
from landrun_ops.actions.land import Landed, Upload, plan, run_of
from landrun_ops.stack.landings import LandingRecord
from landrun_ops.stack.object_versions import ObjectVersion, current_versions, versions_of
from landrun_ops.stack.stack import Stack
from records import create_runs_table, item, record

from .conftest import OUTPUTS

NOW = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
LANDING = S3Uri("landing", "incoming/")
A = "incoming/a.jsonl"


@pytest.mark.parametrize("fraction", ["00000000", "FFFFFFFF"])
@pytest.mark.parametrize("before", [0, -1, -3600, 40])  # 40: this began before that landed
def test_a_made_sequencer_is_between_those_of_older_and_newer_versions(before, fraction):
    def true(at, fraction):
        return ordered(f"00{int(at.timestamp()):08X}{fraction}")

    older = NOW + timedelta(seconds=before)
    made = ordered(ObjectVersion(A, "v1", NOW, after=older).sequencer)
    assert true(older, fraction) < made < true(max(NOW, older) + timedelta(seconds=1), "00000001")
    # Without a version id it names the run: it is always the same.
    without_id = ObjectVersion(A, None, NOW)
    assert without_id.sequencer == replace(without_id, after=older).sequencer


def test_only_prefixes_that_start_runs_are_accepted():
    assert under_landing("s3://landing", LANDING) == LANDING
    for elsewhere in ("s3://other/incoming/", "s3://landing/elsewhere/"):
        with pytest.raises(ConfigurationError, match="nothing there starts a run"):
            under_landing(elsewhere, LANDING)


@pytest.fixture
def account(aws):
    """An account with the landing bucket and the two tables."""
    aws("s3").create_bucket(Bucket="landing")
    create_runs_table(aws("dynamodb"))
    aws("dynamodb").create_table(
        TableName="landings",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return aws


def keep_versions(aws):
    status = {"Status": "Enabled"}
    aws("s3").put_bucket_versioning(Bucket="landing", VersioningConfiguration=status)


def put(aws, *keys, **more):
    body = {"Bucket": "landing", "Body": b"{}"} | more
    return [aws("s3").put_object(Key=key, **body).get("VersionId", "") for key in keys]


def put_run(aws, name, **trigger):
    about = {"Kind": "object-created", "Bucket": "landing", "Key": A, **trigger}
    now = datetime.now(UTC)  # moto's objects land now, too
    started = {"month": f"{now:%Y-%m}", "started_at": now.isoformat()}
    run = item({"name": name, "trigger": about, **started})
    aws("dynamodb").put_item(TableName="runs", Item=run)


def put_landing(aws, version_id, at=NOW, sequencer="0A"):
    landing = Landing("landing", A, version_id, sequencer, 2, at.isoformat())
    LandingsTable(aws("dynamodb"), "landings", lambda: at).record(landing)


def surveyed(aws, *, missing=True, now=None, **outputs):
    stack = Stack("s", "us-east-1", OUTPUTS | {"LandingSuffix": ".jsonl"} | outputs, {}, aws)
    survey = Survey()
    found = Backfill(stack, LANDING, now or datetime.now(UTC), missing=missing).find(survey)
    assert [one.key for some in found for one in some] == survey.first
    return survey


def test_the_current_version_of_each_object_that_is_not_deleted_is_found(account):
    put(account, "incoming/before", "other/x")
    keep_versions(account)
    put(account, A, "incoming/gone")
    _, new = put(account, A, A)
    account("s3").delete_object(Bucket="landing", Key="incoming/gone")
    found = list(current_versions(account("s3"), LANDING))
    assert {one.key: one.version_id for one in found} == {A: new, "incoming/before": None}
    assert found[0].after is not None
    deleted, *others = versions_of(account("s3"), S3Uri("landing", "incoming/gone"))
    assert (deleted.deletion, len(others)) == (True, 1)


def test_objects_that_start_no_run_are_left_out_and_counted_by_reason(account):
    put(account, A, "incoming/b.csv", "incoming/c/", "incoming/d//e.jsonl")
    put(account, "incoming/f.jsonl", Body=b"")
    put(account, "incoming/g.jsonl", StorageClass="DEEP_ARCHIVE")
    survey = surveyed(account)
    reasons = ("suffix", "folder-marker", "unreadable-key", "zero-bytes", "archived")
    assert survey.left_out == dict.fromkeys(reasons, 1)
    assert (survey.objects, survey.to_send, survey.first) == (6, 1, [A])


def test_objects_older_than_the_landings_table_remembers_are_not_sent_to_a_schedule(account):
    put(account, A)
    later = datetime.now(UTC) + timedelta(days=401)
    for start_on, left_out in (("schedule", 1), ("arrival", 0)):
        found = surveyed(account, now=later, StartOn=start_on).left_out
        assert found["older-than-400-days"] == left_out


@pytest.mark.parametrize("known_by", ["landrun", "a run of the earlier prefix nightly", "landing"])
def test_missing_leaves_out_a_version_that_has_a_run_or_waits(account, known_by):
    keep_versions(account)
    old, new = put(account, A, A)
    put_run(account, landing_run_name("landrun", "landing", A, old))
    put_landing(account, old)
    assert surveyed(account).to_send == 1
    if known_by == "landing":
        put_landing(account, new, NOW, sequencer="0B")
    else:
        put_run(account, landing_run_name(known_by.split()[-1], "landing", A, new))
    assert surveyed(account).known == 1
    assert surveyed(account, missing=False).to_send == 1


@pytest.mark.parametrize("by", ["run", "landing"])
@pytest.mark.parametrize(("seconds", "known"), [(-60, 0), (-3, 1), (60, 1)])
def test_without_version_ids_a_run_or_landing_since_the_object_landed_counts(
    account, by, seconds, known
):
    put(account, A)
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    put_run(account, "elsewhere-1", Bucket="other", EventTime=at.isoformat())
    if by == "run":
        put_run(account, "r", EventTime=at.isoformat())
    else:
        put_landing(account, None, at)
    assert surveyed(account, missing=False).known == known


@pytest.mark.parametrize(("rate", "seconds"), [(50, 0.4), (5, 4)])
def test_messages_leave_in_batches_at_no_more_than_the_rate(rate, seconds):
    slept, events = [0.0], [{"n": n} for n in range(25)]
    queue = Mock(send_message_batch=Mock(return_value={}))
    sending = send(queue, "url", iter(events), rate, clock=lambda: sum(slept), sleep=slept.append)
    assert list(sending)[-1] == 25
    batches = [call.kwargs["Entries"] for call in queue.send_message_batch.call_args_list]
    assert max(map(len, batches)) <= 10
    assert [json.loads(one["MessageBody"]) for batch in batches for one in batch] == events
    assert sum(slept) == pytest.approx(seconds)


def test_a_message_that_sqs_refuses_ends_the_backfill_before_its_batch_counts():
    answers = [{}, {"Failed": [{"Id": "0", "Code": "Busy"}]}]
    queue = Mock(send_message_batch=Mock(side_effect=answers))
    sending = send(queue, "url", iter([{}] * 30), 1000, sleep=lambda _: None)
    assert next(sending) == 10
    with pytest.raises(ServiceError, match="sqs:SendMessageBatch: Busy"):
        next(sending)


@pytest.mark.parametrize(
    ("names", "prefix", "words"),
    [
        (["nowhere"], "", "does not exist"),
        (["a.csv", "more/a.csv"], "", r"would both be 'incoming/a\.csv': .*--prefix"),
        (["a.csv", "empty.csv"], "", r"nothing has landed.*empty\.csv: it is empty.*put it again"),
        (["more"], "", "does not end with LandingSuffix; rename it"),
        (["a.csv"], "out", "landrun itself writes there"),
    ],
)
def test_files_that_would_start_no_run_are_refused_with_the_reason(tmp_path, names, prefix, words):
    (tmp_path / "more").mkdir()
    for name in ("a.csv", "more/a.csv", "more/b.jsonl"):
        (tmp_path / name).write_text("text")
    (tmp_path / "empty.csv").touch()
    own = {"OutputBucket": "landing", "OutputPrefix": "incoming/out/", "LandingSuffix": ".csv"}
    ours = Stack("s", "us-east-1", OUTPUTS | own, {}, None)
    with pytest.raises(ConfigurationError, match=words):
        plan(ours, [tmp_path / name for name in names], prefix)


def stack(start_on="arrival", *runs):
    outputs, names = OUTPUTS | {"StartOn": start_on}, {run.name: run for run in runs}
    reader = Mock(get=names.get, newest=lambda *_, **__: iter(runs))
    return Mock(output=outputs.__getitem__, runs_reader=lambda: reader)


def landed(version_id="v1", run=""):
    upload = Upload(Path("a.csv"), "incoming/a.csv")
    return Landed(upload, S3Uri("landings", upload.key), version_id, NOW, run)


def run(name="r", seconds=0):
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    trigger = {"Kind": "object-created", "Bucket": "landings", "Key": "incoming/a.csv"}
    return record({"name": name, "started_at": at, "trigger": trigger | {"EventTime": at}})


def test_a_landings_run_is_named_by_its_version_or_is_the_first_since_it_landed():
    assert run_of(stack("arrival", run()), landed(run="r")) == run()
    assert run_of(stack(), landed(run="r")) is None
    runs = [run("third", seconds=60), run("second", seconds=2), run("first", seconds=-60)]
    assert run_of(stack("arrival", *runs), landed("")) == runs[1]


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (None, False),
        (LandingRecord("v1", done_run="r", newest_done=True), True),
        # Its event has not arrived: this is of the version before.
        (LandingRecord("v0", done_run="r", newest_done=True), False),
        # A newer version has taken its place before the tick.
        (LandingRecord("v2", NOW.isoformat(), done_run="r", newest_done=True), True),
    ],
)
def test_the_landings_table_names_the_run_of_a_tick(monkeypatch, record, found):
    known = {"incoming/a.csv": record} if record else {}
    monkeypatch.setattr(landing, "landings_of", lambda *_: known)
    assert (run_of(stack("schedule", run()), landed()) is not None) is found
