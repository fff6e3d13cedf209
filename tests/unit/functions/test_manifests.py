"""Manifests, against moto's S3: conditional writes and user metadata as S3 has them."""

from __future__ import annotations

import json
import random

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from landrun.adapters.manifests import Collected, Manifests, manifest_body
from landrun.errors import ServiceError
from landrun.models.run import ObjectCreatedTrigger, ScheduleTrigger, tick_run_name
from landrun.models.s3_uri import S3Uri

TICK = ScheduleTrigger(
    ScheduleArn="arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly",
    ScheduledTime="2026-11-22T03:00:00Z",
)
METADATA_LIMIT = 2048
"""Bytes of names and values together (Amazon S3 user guide, "Working with object metadata")."""


@pytest.fixture
def manifests(s3):
    return Manifests(s3, "outputs", "manifests/")


def test_a_manifest_is_what_sagemaker_reads(manifests, s3):
    written = manifests.write_once("run-1", "landings", ["a+b.csv", "é 😀.csv"])
    body = s3.get_object(Bucket="outputs", Key="manifests/run-1.json")["Body"].read()
    assert json.loads(body) == [{"prefix": "s3://landings/"}, "a+b.csv", "é 😀.csv"]
    assert (written.written, str(written.uri)) == (True, "s3://outputs/manifests/run-1.json")


def test_a_manifest_that_stands_is_never_changed(manifests):
    manifests.write_once("run-1", "landings", ["first.csv"])
    second = manifests.write_once("run-1", "landings", ["second.csv"])
    assert (second.keys, second.bucket, second.written) == (("first.csv",), "landings", False)


def test_a_manifest_that_is_not_there_is_none(manifests):
    assert manifests.find("run-1") is None


def test_the_same_objects_make_the_same_bytes():
    assert manifest_body("b", ["x", "y"]) == manifest_body("b", ("x", "y"))


def test_a_listing_goes_on_over_its_pages(manifests, s3, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    s3.create_bucket(Bucket="landings")
    for number in range(7):
        s3.put_object(Bucket="landings", Key=f"in/{number:04}", Body=b"x")
    s3.put_object(Bucket="landings", Key="other", Body=b"x")
    found = list(manifests.list_objects(S3Uri("landings", "in/")))
    assert [entry.key for entry in found] == [f"in/{number:04}" for number in range(7)]
    assert {entry.size for entry in found} == {1}


def test_a_missing_bucket_is_a_service_error_that_names_the_call(aws):
    lost = Manifests(aws("s3"), "nowhere", "manifests/")
    with pytest.raises(ServiceError, match="s3:PutObject: NoSuchBucket"):
        lost.write_once("run-1", "landings", ["a"])


def landing_trigger(key: str) -> ObjectCreatedTrigger:
    return ObjectCreatedTrigger(
        Bucket="b" * 63,
        Key=key,
        VersionId="s6XXmyhXQ2b5Krp0R6uv1Czb3URj1MkP",
        Sequencer="006B02A4A2C5F96E75" + "F" * 14,
        Size=5 * 1024**4,
        EventTime="2026-11-22T08:15:30Z",
    )


class Bucket:
    """S3's answer to a conditional put, and to nothing else."""

    def put_object(self, **request):
        self.metadata = request["Metadata"]


def metadata_of(trigger) -> dict[str, str]:
    bucket = Bucket()
    Manifests(bucket, "outputs", "manifests/").write_once("run-1", "b", ["k"], trigger)
    return bucket.metadata


def spelled(metadata: dict[str, str]) -> int:
    return sum(len(f"{name}{value}".encode("ascii")) for name, value in metadata.items())


ALPHABETS = {
    "quotes": '"\\',
    "control characters": "".join(map(chr, range(1, 32))) + "\x7f",
    "ASCII": "".join(map(chr, range(32, 127))),
    "two bytes": "".join(map(chr, range(0x80, 0x800))),
    "three bytes": "".join(map(chr, range(0x800, 0xD800))),
    "four bytes": "".join(map(chr, range(0x10000, 0x10FFFF, 97))),
}
ALPHABETS["everything of a byte"] = "".join(map(chr, range(1, 128)))
ALPHABETS["everything"] = "".join(letters[:100] for letters in ALPHABETS.values())


@pytest.mark.parametrize("kind", ALPHABETS)
def test_the_trigger_of_the_longest_key_fits_the_metadata_that_s3_keeps(kind):
    source = random.Random(kind)
    key = ""
    while len((more := key + source.choice(ALPHABETS[kind])).encode()) <= 1024:
        key = more
    assert spelled(metadata_of(landing_trigger(key))) <= METADATA_LIMIT


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_whatever_the_key_its_trigger_is_plain_ascii_that_fits(key):
    shortened = key.encode()[:1024].decode("utf-8", "ignore")
    assert spelled(metadata_of(landing_trigger(shortened))) <= METADATA_LIMIT


@pytest.mark.parametrize("trigger", [landing_trigger("é 😀\n+%2B\"'.csv"), TICK])
def test_a_manifest_says_what_its_run_is_started_by(manifests, trigger):
    assert manifests.write_once("run-1", "landings", ["a"], trigger).trigger == trigger
    assert manifests.find("run-1").trigger == trigger
    assert manifests.write_once("run-1", "landings", ["b"]).trigger == trigger


@pytest.mark.parametrize("about", [{}, {"trigger": "no base64!"}, {"trigger": "bm8gemxpYg=="}])
def test_a_manifest_of_others_says_nothing_of_a_trigger(manifests, s3, about):
    body = manifest_body("landings", ["a"]).encode()
    s3.put_object(Bucket="outputs", Key="manifests/run-1.json", Body=body, Metadata=about)
    found = manifests.find("run-1")
    assert (found.keys, found.trigger, found.landings) == (("a",), None, None)


@pytest.mark.parametrize(
    ("key", "run"),
    [
        ("manifests/landrun-1.json", "landrun-1"),
        ("manifests/landrun-1.0123456789abcdef.landings.json", None),
        ("manifests/landrun-1.txt", None),
        ("manifests/deeper/landrun-1.json", None),
        ("elsewhere/landrun-1.json", None),
        ("landrun-1.json", None),
        ("manifests/landrun-1", None),
    ],
)
def test_only_the_key_of_a_manifest_names_a_run(key, run):
    assert Manifests(None, "outputs", "manifests/").run_of(key) == run


@pytest.mark.parametrize("name", ["", "a b", "-", "x" * 55, "a\x1b[2J", "é", "a--", "a.b", "a/b"])
def test_an_object_beside_the_manifests_that_no_run_is_called_after_names_none(name):
    assert Manifests(None, "outputs", "manifests/").run_of(f"manifests/{name}.json") is None


def test_every_runs_manifest_names_it():
    manifests = Manifests(None, "outputs", "manifests/")
    run = tick_run_name("landrun", TICK.ScheduleArn, TICK.ScheduledTime, 3)
    assert manifests.run_of(manifests.uri(run).key) == run


def test_what_was_collected_reads_back_exactly(manifests, landed):
    collected = Collected(
        (
            landed("incoming/é 😀 +.csv", sequencer="0A"),
            landed("b", **{"version-id": "null", "size": None}),
        ),
        last=False,
    )
    written = manifests.write_collected("run-1", collected, TICK)
    assert manifests.collected(written) == collected
    assert manifests.collected(manifests.find("run-1")) == collected
    assert written.keys == ("incoming/é 😀 +.csv", "b")


def test_a_key_that_was_collected_in_two_versions_is_read_once(manifests, landed):
    twice = tuple(
        landed("a", **{"sequencer": None, "version-id": version}) for version in ("v1", "v2")
    )
    written = manifests.write_collected("run-1", Collected(twice, last=True), TICK)
    assert written.keys == ("a",)
    assert manifests.collected(written).landings == twice


def test_of_two_attempts_the_first_manifest_stands_with_its_own_list(manifests, landed):
    first = Collected((landed("a", sequencer="0A"),), last=True)
    second = Collected((landed("a", sequencer="0B"), landed("b")), last=False)
    manifests.write_collected("run-1", first, TICK)
    found = manifests.write_collected("run-1", second, TICK)
    assert (found.keys, found.written) == (("a",), False)
    assert manifests.collected(found) == first


def test_the_same_collection_is_listed_under_the_same_key(manifests, s3, landed):
    collected = Collected((landed("a"),), last=True)
    one = manifests.write_collected("run-1", collected, TICK)
    other = manifests.write_collected("run-1", collected, TICK)
    assert one.landings == other.landings
    assert len(s3.list_objects_v2(Bucket="outputs")["Contents"]) == 2


def test_a_manifest_that_collected_nothing_is_the_last_of_its_tick(manifests):
    written = manifests.write_once("run-1", "landings", ["a"], TICK)
    assert manifests.collected(written) == Collected((), last=True)


def test_manifests_are_listed_after_a_key_with_their_age(manifests, s3):
    for run in ("run-1", "run-2", "run-3"):
        manifests.write_once(run, "landings", ["a"])
    s3.put_object(Bucket="outputs", Key="processed/run-1/part-0.parquet", Body=b"x")
    found = list(manifests.listed_after("manifests/run-1.json"))
    assert [entry.key for entry in found] == ["manifests/run-2.json", "manifests/run-3.json"]
    assert all(entry.modified.tzinfo for entry in found)
    assert len(list(manifests.listed_after(""))) == 3


def at_the_same_time(s3, times: int) -> None:
    """Let S3 refuse the next writes because of another one that is under way."""
    left = iter(range(times))

    def conflict(**_: object) -> None:
        if next(left, None) is not None:
            said = {"Error": {"Code": "ConditionalRequestConflict", "Message": "try again"}}
            raise ClientError(said, "PutObject")

    s3.meta.events.register("provide-client-params.s3.PutObject", conflict)


def test_a_write_at_the_same_time_as_another_is_tried_again(manifests, s3):
    at_the_same_time(s3, times=2)
    assert manifests.write_once("run-1", "landings", ["a.csv"]).written


def test_a_write_that_is_always_in_the_way_of_others_fails_and_comes_again(manifests, s3):
    at_the_same_time(s3, times=10)
    with pytest.raises(ServiceError, match="ConditionalRequestConflict"):
        manifests.write_once("run-1", "landings", ["a.csv"])
