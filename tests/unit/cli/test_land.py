"""`landrun land`: which files are refused, and how the runs of the others are found."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from landrun.errors import ConfigurationError
from landrun.models.landing import LandingFilter
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions import land as landing
from landrun_ops.actions.land import Landed, Upload, plan, run_of
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
    with pytest.raises(ConfigurationError, match=words):
        plan(stack(suffix=".csv"), [tmp_path / name for name in names], prefix)


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
