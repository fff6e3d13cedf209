"""`landrun show`: a run is found, read as far as permissions go, and printed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from landrun.adapters.s3_listing import ListedObject
from landrun.errors import ConfigurationError, ServiceError
from landrun.models.s3_uri import S3Uri
from landrun_ops.cli.show import commands, print_run
from landrun_ops.stack.console_links import links
from landrun_ops.stack.history_events import Attempt, Redrive, SlotWait, Wait
from landrun_ops.stack.inputs import Input
from landrun_ops.stack.run_details import RunDetails, find, gather
from records import record

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
DENIED = {"exit_message": "Access denied", "cause": '{"RoleArn": "arn:aws:iam::1:role/r"}'}
MANY = Input("landings", tuple(f"in/{n}.csv" for n in range(1200)))


def details(row=None, **more):
    whole = {
        "run": record(ROW | (row or {})),
        "recorded": True,
        "events": (WAIT, ATTEMPT),
        "ended_as": "",
        "doing": "",
        "input": Input("landings", ("in/a.jsonl",), {"in/a.jsonl": 93481}, ROW["input_message"]),
        "outputs": [ListedObject(f"processed/{NAME}/summary.json", 700)],
        "reruns": [],
        "tail": [],
        "links": {},
        "not_seen": [],
    }
    return RunDetails(**(whole | more))


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
        (RUNNING, {"events": (SlotWait(1, BEGAN),)}, ["WAITING for 14 min 29 s", "slot, and"]),
        ({}, {"events": (WAITED, Redrive(BEGAN, 1))}, ["slot, 12 min", "resumed from where"]),
        ({"redrive_count": 2}, {"events": ()}, ["resumed 2 times", "no Processing job was asked"]),
        ({}, {"input": MANY}, ["1,200 objects", "s3://landings/in/2.csv", "and 1,197 more"]),
        ({"input_message": "s3://b/a"}, {"input": None}, ["no manifest", "input s3://b/a"]),
        (
            {"input_also_matches": ["a.bak"]},
            {"tail": ["\tno"]},
            ["also reads a.bak", "ends no"],
        ),
        ({"left_out": ["summary"], "output_problem": "9 only"}, {}, ["deep: summary", "9 only"]),
        (DENIED, {"reruns": [record({"name": "r"})]}, ["role arn:aws:iam::1:role/r", "r: RUNNING"]),
        ({"exit_message": None, "error": None}, {}, ["why the run gave no reason"]),
    ],
)
def test_a_run_is_printed_with_what_is_known_of_it(printed, row, more, words):
    text = " ".join(" ".join(printed(details(row, **more))).split())
    assert [one for one in words if one not in text] == []


RESUME = f"aws stepfunctions redrive-execution --region eu-central-1 --execution-arn {ARN}"
LOG, AGAIN = f"landrun logs {NAME} --stack prod", f"landrun rerun {NAME} --stack prod"
AFTERWARDS = {"log": LOG, "again": AGAIN}
FOLLOW, STOP = f"landrun logs {NAME} --follow --stack prod", f"landrun stop {NAME} --stack prod"


@pytest.mark.parametrize(
    ("row", "typed"),
    [
        ({}, {"log": LOG, "again": AGAIN, "resume": RESUME}),
        pytest.param({"stopped_at": "2026-11-01T08:25:08.502Z"}, AFTERWARDS, id="too late"),
        pytest.param({"job_name": NAME}, AFTERWARDS, id="its job's name is taken"),
        pytest.param(RUNNING, {"log": FOLLOW, "stop": STOP}, id="running"),
    ],
)
def test_only_commands_that_can_work_are_offered_each_whole_on_one_line(printed, row, typed):
    lines = printed(details(row, links={"execution": f"https://x/{NAME * 3}"}))
    assert lines[-len(typed) :] == [f"{label:<9} {text}" for label, text in typed.items()]
    assert f"execution https://x/{NAME * 3}" in lines
    assert f"manifest  {ROW['input_message']}" in lines


def test_text_of_others_is_made_printable_and_a_row_of_any_shape_is_shown(printed):
    trigger = {"Kind": "object-created", "Key": HOSTILE, HOSTILE: HOSTILE}
    row = {"exit_message": HOSTILE, "trigger": trigger, "output_problem": HOSTILE}
    texts = {"tail": [HOSTILE], "not_seen": [HOSTILE], "outputs": [ListedObject(HOSTILE, 1)]}
    found = details(row, input=Input("landings", (HOSTILE, "b")), **texts)
    assert all(line.isprintable() for line in printed(found))
    odd = details(run=record({"name": "odd", "trigger": {"Kind": 1}}), input=None, events=None)
    assert printed(odd)[0].startswith("odd")


def refusing(code="AccessDenied"):
    """Make a client or an adapter of which every call is refused."""
    refused = Mock(side_effect=ServiceError("service:Operation", code, "not allowed"))
    names = ("describe", "newest", "get_object", "get_paginator")
    return SimpleNamespace(**dict.fromkeys(names, refused))


def test_a_run_that_has_just_started_is_found_by_its_execution():
    described = {
        "executionArn": ARN,
        "stateMachineArn": "arn:aws:states:eu-central-1:123456789012:stateMachine:m",
        "name": NAME,
        "status": "RUNNING",
        "startDate": BEGAN,
    }
    runs = Mock(named=Mock(side_effect=ConfigurationError("no run is called so")))
    executions = Mock(arn=lambda name: name, find={NAME: described, "landrun-0": None}.get)
    stack = Mock(runs_reader=lambda: runs, executions=lambda: executions)
    run, recorded = find(stack, NAME, NOW)
    assert (run.name, run.status, recorded) == (NAME, "RUNNING", False)
    for text in ("landrun-0", "not a name", ""):
        with pytest.raises(ConfigurationError, match="no run is called so"):
            find(stack, text, NOW)


@pytest.mark.parametrize(
    ("code", "why"),
    [("AccessDenied", "not allowed"), ("ExecutionDoesNotExist", "executions after 90 days")],
)
def test_parts_that_cannot_be_read_are_named_and_the_rest_is_shown(code, why):
    stack = SimpleNamespace(
        client=lambda _: refusing(),
        executions=lambda: refusing(code),
        runs_reader=refusing,
        manifests_folder=S3Uri("out", "manifests/"),
        laptop=False,
    )
    found = gather(stack, record(ROW | RUNNING), NOW)
    unseen = [line.partition(":")[0] for line in found.not_seen]
    assert unseen == [
        f"could not see its {what}" for what in ("attempts", "input", "output", "reruns")
    ]
    assert why in found.not_seen[0]
    assert (found.events, found.input, found.outputs, found.doing) == (None, None, [], "")
    assert set(found.links) == {"execution", "output"}


def test_links_lead_to_the_console_of_region_and_partition():
    arn = f"arn:aws-cn:states:cn-north-1:123456789012:execution:m:{NAME}"
    found = links(record(ROW | {"execution_arn": arn}), "a#b?c=d&e\x1b")
    assert found["execution"].startswith("https://cn-north-1.console.amazonaws.cn/")
    assert found["job"].endswith("#/processing-jobs/a%23b%3Fc%3Dd%26e%1B")
    assert found["output"].endswith(f"&prefix=processed%2F{NAME}%2F")
    assert links(record({"execution_arn": arn.replace("aws-cn", "aws-iso")}), "") == {}
