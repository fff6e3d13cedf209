"""What runs read, and what `landrun start` and `rerun` would read and write."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest

from landrun.adapters.manifests import Collected, manifest_body
from landrun.errors import ConfigurationError, InvalidInput, LandrunError, ServiceError
from landrun.models.landing import Landing
from landrun.models.run import ManualTrigger
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions import start as starting
from landrun_ops.actions.start import gather, input_message_today
from landrun_ops.cli.rerun import LEFT_STOPPED, REPAIRED, UNDER_WAY, check, choose, start_again
from landrun_ops.stack.inputs import Input, Inputs, find_readers, parse
from landrun_ops.stack.stack import Stack
from records import record

from .conftest import OUTPUTS

RANDOM = uuid.UUID("6f7f0c52-7d2c-4f0e-9a55-2f1b6f6e9d11")
NAME = f"landrun-{RANDOM.hex}"
MANIFESTS = "s3://output/manifests/"
OWN_MANIFEST = f"{MANIFESTS}{NAME}.json"
DAYS = ("days/2026-11-01.csv", "days/2026-11-02/a.csv", "days/2026-12-01.csv")
ONES = ("one/a b.csv", "one/a b.csv.bak", "one/deep/c+d.csv")
OBJECTS = dict.fromkeys(("in/a.csv", *ONES, *DAYS, "odd//b.csv"), b"x")
OTHERS = {
    "in/": b"",
    "in/empty.csv": b"",
    "m/one.json": b'[{"prefix": "s3://landing/in/"}, "a.csv"]',
    "m/two.json": b'[{"prefix": "s3://landing/one/"}, "a b.csv", "a b.csv.bak"]',
    "m/text.json": b'[{"text": "hi"}]',
}
"""What lies in the landing bucket beside objects of one byte: none of them is data as it stands."""


@pytest.fixture
def stack(aws):
    for bucket in ("landing", "output", "other"):
        aws("s3").create_bucket(Bucket=bucket)
    for key, body in (OBJECTS | OTHERS).items():
        aws("s3").put_object(Bucket="landing", Key=key, Body=body)
    return Stack("s", "us-east-1", OUTPUTS, {}, aws)


def passing_uris(stack):
    return replace(stack, outputs=OUTPUTS | {"InputMessageFormat": "uri"})


def uris(*keys):
    return [S3Uri("landing", key) for key in keys]


def planned(stack, sources, output=""):
    return starting.plan(stack, sources, S3Uri.parse(output) if output else None, RANDOM)


@pytest.mark.parametrize(
    ("keys", "read", "left_out"),
    [
        (["in"], ["in/a.csv"], {"zero-bytes": 1, "folder-marker": 1}),
        (["days/2026-11-*"], DAYS[:2], {}),
        (["one/deep", "one", "one/deep/c+d.csv"], [ONES[2], *ONES[:2]], {}),
    ],
    ids=["folder", "any end", "each object once"],
)
def test_sources_are_read_without_what_no_job_can_read(stack, keys, read, left_out):
    sizes = dict.fromkeys(read, 1)
    assert gather(stack, uris(*keys)) == (Input("landing", tuple(read), sizes), left_out)


@pytest.mark.parametrize(
    ("key", "manifest", "uri"),
    [
        pytest.param("in", OWN_MANIFEST, "s3://landing/in/", id="folder"),
        pytest.param("in/a*", OWN_MANIFEST, "s3://landing/in/a", id="any end"),
        pytest.param("m/one.json", "s3://landing/m/one.json", "s3://landing/in/a.csv", id="own"),
        pytest.param("m/two.json", "s3://landing/m/two.json", None, id="own, of several objects"),
        pytest.param("m/text.json", OWN_MANIFEST, "s3://landing/m/text.json", id="JSON messages"),
    ],
)
def test_input_message_names_what_is_read_in_the_format_of_the_stack(stack, key, manifest, uri):
    assert planned(stack, uris(key)).run.InputMessage == manifest
    if uri:
        assert planned(passing_uris(stack), uris(key)).run.InputMessage == uri
    else:
        with pytest.raises(InvalidInput, match="start one run per object"):
            planned(passing_uris(stack), uris(key))
    assert stack.client("s3").list_objects_v2(Bucket="output")["KeyCount"] == 0


def test_a_surprising_input_or_output_is_warned_of(stack):
    [warning] = planned(passing_uris(stack), uris("in/")).warnings
    assert "reads all under s3://landing/in/, also the 2 left out" in warning
    [warning] = planned(stack, uris("in/"), "s3://other/out").warnings
    assert "fails at its end unless it was given s3:PutObject" in warning


@pytest.mark.parametrize(
    ("sources", "output", "error", "words"),
    [
        (["s3://landing/in/"], "s3://landing/incoming/out", ConfigurationError, "would start runs"),
        (["s3://landing/in/"], "s3://output/manifests/x", ConfigurationError, "would be manifests"),
        (["s3://nowhere/in/"], "", ServiceError, "NoSuchBucket"),
        (["s3://landing/nothing/"], "", ConfigurationError, "nothing to read at s3://landing/noth"),
        (["s3://landing/odd//b.csv"], "", LandrunError, "rename the object"),
        (["s3://landing/a", "s3://output/a"], "", ConfigurationError, "a run for each bucket"),
    ],
)
def test_harmful_outputs_and_missing_sources_are_refused(stack, sources, output, error, words):
    with pytest.raises(error, match=words):
        planned(stack, [S3Uri.parse(source) for source in sources], output)


@pytest.mark.parametrize(
    ("before", "manifest", "uri"),
    [
        # The other run's InputMessage, and what it is in each format of today.
        (f"{MANIFESTS}two.json", f"{MANIFESTS}two.json", None),
        (f"{MANIFESTS}tick.json", f"{MANIFESTS}tick.json", "s3://landing/one/"),
        ("s3://landing/in/a.csv", OWN_MANIFEST, "s3://landing/in/a.csv"),
        ("s3://landing/in/", OWN_MANIFEST, "s3://landing/in/"),
        ("s3://landing/gone/", None, "s3://landing/gone/"),
    ],
)
def test_a_rerun_passes_the_same_input_in_the_stacks_format(stack, before, manifest, uri):
    manifests = stack.manifests()
    manifests.write_once("two", "landing", ["in/a.csv", "one/a b.csv"])
    prefix = S3Uri("landing", "one/")
    manifests.write_once("tick", "landing", ["one/a b.csv", "one/gone"], prefix=prefix)
    for where, expected in ((stack, manifest), (passing_uris(stack), uri)):
        if expected is None:
            with pytest.raises(LandrunError):
                input_message_today(where, NAME, before)
        else:
            assert input_message_today(where, NAME, before) == expected


def test_a_run_over_a_prefix_runs_again_over_the_objects_that_lay_there(stack):
    manifests = stack.manifests()
    manifests.write_once(NAME, "landing", ["in/a.csv", "in/since-deleted.csv"])
    input_message_today(stack, NAME, "s3://landing/in/")
    assert manifests.find(NAME).keys == ("in/a.csv", "in/since-deleted.csv")


def run(name, status="FAILED", of=None, **more):
    row = {"name": name, "status": status, "input_message": f"s3://out/manifests/{name}.json"}
    return record(row | ({"rerun_of": of} if of else {}) | more)


@pytest.mark.parametrize(
    ("newest_first", "chosen", "left_out"),
    [
        ([run("c", "TIMED_OUT"), run("b", "SUCCEEDED"), run("a")], ["a", "c"], (0, 0, 0)),
        ([run("b", "SUCCEEDED", of="a"), run("a")], [], (1, 0, 0)),
        ([run("b", "RUNNING", of="a"), run("a")], [], (0, 1, 0)),
        ([run("b", of="a"), run("a", "ABORTED")], ["b"], (0, 0, 0)),
        ([run("b", "ABORTED", of="a"), run("a")], [], (0, 0, 1)),
        ([run("c", "SUCCEEDED", of="b"), run("b", of="a"), run("a")], [], (1, 0, 0)),
    ],
)
def test_the_newest_of_a_run_and_its_reruns_is_chosen_unless_left_out(
    newest_first, chosen, left_out
):
    found, others = choose(newest_first)
    assert [one.name for one in found] == chosen
    assert tuple(others[why] for why in (REPAIRED, UNDER_WAY, LEFT_STOPPED)) == left_out
    if left_out == (0, 0, 1):
        assert choose(newest_first, aborted=True)[0] == newest_first[:1]


def test_a_run_that_runs_or_whose_input_is_unknown_is_refused():
    with pytest.raises(ConfigurationError, match=r"still RUNNING.*--follow.*landrun stop"):
        check([run("a"), run("b", "RUNNING")])
    with pytest.raises(ConfigurationError, match="does not say what a read"):
        check([record({"name": "a", "status": "FAILED"})])


def test_once_gives_each_failure_one_name_so_that_it_runs_again_only_once():
    stack = Mock(processed=S3Uri("out", "processed/"), output={"JobNamePrefix": "x"}.__getitem__)
    failures = (run("a"), run("a"), run("a", redrive_count=1), run("b"))
    started = [start_again(stack, one, OWN_MANIFEST, "ana", once=True) for one in failures]
    first, again, *others = [one["name"] for one in started]
    assert first == again
    assert first not in others


NOW = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
LANDED = {"Kind": "object-created", "Bucket": "landing", "Key": "in/a.csv", "Size": 7}
MANIFEST = Input("landing", ONES[:2], {}, "s3://landing/m/two.json")


def test_a_manifest_names_a_bucket_and_whole_keys():
    assert parse(manifest_body("data", ["x/ä.csv"])) == Input("data", ("x/ä.csv",))
    assert parse('[{"prefix": "s3://data/x/"}, "a", 7]') == Input("data", ("x/a",))
    odd = ["", "{}", "[]", '["a"]', '[{"prefix": "x"}]', "[" * 9999]
    assert [parse(body) for body in odd] == [None] * len(odd)


@pytest.mark.parametrize(
    ("uri", "trigger", "read"),
    [
        ("s3://landing/in/a.csv", LANDED, Input("landing", ("in/a.csv",), {"in/a.csv": 7})),
        ("s3://landing/in/a.csv", {}, Input("landing", ("in/a.csv",), {"in/a.csv": 1})),
        ("s3://landing/m/two.json", LANDED, MANIFEST),
        ("s3://landing/in/", {"Kind": "schedule"}, MANIFEST),
        ("", {}, MANIFEST),
    ],
)
def test_a_run_reads_objects_of_a_manifest_or_one_object_or_a_prefix(stack, uri, trigger, read):
    run = record({"name": "two", "input_message": uri, "trigger": trigger})
    assert Inputs(stack.client("s3"), S3Uri("landing", "m/")).of_run(run) == read


def test_readers_are_runs_whose_manifest_names_the_object_and_no_other_version(stack, monkeypatch):
    manifests = stack.manifests()
    for name in ("of-key", "of-prefix"):
        manifests.write_once(name, "other", ["x", "y"])
    manifests.write_once("other-bucket", "landing", ["x"])
    manifests.write_once("refused", "other", ["x"], landings="gone")
    for name, version in (("old", "v0"), ("mine", "v1")):
        landing = Landing("other", "x", version, "1", 7, "")
        trigger = ManualTrigger(StartedBy="ana")
        manifests.write_collected(name, Collected((landing,), last=True), trigger)
    names = ("old", "mine", "of-key", "other-bucket", "refused", "gone")
    uris = {name: f"{MANIFESTS}{name}.json" for name in names} | {"of-prefix": "s3://other/in/"}
    runs = [
        record({"name": name, "trigger": {"Kind": "schedule"}, "input_message": uri})
        for name, uri in uris.items()
    ]
    reader = Mock(newest=lambda *_, only, **__: runs if only.kind == "schedule" else [])
    monkeypatch.setattr(Stack, "runs_reader", lambda _: reader)
    found = find_readers(stack, S3Uri("other", "x"), "v1", NOW, NOW)
    readers = {one.run.name: one.exact for one in found.found}
    assert readers == {"mine": True, "of-key": False, "of-prefix": False}
    assert (found.looked, found.of) == (6, 7)
