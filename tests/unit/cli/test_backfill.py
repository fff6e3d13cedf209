"""`landrun backfill`: which objects are sent, as what, how fast, and from where it continues."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from landrun.adapters.landings_table import landing_id, ordered
from landrun.errors import ConfigurationError, ServiceError
from landrun.models.events import parse_object_created
from landrun.models.landing import Landing, LandingFilter
from landrun.models.run import landing_run_name
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions import backfill as backfilling
from landrun_ops.actions.backfill import Backfill, Sender, Survey, object_created, under_landing
from landrun_ops.actions.checkpoint import Checkpoint, Progress, folder
from landrun_ops.cli.backfill import LEFT_OUT, resumed_text, survey_lines
from landrun_ops.stack.landings import LandingRecord, item_id
from landrun_ops.stack.object_versions import ObjectVersion, ObjectVersions
from landrun_ops.stack.processed_versions import ProcessedVersions
from records import record

NOW = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
QUEUE = "arn:aws:sqs:us-east-1:123456789012:landrun-LandingQueue"
LANDING = S3Uri("landings", "incoming/")
FILTER = LandingFilter("incoming/", ".jsonl", (("outputs", "processed/"),))


def version(
    key: str = "incoming/a.jsonl", version_id: str | None = "v1", **more: Any
) -> ObjectVersion:
    return ObjectVersion(key, version_id, **({"modified": NOW, "size": 7} | more))


# ---- Sequencers


def true_sequencer(seconds: int, fraction: str = "80000000") -> str:
    at = NOW + timedelta(seconds=seconds)
    return ordered(f"00{int(at.timestamp()):08X}{fraction}")


@pytest.mark.parametrize("fraction", ["00000000", "80000000", "FFFFFFFF"])
@pytest.mark.parametrize("before", [0, -1, -3600, 40], ids=str)  # 40: this began before that landed
def test_a_made_sequencer_is_after_that_of_an_older_version(before: int, fraction: str) -> None:
    made = version(after=NOW + timedelta(seconds=before)).sequencer
    assert ordered(made) > true_sequencer(before, fraction)


@pytest.mark.parametrize("older", [None, NOW, NOW - timedelta(seconds=1)])
def test_a_made_sequencer_is_before_any_version_of_a_second_later(older: datetime) -> None:
    assert ordered(version(after=older).sequencer) < true_sequencer(1, "00000001")
    # Without a version id it names the run: it is always the same.
    unversioned = (version(version_id=None, after=at).sequencer for at in (None, older))
    assert len(set(unversioned)) == 1


# ---- The event


def test_the_event_gives_its_run_the_name_that_s3s_own_would_give(load_event: Any) -> None:
    [record] = load_event("object-created")["Records"]
    real = json.loads(record["body"])
    said = real["detail"]["object"]
    bucket, etag = real["detail"]["bucket"]["name"], said["etag"]
    found = version(said["key"], said["version-id"], size=said["size"], etag=etag)
    made = object_created(bucket, found, QUEUE)
    ours, theirs = parse_object_created(json.dumps(made)), parse_object_created(json.dumps(real))
    for name in ("bucket", "key", "version", "size", "event_time"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert landing_id(ours) == landing_id(theirs)
    assert made.keys() == real.keys()
    assert made["detail"]["object"].keys() == said.keys()
    assert made["detail"]["reason"] == "landrun backfill"


@pytest.mark.parametrize("key", ["incoming/a+b%2B é😀.jsonl", "incoming/a\nb", 'incoming/".x'])
def test_any_key_arrives_as_it_is(key: str) -> None:
    event = object_created("landings", version(key, None), QUEUE)
    assert parse_object_created(json.dumps(event)).key == key
    assert "version-id" not in event["detail"]["object"]


# ---- What to look at


@pytest.mark.parametrize(
    ("asked", "looked_at"),
    [
        ("s3://landings/incoming/2026/", "s3://landings/incoming/2026/"),
        ("s3://landings", "s3://landings/incoming/"),
        ("s3://landings/inc", "s3://landings/incoming/"),
    ],
)
def test_only_what_starts_runs_is_looked_at(asked: str, looked_at: str) -> None:
    assert str(under_landing(asked, LANDING)) == looked_at


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("s3://other/incoming/", "not in the landing bucket"),
        ("s3://landings/elsewhere/", "nothing there starts a run"),
        ("landings/incoming/", "write s3://bucket/key"),
    ],
)
def test_what_could_start_no_run_is_an_error_with_a_remedy(asked: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        under_landing(asked, LANDING)


# ---- What has been processed


class FakeTables:
    """The runs table by name, the landings table, and the runs table from its newest row on."""

    def __init__(
        self, names: Sequence[str], runs: Sequence[RunRecord], landed: dict[str, LandingRecord]
    ) -> None:
        self.names, self.runs = set(names), runs
        self.landed = {f"incoming/{name}.jsonl": one for name, one in landed.items()}
        self.created = NOW - timedelta(days=10)

    def find_progress(self, names: Sequence[str]) -> dict[str, tuple[int, int]]:
        return {name: (0, 1) for name in names if name in self.names}

    def of_keys(self, bucket: str, keys: Sequence[str]) -> dict[str, LandingRecord]:
        return {key: self.landed[key] for key in keys if key in self.landed}

    def created_at(self) -> datetime:
        return self.created

    def newest(self, *_: Any, **__: Any) -> Iterator[RunRecord]:
        return iter(self.runs)


def processed(
    *names: str, runs: Sequence[RunRecord] = (), collects: bool = False, **landed: LandingRecord
) -> Any:
    tables: Any = FakeTables(names, runs, landed)
    return ProcessedVersions("landings", "landrun", tables, tables, tables, NOW, collects)


def name_of(one: ObjectVersion, prefix: str = "landrun") -> str:
    return landing_run_name(prefix, "landings", one.key, one.version_id or "")


def landed_run(bucket: str = "landings", at: str = str(NOW)) -> RunRecord:
    key = version().key
    trigger = {"Kind": "object-created", "Bucket": bucket, "Key": key, "EventTime": at}
    return record({"name": "r", "trigger": trigger})


def test_a_version_is_known_by_its_run_or_by_the_table_and_no_other_is() -> None:
    a, b, c = (version(f"incoming/{name}.jsonl") for name in "abc")
    found = processed(name_of(a), b=LandingRecord("v1"), c=LandingRecord("v0"))
    assert found.among([a, b, c]) == {a.key, b.key}


def test_a_version_whose_run_is_named_by_an_earlier_prefix_is_known() -> None:
    old = name_of(version(), "nightly")
    assert processed(old, runs=[record({"name": old})]).among([version()]) == {version().key}
    assert processed(old, runs=[record({"name": "Not-a-prefix-1"})]).among([version()]) == set()


@pytest.mark.parametrize(("seconds", "known"), [(-60, False), (-3, True), (0, True), (60, True)])
def test_without_a_version_id_a_run_of_the_key_since_it_landed_counts(
    seconds: int, known: bool
) -> None:
    one, at = version(version_id=None), (NOW + timedelta(seconds=seconds)).isoformat()
    for found in (processed(runs=[landed_run(at=at)]), processed(a=LandingRecord(event_time=at))):
        assert found.among([one]) == ({one.key} if known else set())


def test_runs_of_other_buckets_and_kinds_make_no_key_known() -> None:
    runs = [landed_run("other"), record({"name": "s", "trigger": {"Kind": "odd"}})]
    assert processed(runs=runs).among([version(version_id=None)]) == set()


@pytest.mark.parametrize(
    ("collects", "table_days", "age_days", "forgotten"),
    [
        (True, 10, 500, False),
        (True, 600, 500, True),
        (True, 600, 0, False),
        (False, 600, 500, False),
    ],
)
def test_only_a_table_that_is_old_enough_can_have_forgotten_a_landing(
    collects: bool, table_days: int, age_days: int, forgotten: bool
) -> None:
    found = processed(collects=collects)
    found.landings.created = NOW - timedelta(days=table_days)
    old = version(modified=NOW - timedelta(days=age_days))
    assert found.may_be_forgotten(old) is forgotten


def test_the_item_of_a_key_is_that_of_its_landings() -> None:
    landing = Landing("landings", "incoming/a", "v1", "0A", 1, "")
    assert item_id("landings", "incoming/a") == landing_id(landing)


# ---- What is there: S3, as moto has it


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="landings")
        yield client


def put(s3: Any, *keys: str, **more: Any) -> dict[str, str]:
    answers = (s3.put_object(Bucket="landings", Key=key, **{"Body": b"{}"} | more) for key in keys)
    return {key: answer.get("VersionId") for key, answer in zip(keys, answers, strict=True)}


def keep_versions(s3: Any) -> None:
    status = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket="landings", VersioningConfiguration=status)


def test_the_current_version_of_each_object_that_is_not_deleted_is_found(s3: Any) -> None:
    put(s3, "incoming/before", "other/x")
    keep_versions(s3)
    put(s3, "incoming/a +é.jsonl", "incoming/gone")
    current = put(s3, "incoming/a +é.jsonl")
    s3.delete_object(Bucket="landings", Key="incoming/gone")
    found = list(ObjectVersions(s3).current(LANDING))
    assert {one.key: one.version_id for one in found} == {**current, "incoming/before": None}
    assert found[0].after is not None
    assert not any(one.archived for one in found)
    assert [one.key for one in ObjectVersions(s3).current(LANDING, after=found[0].key)] == [
        "incoming/before"
    ]


def test_all_versions_of_one_key_are_found_and_none_of_a_longer_one(s3: Any) -> None:
    keep_versions(s3)
    old, new = (put(s3, "incoming/a")["incoming/a"] for _ in range(2))
    put(s3, "incoming/ab")
    s3.delete_object(Bucket="landings", Key="incoming/a")
    found = ObjectVersions(s3).of_key(S3Uri("landings", "incoming/a"))
    assert found[0].deletion
    assert {one.version_id for one in found[1:]} == {old, new}


def test_a_bucket_that_is_not_there_is_a_service_error(s3: Any) -> None:
    with pytest.raises(ServiceError, match="NoSuchBucket"):
        list(ObjectVersions(s3).current(S3Uri("nowhere", "")))


def surveyed(s3: Any, *, missing: bool = True, **known: Any) -> tuple[Backfill, Survey]:
    found = Backfill(ObjectVersions(s3), LANDING, FILTER, processed(**known), missing)
    *_, survey = found.survey()
    return found, survey


def test_what_starts_no_run_is_left_out_and_counted_by_why(s3: Any) -> None:
    put(s3, "incoming/a.jsonl", "incoming/b.csv", "incoming/c/", "incoming/d//e.jsonl")
    put(s3, "incoming/f.jsonl", Body=b"")
    put(s3, "incoming/g.jsonl", StorageClass="DEEP_ARCHIVE")
    _, survey = surveyed(s3)
    assert [one.key for one in survey.kept] == ["incoming/a.jsonl"]
    reasons = ("suffix", "folder-marker", "unreadable-key", "zero-bytes", "archived")
    assert survey.left_out == dict.fromkeys(reasons, 1)
    assert survey.left_out.keys() <= LEFT_OUT.keys()
    assert (survey.objects, survey.to_send, survey.unversioned) == (6, 1, 1)


@pytest.mark.parametrize(("missing", "to_send"), [(True, 0), (False, 1)])
def test_with_missing_a_version_that_is_known_is_not_sent(
    s3: Any, missing: bool, to_send: int
) -> None:
    keep_versions(s3)
    [found] = put(s3, "incoming/a.jsonl").values()
    assert surveyed(s3, missing=missing, a=LandingRecord(found))[1].to_send == to_send


def test_an_object_without_versions_is_never_sent_if_it_is_known(s3: Any) -> None:
    put(s3, "incoming/a.jsonl")
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert surveyed(s3, missing=False, a=LandingRecord(event_time=later))[1].known == 1


def test_of_more_than_is_kept_s3_is_asked_again(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfilling, "KEPT", 2)
    monkeypatch.setattr(backfilling, "CHUNK", 2)
    put(s3, *(f"incoming/{n}.jsonl" for n in range(5)))
    found, survey = surveyed(s3)
    assert (survey.to_send, len(survey.kept)) == (5, 2)
    assert len(list(found.to_send(survey))) == 5
    assert len(list(found.to_send(survey, after="incoming/2.jsonl"))) == 2


# ---- Sending


class FakeQueue:
    """Takes messages, but for the nth ones, which it refuses for now or for good."""

    def __init__(self, refuse: Callable[[int], bool] = lambda _: False, fault: bool = False):
        self.taken: list[str] = []
        self.sizes: list[int] = []
        self._refuse, self._fault = refuse, fault

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        failed = []
        for number, entry in enumerate(Entries, start=sum(self.sizes) + 1):
            if self._refuse(number):
                failed.append({"Id": entry["Id"], "Code": "Busy", "SenderFault": self._fault})
            else:
                self.taken.append(json.loads(entry["MessageBody"])["detail"]["object"]["key"])
        self.sizes.append(len(Entries))
        return {"Failed": failed} if failed else {}


KEYS = [f"incoming/{n:02}.jsonl" for n in range(25)]


def sending(queue: FakeQueue, count: int, rate: int = 50) -> tuple[Iterator[Any], list[float]]:
    slept: list[float] = [0.0]
    sender = Sender(queue, "url", QUEUE, rate, lambda: sum(slept), slept.append)
    return sender.send("landings", map(version, KEYS[:count])), slept


@pytest.mark.parametrize(("rate", "seconds", "largest"), [(50, 0.4, 10), (5, 4, 5), (1, 24, 1)])
def test_messages_leave_at_no_more_than_the_rate(rate: int, seconds: float, largest: int) -> None:
    queue = FakeQueue()
    batches, slept = sending(queue, 25, rate)
    assert [one.key for batch in batches for one in batch] == queue.taken == KEYS
    assert sum(slept) == pytest.approx(seconds)
    assert max(queue.sizes) == largest


def test_what_sqs_did_not_take_is_sent_again_and_nothing_else() -> None:
    queue = FakeQueue(refuse=lambda number: number in (2, 5, 11))
    batches, _ = sending(queue, 10)
    assert len(list(batches)) == 1
    assert sorted(queue.taken) == KEYS[:10]
    assert queue.sizes == [10, 2, 1]


@pytest.mark.parametrize(("fault", "calls"), [(True, 1), (False, backfilling.ATTEMPTS)])
def test_what_sqs_never_takes_ends_the_backfill_before_the_batch_counts(
    fault: bool, calls: int
) -> None:
    queue = FakeQueue(refuse=lambda _: True, fault=fault)
    with pytest.raises(ServiceError, match=r"sqs:SendMessageBatch: Busy"):
        next(sending(queue, 3)[0])
    assert len(queue.sizes) == calls


# ---- Where it continues


def test_a_checkpoint_is_of_one_command_and_survives_it(tmp_path: Path) -> None:
    one, other = (Checkpoint(tmp_path / "new", what) for what in "ab")
    progress = Progress("incoming/é\n😀", 12, "2026-11-22T08:15:30Z")
    one.write(progress)
    assert (Checkpoint(tmp_path / "new", "a").read(), other.read()) == (progress, None)
    one.remove()
    one.remove()
    assert one.read() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"after": "a"}', '{"sent": null, "after": ""}'])
def test_a_checkpoint_that_is_broken_is_none(tmp_path: Path, text: str) -> None:
    broken = Checkpoint(tmp_path, "a")
    broken.path.write_text(text, encoding="utf-8")
    assert broken.read() is None


def test_a_checkpoint_that_cannot_be_written_says_how_to_choose_its_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="XDG_STATE_HOME"):
        Checkpoint(tmp_path / "file", "a").write(Progress("a", 1, ""))
    assert folder({"XDG_STATE_HOME": "/x"}) == Path("/x/landrun")
    assert folder({"XDG_STATE_HOME": "not/absolute"}) == folder({})
    assert folder({}).parts[-3:] == (".local", "state", "landrun")


# ---- What is said


def test_counts_are_said_a_line_each_and_keys_cannot_move_the_cursor() -> None:
    survey = Survey(objects=2_000, bytes=2_000_000, known=3, to_send=1_990, unversioned=2)
    survey.left_out.update({"zero-bytes": 5, "forgotten": 2})
    assert survey_lines(survey, LANDING, "schedule") == [
        "s3://landings/incoming/",
        " 2,000 objects, 2.0 MB",
        "     3 left out: have a run, or wait for one",
        "     5 left out: empty",
        "     2 left out: over 400 days old, whether run is forgotten: landrun start",
        "     2 without a version id: known by key and time, as with --missing",
        " 1,990 to send: the next tick takes them",
    ]
    assert "\x1b" not in resumed_text(Progress("a\x1b[2J", 1, "2026"))
