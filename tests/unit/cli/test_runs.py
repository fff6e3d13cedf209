"""Runs are listed newest first and found by name; `landrun show` prints what it may see."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from landrun.adapters.s3_listing import ListedObject
from landrun.errors import ConfigurationError, ServiceError
from landrun.models.run_record import UNFINISHED
from landrun.models.s3_uri import S3Uri
from landrun_ops.cli.show import commands, print_run
from landrun_ops.stack import run_details
from landrun_ops.stack.console_links import links
from landrun_ops.stack.history_events import Attempt, Redrive, SlotWait, Wait
from landrun_ops.stack.inputs import Input
from landrun_ops.stack.run_details import RunDetails, execution_details, find, gather
from landrun_ops.stack.run_progress import Phase, RunProgress
from landrun_ops.stack.runs_table import RunFilter, RunsReader
from records import create_runs_table, item, record

from .conftest import EXECUTION

NAME = "landrun-50f0421ea8585c9eb9688415b36b93f2"
ARN = f"arn:aws:states:eu-central-1:123456789012:execution:m:{NAME}"
NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
BEGAN = datetime(2026, 11, 22, 8, 15, 31, tzinfo=UTC)
WHY = "2 of 2 files rejected: no text column in messages.jsonl (columns: id, sender)"
HOSTILE = "a\x1b[2J\u202eb"
RUNNING = {"status": "RUNNING", "stopped_at": None, "duration_seconds": None}
ROW = {
    "name": NAME,
    "execution_arn": ARN,
    "status": "FAILED",
    "started_at": "2026-11-22T08:15:31.412Z",
    "stopped_at": "2026-11-22T08:25:08.502Z",
    "duration_seconds": 577.09,
    "input_message": f"s3://out/manifests/{NAME}.json",
    "output_processed_message": f"s3://out/processed/{NAME}/",
    "error": "States.TaskFailed",
    "exit_message": WHY,
    "trigger": {"Kind": "object-created", "Bucket": "landings", "Key": "in/a.jsonl"},
}
LATER, END = BEGAN + timedelta(minutes=12), BEGAN + timedelta(minutes=14)
ATTEMPT = Attempt(1, f"{NAME}-7d793037", "sagemaker:x", 2, LATER, END, "failed", WHY)
WAITED = SlotWait(1, BEGAN, LATER, acquired=True)
WAIT = Wait(True, 3, BEGAN, LATER, "no instance is free")
MANY = Input("landings", tuple(f"in/{n}.csv" for n in range(1200)))


FOUND = RunDetails(
    run=record(ROW),
    recorded=True,
    events=(WAIT, ATTEMPT),
    ended_as="",
    doing="",
    input=Input("landings", ("in/a.jsonl",), {"in/a.jsonl": 93481}, ROW["input_message"]),
    outputs=[ListedObject(f"processed/{NAME}/summary.json", 700)],
    reruns=[],
    tail=[],
    links={},
    not_seen=[],
)


def details(row, **more):
    return replace(FOUND, run=record(ROW | row), **more)


@pytest.fixture
def printed(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")

    def printed(found):
        print_run(found, commands(found, NOW, " --stack prod", laptop=False), NOW)
        return capsys.readouterr().out.splitlines()

    return printed


@pytest.mark.parametrize(
    ("row", "more", "words"),
    [
        ({}, {}, ["FAILED after 9 min 37 s", f"why {WHY}", "landings/in/a.jsonl", ATTEMPT.job]),
        (RUNNING, {"doing": "is waiting"}, ["RUNNING for 14 min 29 s", "now is waiting"]),
        (RUNNING, {"ended_as": "SUCCEEDED"}, ["SUCCEEDED after 14 min 29 s (not in the"]),
        ({}, {"events": (WAITED, Redrive(BEGAN, 1))}, ["slot, 12 min", "resumed from where"]),
        ({}, {"input": MANY}, ["1,200 objects", "s3://landings/in/2.csv", "and 1,197 more"]),
        ({"input_also_matches": ["b"]}, {"tail": ["\tno"]}, ["also reads b", "ends no"]),
        ({"left_out": ["summary"], "output_problem": "9 only"}, {}, ["deep: summary", "9 only"]),
        ({}, {"reruns": [record({"name": "r"})]}, ["reruns r: RUNNING"]),
    ],
)
def test_a_run_is_printed_with_what_is_known_of_it(printed, row, more, words):
    text = " ".join(" ".join(printed(details(row, **more))).split())
    assert [one for one in words if one not in text] == []


@pytest.mark.parametrize(
    ("row", "labels"),
    [
        ({}, ["log", "again", "resume"]),
        ({"stopped_at": "2026-11-01T08:25:08.502Z"}, ["log", "again"]),
        (RUNNING, ["log", "stop"]),
    ],
)
def test_only_commands_that_can_work_are_offered_each_whole_on_one_line(printed, row, labels):
    lines = printed(details(row, links={"execution": f"https://x/{NAME * 3}"}))
    typed = lines[-len(labels) :]
    assert [line.split()[0] for line in typed] == labels
    assert typed[0].startswith(f"log       landrun logs {NAME} ")
    assert all(line.endswith((" --stack prod", f" {ARN}")) for line in typed)
    assert f"execution https://x/{NAME * 3}" in lines


def test_text_of_others_is_made_printable_and_a_row_of_any_shape_is_shown(printed):
    trigger = {"Kind": "object-created", "Key": HOSTILE, HOSTILE: HOSTILE}
    row = {"exit_message": HOSTILE, "trigger": trigger, "output_problem": HOSTILE}
    texts = {"tail": [HOSTILE], "not_seen": [HOSTILE], "outputs": [ListedObject(HOSTILE, 1)]}
    found = details(row, input=Input("landings", (HOSTILE, "b")), **texts)
    assert all(line.isprintable() for line in printed(found))
    odd = record({"name": "odd", "trigger": {"Kind": 1}})
    assert printed(replace(FOUND, run=odd, input=None, events=None))[0].startswith("odd")


def refusing(code="AccessDenied"):
    """Make a client or an adapter of which every call is refused."""
    refused = Mock(side_effect=ServiceError("service:Operation", code, "not allowed"))
    names = ("describe", "newest", "get_object", "get_paginator")
    return SimpleNamespace(**dict.fromkeys(names, refused))


def test_a_run_that_has_just_started_is_found_by_its_execution():
    described = EXECUTION | {"name": NAME}
    runs = Mock(named=Mock(side_effect=ConfigurationError("no run is called so")))
    executions = Mock(arn=lambda name: name, find={NAME: described, "landrun-0": None}.get)
    stack = Mock(runs_reader=lambda: runs, executions=lambda: executions)
    run, recorded = find(stack, NAME, NOW)
    assert (run.name, run.status, recorded) == (NAME, "RUNNING", False)
    for text in ("landrun-0", "not a name", ""):
        with pytest.raises(ConfigurationError, match="no run is called so"):
            find(stack, text, NOW)


def test_parts_that_cannot_be_read_are_named_and_the_rest_is_shown():
    stack = SimpleNamespace(
        client=lambda _: refusing(),
        executions=lambda: refusing("ExecutionDoesNotExist"),
        runs_reader=refusing,
        manifests_folder=S3Uri("out", "manifests/"),
        laptop=False,
    )
    found = gather(stack, record(ROW | RUNNING), NOW)
    parts = ("attempts", "input", "output", "reruns")
    for line, part in zip(found.not_seen, parts, strict=True):
        assert line.startswith(f"could not see its {part}: ")
    assert "executions after 90 days" in found.not_seen[0]
    assert set(found.links) == {"execution", "output"}


def test_the_execution_says_how_a_run_ended_if_the_table_does_not(monkeypatch):
    ended = RunProgress(Phase.ENDED, END, described={"status": "FAILED"})
    monkeypatch.setattr(run_details, "Watcher", lambda *_: Mock(look=lambda: ended))
    found = [execution_details(Mock(), record(ROW | row), NOW).ended_as for row in (RUNNING, {})]
    assert found == ["FAILED", ""]


def test_links_lead_to_the_console_of_region_and_partition():
    arn = f"arn:aws-cn:states:cn-north-1:123456789012:execution:m:{NAME}"
    found = links(record(ROW | {"execution_arn": arn}), "a#b?c=d&e\x1b")
    assert found["execution"].startswith("https://cn-north-1.console.amazonaws.cn/")
    assert found["job"].endswith("#/processing-jobs/a%23b%3Fc%3Dd%26e%1B")
    assert found["output"].endswith(f"&prefix=processed%2F{NAME}%2F")
    assert links(record({"execution_arn": arn.replace("aws-cn", "aws-iso")}), "") == {}


HEXES = ("3f5d8f02" + "0" * 24, "3f5d8f02" + "1" * 24, "1330d580" + "2" * 24)
FAILED, RERUN, TICK = (f"landrun-{digits}" for digits in HEXES)
OLD = "landrun-old"
LANDED = {"Kind": "object-created", "Key": "incoming/a+b.csv"}


def read(aws, *rows):
    """Make a runs table of rows, each a name, a time and attributes, and return its reader."""
    client = aws("dynamodb")
    create_runs_table(client)
    for name, at, attributes in rows:
        row = {"name": name, "month": at[:7], "started_at": at, **attributes}
        client.put_item(TableName="runs", Item=item(row))
    return RunsReader(client, "runs")


@pytest.fixture
def reader(aws):
    """A table of a failure, its rerun, a tick and an old failure."""
    return read(
        aws,
        (FAILED, "2026-11-20T08:00:00.000Z", {"status": "FAILED", "trigger": LANDED}),
        (RERUN, "2026-11-21T08:00:00.000Z", {"rerun_of": FAILED, "unfinished": "execution"}),
        (TICK, "2026-11-22T03:00:00.000Z", {"status": "SUCCEEDED"}),
        (OLD, "2026-08-01T00:00:00.000Z", {"status": "TIMED_OUT", "trigger": LANDED}),
    )


def test_runs_are_listed_across_months_and_pages_with_those_of_a_clock_ahead(aws):
    days = ("2026-12-01", "2026-11-12", "2026-11-11", "2026-11-10", "2026-09-30")
    reader = read(aws, *((day, f"{day}T00:00:01.000Z", {}) for day in days))
    late = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    assert tuple(run.name for run in reader.newest(late, page_size=2)) == days


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


def test_a_run_is_found_by_the_beginning_of_its_name_or_digits(reader):
    for text in (TICK, "landrun-1", "1330d580"):
        assert reader.named(text, NOW).name == TICK
    assert reader.named(OLD, NOW).name == OLD
    assert reader.named("3f5d8f02", NOW).name == RERUN  # eight digits mean the newest
    for text in ("5d8f02", "", "landrun-o"):
        with pytest.raises(ConfigurationError, match=r"no run of the last 90 days .*landrun runs"):
            reader.named(text, NOW)
    with pytest.raises(ConfigurationError, match=f"{RERUN}, {FAILED}: write more"):
        reader.named("3f5d8f0", NOW)
