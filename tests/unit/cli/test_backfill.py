"""Backfills: which objects are sent, as what, how fast, and from where they go on."""

from __future__ import annotations

import io
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
from landrun_ops.actions.backfill import Backfill, Sender, Survey, object_created, place
from landrun_ops.actions.checkpoint import Bookmark, Place, folder
from landrun_ops.cli import count_progress as counting
from landrun_ops.cli.backfill_run import LEFT_OUT, resumed, survey_lines
from landrun_ops.stack.landings import Known, item_id
from landrun_ops.stack.object_versions import Version, Versions
from landrun_ops.stack.processed_versions import Knows
from landrun_ops.stack.runs_table import Only
from records import record

NOW = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
QUEUE = "arn:aws:sqs:us-east-1:123456789012:landrun-LandingQueue"
LANDING = S3Uri("landings", "incoming/")
FILTER = LandingFilter("incoming/", ".jsonl", (("outputs", "processed/"),))


def version(key: str = "incoming/a.jsonl", version_id: str | None = "v1", **more: Any) -> Version:
    return Version(key, version_id, **({"modified": NOW, "size": 7} | more))


# ---- sequencers


def sequencer_of_event(at: datetime, fraction: str = "80000000") -> str:
    return ordered(f"00{int(at.timestamp()):08X}{fraction}")


@pytest.mark.parametrize("fraction", ["00000000", "80000000", "FFFFFFFF"])
@pytest.mark.parametrize("earlier", [0, 1, 3600])
def test_a_made_up_sequencer_is_after_that_of_any_older_version(
    fraction: str, earlier: int
) -> None:
    older = NOW - timedelta(seconds=earlier)
    assert ordered(version(after=older).sequencer) > sequencer_of_event(older, fraction)


@pytest.mark.parametrize("older", [None, NOW, NOW - timedelta(seconds=1)])
def test_a_made_up_sequencer_is_before_any_version_of_a_second_later(older: datetime) -> None:
    newer = sequencer_of_event(NOW + timedelta(seconds=1), "00000001")
    assert ordered(version(after=older).sequencer) < newer


def test_an_upload_that_began_before_an_older_version_landed_comes_after_it() -> None:
    upload = version(after=NOW + timedelta(seconds=40))
    assert ordered(upload.sequencer) > sequencer_of_event(NOW + timedelta(seconds=40), "FFFFFFFF")


def test_without_a_version_id_the_sequencer_is_always_the_same_for_it_names_the_run() -> None:
    older = [None, NOW, NOW - timedelta(days=1)]
    assert len({version(version_id=None, after=at).sequencer for at in older}) == 1


# ---- the event


def test_the_event_gives_its_run_the_name_that_s3s_own_would_give(load_event: Any) -> None:
    [record] = load_event("object-created")["Records"]
    real = json.loads(record["body"])
    said = real["detail"]["object"]
    bucket, etag = real["detail"]["bucket"]["name"], said["etag"]
    found = version(said["key"], said["version-id"], size=said["size"], etag=etag)

    made = object_created(bucket, found, QUEUE)
    ours, theirs = parse_object_created(json.dumps(made)), parse_object_created(json.dumps(real))

    assert (ours.bucket, ours.key, ours.version, ours.size, ours.event_time) == (
        theirs.bucket,
        theirs.key,
        theirs.version,
        theirs.size,
        theirs.event_time,
    )
    assert landing_id(ours) == landing_id(theirs)
    assert made.keys() == real.keys()
    assert made["detail"]["object"].keys() == said.keys()
    assert made["detail"]["reason"] == "landrun backfill"


@pytest.mark.parametrize("key", ["incoming/a+b%2B é😀.jsonl", "incoming/a\nb", 'incoming/".x'])
def test_any_key_arrives_as_it_is(key: str) -> None:
    event = object_created("landings", version(key, None), QUEUE)
    assert parse_object_created(json.dumps(event)).key == key
    assert "version-id" not in event["detail"]["object"]


# ---- what to look at


@pytest.mark.parametrize(
    ("asked", "looked_at"),
    [
        ("s3://landings/incoming/2026/", "s3://landings/incoming/2026/"),
        ("s3://landings/incoming/a.jsonl", "s3://landings/incoming/a.jsonl"),
        ("s3://landings", "s3://landings/incoming/"),
        ("s3://landings/inc", "s3://landings/incoming/"),
    ],
)
def test_only_what_starts_runs_is_looked_at(asked: str, looked_at: str) -> None:
    assert str(place(asked, LANDING)) == looked_at


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
        place(asked, LANDING)


# ---- what is known


class FakeLedger:
    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = set(names)

    def find_progress(self, names: Sequence[str]) -> dict[str, tuple[int, int]]:
        assert len(names) <= 100
        return {name: (0, 1) for name in names if name in self.names}


class FakeLandings:
    def __init__(self, **known: Known) -> None:
        self.table = {f"incoming/{name}.jsonl": one for name, one in known.items()}
        self.created = NOW - timedelta(days=10)

    def of_keys(self, bucket: str, keys: Sequence[str]) -> dict[str, Known]:
        return {key: self.table[key] for key in keys if key in self.table}

    def created_at(self) -> datetime:
        return self.created


class FakeRuns:
    def __init__(self, *runs: RunRecord) -> None:
        self.runs = runs

    def newest(
        self, now: datetime, *pages: int, only: Only | None = None, looking: Any = None
    ) -> Iterator[RunRecord]:
        return iter(self.runs)


def knows(
    *names: str, runs: Sequence[RunRecord] = (), collects: bool = False, **landed: Known
) -> Any:
    doors: dict[str, Any] = {
        "ledger": FakeLedger(names),
        "landings": FakeLandings(**landed),
        "runs": FakeRuns(*runs),
    }
    return Knows("landings", "landrun", now=NOW, collects=collects, **doors)


def name_of(one: Version) -> str:
    return landing_run_name("landrun", "landings", one.key, one.version_id or "")


def test_a_version_is_known_by_its_run_or_by_the_table_and_no_other_is() -> None:
    a, b, c = (version(f"incoming/{name}.jsonl") for name in "abc")
    found = knows(name_of(a), b=Known(version_id="v1"), c=Known(version_id="v0"))
    assert found.among([a, b, c]) == {a.key, b.key}


def test_a_version_whose_run_has_a_name_of_before_the_prefix_was_changed_is_known() -> None:
    one = version()
    old = landing_run_name("nightly", "landings", one.key, str(one.version_id))
    assert knows(old, runs=[record({"name": old})]).among([one]) == {one.key}
    assert knows(old, runs=[record({"name": "Not-a-prefix-1"})]).among([one]) == set()


def test_more_than_one_call_can_ask_for_are_asked_for_in_several() -> None:
    many = [version(f"incoming/{n}.jsonl") for n in range(250)]
    assert len(knows(*map(name_of, many)).among(many)) == 250


@pytest.mark.parametrize(("seconds", "known"), [(-60, False), (-3, True), (0, True), (60, True)])
def test_without_a_version_id_a_run_of_the_key_since_it_landed_counts(
    seconds: int, known: bool
) -> None:
    one, at = version(version_id=None), (NOW + timedelta(seconds=seconds)).isoformat()
    trigger = {"Kind": "object-created", "Bucket": "landings", "Key": one.key, "EventTime": at}
    by_run = knows(runs=[record({"name": "r", "trigger": trigger})])
    by_table = knows(a=Known(event_time=at))
    assert by_run.among([one]) == by_table.among([one]) == ({one.key} if known else set())


def test_runs_of_other_buckets_and_kinds_make_no_key_known() -> None:
    one = version(version_id=None)
    elsewhere = {"Kind": "object-created", "Bucket": "b", "Key": one.key, "EventTime": str(NOW)}
    runs = [record({"name": "r", "trigger": elsewhere}), record({"name": "s", "trigger": "odd"})]
    assert knows(runs=runs).among([one]) == set()


def test_only_a_table_that_is_old_enough_can_have_forgotten_a_landing() -> None:
    old = version(modified=NOW - timedelta(days=500))
    young, forgetful = knows(collects=True), knows(collects=True)
    forgetful.landings.created = NOW - timedelta(days=600)
    assert not young.may_have_forgotten(old)
    assert forgetful.may_have_forgotten(old)
    assert not forgetful.may_have_forgotten(version())
    assert not knows(collects=False).may_have_forgotten(old)


def test_the_item_of_a_key_is_that_of_its_landings() -> None:
    landing = Landing("landings", "incoming/a", "v1", "0A", 1, "")
    assert item_id("landings", "incoming/a") == landing_id(landing)


# ---- what is there: S3, as moto has it


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="landings")
        yield client


def put(s3: Any, *keys: str) -> dict[str, str]:
    put = (s3.put_object(Bucket="landings", Key=key, Body=b"{}") for key in keys)
    return {key: answer.get("VersionId") for key, answer in zip(keys, put, strict=True)}


def versioned(s3: Any) -> None:
    status = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket="landings", VersioningConfiguration=status)


def test_the_current_version_of_each_object_that_is_not_deleted_is_found(s3: Any) -> None:
    put(s3, "incoming/before", "other/x")
    versioned(s3)
    put(s3, "incoming/a +é.jsonl", "incoming/gone")
    current = put(s3, "incoming/a +é.jsonl")
    s3.delete_object(Bucket="landings", Key="incoming/gone")
    found = list(Versions(s3).current(LANDING))
    assert {one.key: one.version_id for one in found} == {**current, "incoming/before": None}
    assert found[0].after is not None
    assert not any(one.archived for one in found)


def test_a_listing_goes_on_after_a_key(s3: Any) -> None:
    put(s3, *(f"incoming/{n}" for n in range(5)))
    found = Versions(s3).current(LANDING, after="incoming/2")
    assert [one.key for one in found] == ["incoming/3", "incoming/4"]


def test_all_versions_of_one_key_are_found_and_none_of_a_longer_one(s3: Any) -> None:
    versioned(s3)
    old, new = (put(s3, "incoming/a")["incoming/a"] for _ in range(2))
    put(s3, "incoming/ab")
    s3.delete_object(Bucket="landings", Key="incoming/a")
    found = Versions(s3).of_key(S3Uri("landings", "incoming/a"))
    assert found[0].deletion
    assert {one.version_id for one in found[1:]} == {old, new}


def test_a_bucket_that_is_not_there_is_a_service_error(s3: Any) -> None:
    with pytest.raises(ServiceError, match="NoSuchBucket"):
        list(Versions(s3).current(S3Uri("nowhere", "")))


def backfill(s3: Any, missing: bool = True, **known: Any) -> Backfill:
    return Backfill(Versions(s3), LANDING, FILTER, knows(**known), missing)


def surveyed(found: Backfill) -> Survey:
    *_, survey = found.survey()
    return survey


def test_what_starts_no_run_is_left_out_and_counted_by_why(s3: Any) -> None:
    put(s3, "incoming/a.jsonl", "incoming/b.csv", "incoming/c/", "incoming/d//e.jsonl")
    s3.put_object(Bucket="landings", Key="incoming/f.jsonl")
    s3.put_object(
        Bucket="landings", Key="incoming/g.jsonl", Body=b"{}", StorageClass="DEEP_ARCHIVE"
    )
    survey = surveyed(backfill(s3))
    assert [one.key for one in survey.kept] == ["incoming/a.jsonl"]
    assert survey.left_out == {
        "suffix": 1,
        "folder-marker": 1,
        "unreadable-key": 1,
        "zero-bytes": 1,
        "archived": 1,
    }
    assert survey.left_out.keys() <= LEFT_OUT.keys()
    assert (survey.objects, survey.to_send, survey.unversioned) == (6, 1, 1)


def test_without_missing_all_versions_are_sent_known_or_not(s3: Any) -> None:
    versioned(s3)
    [found] = put(s3, "incoming/a.jsonl").values()
    known = {"a": Known(version_id=found)}
    assert surveyed(backfill(s3, missing=True, **known)).to_send == 0
    assert surveyed(backfill(s3, missing=False, **known)).to_send == 1


def test_an_object_without_versions_is_never_sent_when_it_is_known(s3: Any) -> None:
    put(s3, "incoming/a.jsonl")
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert surveyed(backfill(s3, missing=False, a=Known(event_time=later))).known == 1


def test_of_more_than_is_kept_s3_is_asked_again(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfilling, "KEPT", 2)
    monkeypatch.setattr(backfilling, "CHUNK", 2)
    put(s3, *(f"incoming/{n}.jsonl" for n in range(5)))
    found = backfill(s3)
    survey = surveyed(found)
    assert (survey.to_send, len(survey.kept), survey.is_whole) == (5, 2, False)
    assert len(list(found.to_send(survey))) == 5
    assert len(list(found.to_send(survey, after="incoming/2.jsonl"))) == 2


# ---- sending


class FakeQueue:
    """Takes messages; refuses those whose turn it is, for now or for good."""

    def __init__(self, refuse: Callable[[int], bool] = lambda _: False, fault: bool = False):
        self.taken: list[str] = []
        self.sizes: list[int] = []
        self._calls = 0
        self._refuse, self._fault = refuse, fault

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        failed = []
        self.sizes.append(len(Entries))
        for entry in Entries:
            self._calls += 1
            if self._refuse(self._calls):
                failed.append({"Id": entry["Id"], "Code": "Busy", "SenderFault": self._fault})
            else:
                self.taken.append(json.loads(entry["MessageBody"])["detail"]["object"]["key"])
        return {"Failed": failed} if failed else {}


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def sender(queue: FakeQueue, rate: int = 50) -> tuple[Sender, Time]:
    time = Time()
    return Sender(queue, "url", QUEUE, rate, lambda: time.now, time.sleep), time


def some(count: int) -> Iterator[Version]:
    return (version(f"incoming/{n:02}.jsonl") for n in range(count))


@pytest.mark.parametrize(("rate", "seconds", "largest"), [(50, 0.4, 10), (5, 4, 5), (1, 24, 1)])
def test_messages_leave_at_no_more_than_the_rate(rate: int, seconds: float, largest: int) -> None:
    queue = FakeQueue()
    sending, time = sender(queue, rate)
    sent = [one.key for batch in sending.send("landings", some(25)) for one in batch]
    assert sent == queue.taken == [one.key for one in some(25)]
    assert time.now == pytest.approx(seconds)
    assert max(queue.sizes) == largest


def test_what_sqs_did_not_take_is_sent_again_and_nothing_else() -> None:
    queue = FakeQueue(refuse=lambda call: call in (2, 5, 11))
    sending, _ = sender(queue)
    batches = list(sending.send("landings", some(10)))
    assert len(batches) == 1
    assert sorted(queue.taken) == [one.key for one in some(10)]
    assert queue.sizes == [10, 2, 1]


@pytest.mark.parametrize(("fault", "calls"), [(True, 1), (False, backfilling.ATTEMPTS)])
def test_what_sqs_never_takes_ends_the_backfill_before_the_batch_counts(
    fault: bool, calls: int
) -> None:
    queue = FakeQueue(refuse=lambda _: True, fault=fault)
    sending, _ = sender(queue)
    with pytest.raises(ServiceError, match=r"sqs:SendMessageBatch: Busy"):
        next(sending.send("landings", some(3)))
    assert len(queue.sizes) == calls


# ---- where it stands


def test_a_bookmark_is_of_one_command_and_survives_it(tmp_path: Path) -> None:
    mark, other = Bookmark(tmp_path / "new", "a"), Bookmark(tmp_path / "new", "b")
    stands = Place("incoming/é\n😀", 12, "2026-11-22T08:15:30Z")
    mark.move(stands)
    assert (Bookmark(tmp_path / "new", "a").read(), other.read()) == (stands, None)
    mark.remove()
    mark.remove()
    assert mark.read() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"after": "a"}', '{"sent": null, "after": ""}'])
def test_a_bookmark_that_is_broken_is_none(tmp_path: Path, text: str) -> None:
    mark = Bookmark(tmp_path, "a")
    mark.path.write_text(text, encoding="utf-8")
    assert mark.read() is None


def test_a_bookmark_that_cannot_be_written_says_how_to_choose_its_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="XDG_STATE_HOME"):
        Bookmark(tmp_path / "file", "a").move(Place("a", 1, ""))


def test_bookmarks_lie_where_states_do() -> None:
    assert folder({"XDG_STATE_HOME": "/x"}) == Path("/x/landrun")
    assert folder({"XDG_STATE_HOME": "not/absolute"}) == folder({})
    assert folder({}).parts[-3:] == (".local", "state", "landrun")


# ---- what is said


def test_counts_are_said_a_line_each_and_keys_cannot_move_the_cursor() -> None:
    survey = Survey(objects=2_000, known=3, to_send=1_990, unversioned=2)
    survey.left_out.update({"zero-bytes": 5, "forgotten": 2})
    lines = survey_lines(survey, LANDING, "schedule")
    assert lines[-1] == " 1,990 to send: the next tick takes them"
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b" not in resumed(Place("a\x1b[2J", 1, "2026"))


def test_without_somebody_to_ask_only_yes_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    counting.ask("Send?", yes=True)
    with pytest.raises(ConfigurationError, match="--yes"):
        counting.ask("Send?", yes=False)


def test_a_count_that_nobody_watches_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "SECONDS_BETWEEN_LINES", 0)
    with counting.counted("sent", 1000) as count:
        count(10)
    assert capsys.readouterr().err == "sent: 10 of 1,000\n"
