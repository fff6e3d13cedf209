"""The runs table is read newest first, a page and a month at a time; DynamoDB filters."""

from datetime import UTC, datetime

import pytest

from landrun.errors import ConfigurationError
from landrun.models.run_record import UNFINISHED
from landrun_ops.stack.runs_table import RunFilter, RunsReader
from records import create_runs_table, item

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
HEXES = ("3f5d8f02" + "0" * 24, "3f5d8f02" + "1" * 24, "1330d580" + "2" * 24)
FAILED, RERUN, TICK = (f"landrun-{digits}" for digits in HEXES)
OLD = "landrun-old"
LANDED = {"Kind": "object-created", "Key": "incoming/a+b.csv"}


def row(name, started_at, **attributes):
    return {"name": name, "month": started_at[:7], "started_at": started_at, **attributes}


ROWS = (
    row(FAILED, "2026-11-20T08:00:00.000Z", status="FAILED", trigger=LANDED),
    row(RERUN, "2026-11-21T08:00:00.000Z", rerun_of=FAILED, unfinished="execution"),
    row(TICK, "2026-11-22T03:00:00.000Z", status="SUCCEEDED", trigger={"Kind": "schedule"}),
    row(OLD, "2026-08-01T00:00:00.000Z", status="TIMED_OUT", trigger=LANDED),
)


def read(aws, name, *rows):
    """Make a runs table, and return its reader."""
    client = aws("dynamodb")
    create_runs_table(client, name)
    for one in rows:
        client.put_item(TableName=name, Item=item(one))
    return RunsReader(client, name)


@pytest.fixture(scope="module")
def reader(shared_aws):
    """A table of a failure, its rerun, a tick and an old failure."""
    return read(shared_aws, "runs", *ROWS)


def test_runs_are_listed_across_months_and_pages_with_those_of_a_clock_ahead(shared_aws):
    rows = [row("ahead", "2026-12-01T00:00:01.000Z"), row("september", "2026-09-30T23:59:59.999Z")]
    rows += [row(f"nov-{day}", f"2026-11-{day}T08:00:00.000Z") for day in range(10, 13)]
    late = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    names = [run.name for run in read(shared_aws, "long", *rows).newest(late, page_size=2)]
    assert names == ["ahead", "nov-12", "nov-11", "nov-10", "september"]


FROM_20TH = datetime(2026, 11, 20, 8, 0, 0, 1000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("only", "since", "names"),
    [
        (RunFilter(), None, [TICK, RERUN, FAILED, OLD]),
        (RunFilter(), FROM_20TH, [TICK, RERUN]),
        (RunFilter(status=frozenset({"FAILED", "TIMED_OUT"})), None, [FAILED, OLD]),
        (RunFilter(frozenset({"FAILED"}), "object-created", ".csv"), None, [FAILED]),
        (RunFilter(rerun_of=FAILED), None, [RERUN]),
        (RunFilter(status=UNFINISHED), FROM_20TH, [RERUN]),
    ],
)
def test_a_filter_selects_runs(reader, only, since, names):
    assert [run.name for run in reader.newest(NOW, since=since, only=only)] == names


@pytest.mark.parametrize("text", [TICK, "landrun-1", "1330d580"])
def test_a_run_is_found_by_the_beginning_of_its_name(reader, text):
    assert reader.named(text, NOW).name == TICK
    assert reader.named(OLD, NOW).name == OLD
    assert reader.named("3f5d8f02", NOW).name == RERUN  # eight digits mean the newest


NONE, SEVERAL = r"no run of the last 90 days .*landrun runs", f"{RERUN}, {FAILED}: write more"


@pytest.mark.parametrize(
    ("text", "words"),
    [("5d8f02", NONE), ("", NONE), ("landrun-o", NONE), ("3f5d8f0", SEVERAL)],
)
def test_a_name_of_no_run_or_of_several_is_an_error(reader, text, words):
    with pytest.raises(ConfigurationError, match=words):
        reader.named(text, NOW)
