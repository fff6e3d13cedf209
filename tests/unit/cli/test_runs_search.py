"""Runs are found by what they read, and listed without holding them all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from landrun.adapters.manifests import manifest_body
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun_ops.cli.runs import STATUSES, Status, _say_what_was_left, _write
from landrun_ops.stack.inputs import HEAD, Input, Inputs, parse
from landrun_ops.stack.run_filter import SearchLimit
from landrun_ops.stack.run_search import Search
from records import record


def _landed(key: str) -> RunRecord:
    return record({"name": key, "trigger": {"Kind": "object-created", "Key": key}})


def _tick(name: str, manifest: str | None = None) -> RunRecord:
    uri = manifest or f"s3://out/manifests/{name}.json"
    return record({"name": name, "trigger": {"Kind": "schedule"}, "input_message": uri})


def _reading(
    found: dict[str, tuple[str, ...]],
) -> tuple[Callable[[RunRecord], Input | None], list[str]]:
    asked: list[str] = []

    def read(run: RunRecord) -> Input | None:
        uri = str(run.input_message)
        asked.append(uri)
        name = uri.rpartition("/")[2].removesuffix(".json")
        return Input("in", found[name]) if name in found else None

    return read, asked


def test_landings_are_told_by_their_trigger_and_others_by_their_manifests_in_order() -> None:
    read, asked = _reading({"t1": ("in/a.csv", "in/b.csv"), "t2": ("in/c.csv",)})
    runs = [_tick("t1"), _landed("in/b.csv"), _tick("t2"), _tick("gone"), _landed("in/z.csv")]
    found = [run.name for run in Search("b.csv", read).among(runs)]
    assert found == ["t1", "in/b.csv"]
    assert len(asked) == 3


def test_runs_over_one_manifest_read_it_once() -> None:
    read, asked = _reading({"t1": ("a",)})
    again = _tick("t2", "s3://out/manifests/t1.json")
    assert len(list(Search("a", read).among([_tick("t1"), again]))) == 2
    assert len(asked) == 1


def test_no_more_manifests_are_read_than_allowed_and_how_many_runs_were_left_is_known() -> None:
    read, asked = _reading({})
    search = Search("a", read, most=2)
    found = [run.name for run in search.among([*map(_tick, "pqrs"), _landed("a")])]
    assert (found, len(asked), search.left, search.manifests) == (["a"], 2, 2, 2)


def test_a_search_reads_only_a_little_ahead_of_what_is_taken() -> None:
    read, asked = _reading({str(n): ("a",) for n in range(300)})
    found = Search("a", read, most=300).among(_tick(str(n)) for n in range(300))
    assert next(found).name == "0"
    found.close()
    assert len(asked) < 100


def test_a_row_without_a_manifest_is_passed() -> None:
    read, _ = _reading({})
    assert list(Search("a", read).among([record()])) == []


def test_a_search_that_did_not_look_at_all_runs_says_back_to_when_it_looked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _say_what_was_left(None, SearchLimit(left=1))
    assert capsys.readouterr().err == ""
    _say_what_was_left(None, SearchLimit(left=0, back_to="2026-10-03T08:00:00.000Z"))
    said = capsys.readouterr().err
    assert "2026-10-03T08:00:00.000Z" in said
    assert "--since" in said


# Manifests


class FakeS3:
    """Objects by key of one bucket; HEAD of what is denied is Forbidden, as without ListBucket."""

    def __init__(self, objects: dict[str, bytes], denied: tuple[str, ...] = ()) -> None:
        self.objects = objects
        self.denied = denied
        self.metadata: dict[str, dict[str, str]] = {}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        body = self.objects[Key]
        about = {"ContentLength": len(body), "Metadata": self.metadata.get(Key, {})}
        return {"Body": io.BytesIO(body), **about}

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key in self.denied:
            raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject")
        return {"ContentLength": len(self.objects[Key])}


def test_a_manifest_names_bucket_and_whole_keys() -> None:
    assert parse(manifest_body("b", ["x/ä.csv"])) == Input("b", ("x/ä.csv",))
    assert parse('[{"prefix": "s3://b/x/"}, "a", 7]') == Input("b", ("x/a",))


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", '["a"]', '[{"prefix": 1}]', '[{"prefix": "x"}]', "[" * 9999, "3"]
)
def test_what_is_no_manifest_is_none(body: str) -> None:
    assert parse(body) is None


@pytest.mark.parametrize("uri", ["", "none", "s3://b", "s3://b/", "s3://b/gone.json"])
def test_where_no_manifest_lies_there_is_none(uri: str) -> None:
    assert Inputs(FakeS3({})).read(uri) is None


MESSAGES = b'{"text": "hi"}\n' * 1000
LANDED = {"Kind": "object-created", "Bucket": "b", "Key": "in/a.csv", "Size": 7}
OF_RUNS: list[tuple[str, dict[str, Any], Input | None]] = [
    ("s3://b/in/a.csv", LANDED, Input("b", ("in/a.csv",), {"in/a.csv": 7})),
    ("s3://b/m/r.json", LANDED, Input("b", ("x", "y"), {}, "s3://b/m/r.json")),
    ("s3://b/data.json", {}, Input("b", ("data.json",), {"data.json": len(MESSAGES)})),
    ("s3://b/in/", {"Kind": "schedule"}, Input("b", ("x", "y"), {}, "s3://b/m/r.json")),
    ("s3://b/in/2026-", {}, Input("b", ("x", "y"), {}, "s3://b/m/r.json")),
    ("", {}, Input("b", ("x", "y"), {}, "s3://b/m/r.json")),
]


@pytest.mark.parametrize(("uri", "trigger", "given"), OF_RUNS)
def test_a_run_reads_a_manifests_objects_or_an_object_or_what_lay_under_a_prefix(
    uri: str, trigger: dict[str, Any], given: Input | None
) -> None:
    s3 = FakeS3({"m/r.json": b'[{"prefix": "s3://b/"}, "x", "y"]', "data.json": MESSAGES})
    run = record({"name": "r", "input_message": uri, "trigger": trigger})
    assert Inputs(s3, S3Uri("b", "m/")).of_run(run) == given


def test_of_a_run_over_a_prefix_without_a_manifest_nothing_is_known() -> None:
    run = record({"name": "r", "input_message": "s3://b/in/"})
    assert Inputs(FakeS3({"in/": b""}), S3Uri("b", "m/")).of_run(run) is None


def test_of_an_object_that_is_no_manifest_only_the_beginning_is_read() -> None:
    s3 = FakeS3({"data.json": MESSAGES})
    body = s3.get_object("b", "data.json")["Body"]
    s3.get_object = lambda **_: {"Body": body, "ContentLength": len(MESSAGES)}  # type: ignore[method-assign]
    where = []
    body.close = lambda: where.append(body.tell())
    assert Inputs(s3).read("s3://b/data.json")
    assert where == [HEAD]


def test_sizes_come_from_the_list_of_landings() -> None:
    landings = {"landings": [{"key": "a", "size": 5}, {"key": "b", "size": None}, 7], "last": True}
    objects = {"m": b'[{"prefix": "s3://b/"}, "a", "b"]', "l": json.dumps(landings).encode()}
    s3 = FakeS3(objects | {"b": b"123"})
    inputs = Inputs(s3)
    assert inputs.read("s3://b/m") == Input("b", ("a", "b"), {}, "s3://b/m")
    s3.metadata["m"] = {"landings": "l"}
    given = inputs.read("s3://b/m")
    assert given is not None
    assert (given.sizes, given.bytes) == ({"a": 5}, None)


# The command


def test_failed_has_every_end_but_success() -> None:
    assert STATUSES[Status.failed] == {"FAILED", "TIMED_OUT", "ABORTED"}
    assert set().union(*STATUSES.values()) >= {"RUNNING", "PENDING_REDRIVE", "SUCCEEDED"}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_list_however_many_rows_it_has(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(record({"name": str(n), "key": "a\x1b\n"}) for n in range(count))
    out = capsys.readouterr().out
    assert [row["name"] for row in json.loads(out)] == [str(n) for n in range(count)]
    assert "\x1b" not in out
