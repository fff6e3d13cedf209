"""`landrun land` and `demo`: under which keys files land, and how their runs are found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from landrun.errors import ConfigurationError
from landrun.models.landing import LandingFilter
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions import land as landing
from landrun_ops.actions.land import Landed, Upload, plan, run_of
from landrun_ops.cli.demo import data_files
from landrun_ops.stack.landings import LandingRecord
from records import record

NOW = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)


def stack(start_on="arrival", *runs, suffix=""):
    names = {run.name: run for run in runs}
    outputs = {"StartOn": start_on, "JobNamePrefix": "landrun", "LandingsTable": "t"}
    return Mock(
        landing=S3Uri("landings", "incoming/"),
        landing_filter=lambda: LandingFilter("incoming/", suffix, (("landings", "incoming/out/"),)),
        output=outputs.__getitem__,
        runs_reader=lambda: Mock(get=names.get, newest=lambda *_, **__: iter(runs)),
    )


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text\n")
    (folder / "empty.csv").touch()
    (folder / "none").mkdir()
    return folder


@pytest.fixture
def files(tmp_path):
    return write(tmp_path, "a.csv", "more/a.csv", "more/deep/b é.jsonl", "out/a.csv")


@pytest.mark.parametrize(
    ("names", "prefix", "keys"),
    [
        (["a.csv"], "", ["incoming/a.csv"]),
        (["more"], "", ["incoming/a.csv", "incoming/deep/b é.jsonl"]),
        (["a.csv"], "/2026/11/", ["incoming/2026/11/a.csv"]),
        (["a.csv", "more/deep"], "x", ["incoming/x/a.csv", "incoming/x/b é.jsonl"]),
        (["a.csv", "a.csv"], "", ["incoming/a.csv", "incoming/a.csv"]),
    ],
)
def test_a_key_is_the_landing_prefix_then_the_folder_asked_for_then_the_files_name(
    files, names, prefix, keys
):
    uploads = plan(stack(), [files / name for name in names], prefix)
    assert [one.key for one in uploads] == keys
    assert {one.size for one in uploads} == {5}


@pytest.mark.parametrize(
    ("names", "prefix", "words"),
    [
        (["nowhere"], "", "does not exist"),
        (["none"], "", "has no files"),
        (["a.csv", "more/a.csv"], "", r"would both be 'incoming/a\.csv': .*--prefix"),
        (["a.csv", "empty.csv"], "", r"nothing has landed.*empty\.csv: it is empty.*put it again"),
        (["more/deep"], "", "does not end with LandingSuffix; rename it"),
        (["a.csv"], "out", "landrun itself writes there"),
        (["a.csv"], "../x", "empty, '.' or '..' component"),
        (["a.csv"], "x" * 256, "one of over 255 bytes"),
    ],
)
def test_files_that_would_start_no_run_are_refused_with_the_reason(files, names, prefix, words):
    with pytest.raises(ConfigurationError, match=words):
        plan(stack(suffix=".csv"), [files / name for name in names], prefix)


@pytest.fixture
def folder(tmp_path):
    names = ("b.jsonl.gz", "a/deep/x y+z.CSV", "t.tsv.zst", "README.md", "notes/n.txt")
    return write(tmp_path, *names)


def test_a_demo_lands_data_files_under_their_names_and_lists_the_others(folder):
    data, left_out = data_files(folder)
    assert [name for _, name in data] == ["a/deep/x y+z.CSV", "b.jsonl.gz", "t.tsv.zst"]
    assert left_out == ["README.md", "empty.csv", "notes/n.txt"]
    data, left_out = data_files(folder / "a/deep/x y+z.CSV")
    assert ([name for _, name in data], left_out) == (["x y+z.CSV"], [])


def test_a_demo_without_data_is_an_error(folder):
    for source, words in (("gone", "does not exist"), ("notes", "has no data in .jsonl")):
        with pytest.raises(ConfigurationError, match=words):
            data_files(folder / source)


def landed(version_id="v1", run=""):
    upload = Upload(Path("a.csv"), "incoming/a.csv")
    return Landed(upload, S3Uri("landings", upload.key), version_id, NOW, run)


def run(name="r", status="SUCCEEDED", seconds=0, **more):
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    trigger = {"Kind": "object-created", "Bucket": "landings", "Key": "incoming/a.csv"}
    row = {"name": name, "status": status, "started_at": at, "trigger": trigger | {"EventTime": at}}
    return record(row | more)


def test_a_landings_run_is_named_by_its_version_or_is_the_first_since_it_landed():
    assert run_of(stack("arrival", run()), landed(run="r")) == run()
    assert run_of(stack(), landed(run="r")) is None
    runs = [run("third", seconds=60), run("second", seconds=2), run("first", seconds=-60)]
    assert run_of(stack("arrival", *runs), landed("")) == runs[1]


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (None, False),
        (LandingRecord("v1", waits=True), False),
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
