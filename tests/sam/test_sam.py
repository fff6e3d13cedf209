"""`sam validate`, `sam build`, `sam local invoke` and `sam local start-lambda`, over events/."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from landrun.errors import InvalidEvent, InvalidKey, OtherEvent
from landrun.models.events import parse_object_created
from landrun.models.landing import LandingFilter, check_key
from landrun.models.run import landing_run_name, tick_run_name
from landrun_ops.local.template import read

if "LANDRUN_SAM" not in os.environ:
    pytest.skip("make sam installs the SAM CLI, and runs these", allow_module_level=True)

from .conftest import (
    PREFIX,
    ROOT,
    SAM,
    VARIABLES,
    WORK,
    environment,
    eventually,
    resources,
    run,
)

LARGEST = 20_000_000
"""Bytes that a function may have unpacked; Lambda's own limit is 250 MB."""

LANDINGS = {  # of each payload: runs, and dead letters
    "object-created": (1, 0),
    "object-created-all-poison": (0, 10),
    "object-created-batch": (10, 0),
    "object-created-copy": (1, 0),
    "object-created-fewest-fields": (1, 0),
    "object-created-folder-marker": (0, 0),
    "object-created-malformed": (0, 1),
    "object-created-mixed-batch": (2, 2),
    "object-created-multipart": (1, 0),
    "object-created-newest-first": (2, 0),
    "object-created-nulls": (1, 0),
    "object-created-odd-keys": (10, 0),
    "object-created-one-poison": (9, 1),
    "object-created-own-output": (0, 0),
    "object-created-post": (1, 0),
    "object-created-refused-keys": (0, 5),
    "object-created-sequencer-lengths": (2, 0),
    "object-created-test-event": (0, 1),
    "object-created-twice": (1, 0),
    "object-created-unversioned": (1, 0),
    "object-created-version-null": (1, 0),
    "object-created-versions": (2, 0),
    "object-created-without-sequencer": (1, 0),
    "object-created-wrong-prefix": (0, 0),
    "object-created-wrong-suffix": (1, 0),  # the stack's LandingSuffix is empty
    "object-created-zero-bytes": (0, 0),
    "object-deleted": (0, 0),
}
RUN = "landrun-50f0421ea8585c9eb9688415b36b93f2"
STATUS_CHANGES = {  # of each payload: the run, its status, and how often it was redriven
    "execution-aborted": (RUN, "ABORTED", 0),
    "execution-failed": (RUN, "FAILED", 0),
    "execution-failed-no-job": (RUN, "FAILED", 0),
    "execution-failed-redriven": (RUN, "FAILED", 1),
    "execution-out-of-order": (RUN, "SUCCEEDED", 0),
    "execution-running": (RUN, "RUNNING", 0),
    "execution-running-documented-fields": (RUN, "RUNNING", 0),
    "execution-running-redriven": (RUN, "RUNNING", 1),
    "execution-succeeded": (RUN, "SUCCEEDED", 0),
    "execution-succeeded-input-left-out": (RUN, "SUCCEEDED", 0),
    "execution-succeeded-notebook": (
        "bsm-batch-preprocessing-daily-6fa459eaee8a4ca4894edb77", "SUCCEEDED", 0
    ),
    "execution-succeeded-output-left-out": (RUN, "SUCCEEDED", 0),
    "execution-succeeded-redriven": (RUN, "SUCCEEDED", 1),
    "execution-succeeded-scheduled": ("landrun-80489a2f3fec51449ad3f09dbcabb82f", "SUCCEEDED", 0),
    "execution-timed-out": (RUN, "TIMED_OUT", 0),
}  # fmt: skip
SLOT_REQUESTS = ("slot-requested", "slot-requested-again", "slot-requested-twice")
TICKS = ("schedule-classic", "schedule-default-input", "schedule-tick")
SWEEPS = ("reconcile-by-hand", "reconcile-tick")
OTHERS = ("execution-malformed", "schedule-unfilled", "reconcile-at-once")
WORDS = [
    *("--config", '{"a": 1}', "a b", "it's", "x=1,y=2", "$HOME ${ImageUri} ${JobArguments}"),
    *("back\\slash \\ \\n", "ünïcödé", "\U0001f600", " ", "[]", "{}"),
]
PARSE = """
import json, sys
from samcli.cli.types import CfnParameterOverridesType
given = json.load(sys.stdin)
print(json.dumps([CfnParameterOverridesType().convert(one, None, None) for one in given]))
"""


def load(payload):
    return json.loads((ROOT / f"events/{payload}.json").read_text(encoding="utf-8"))


def landings(payload):
    """The keys of a payload's landings that start runs, by the names of these runs."""
    found = {}
    wanted = LandingFilter(prefix="incoming/", suffix="", own=())
    for record in load(payload)["Records"]:
        try:
            landing = parse_object_created(record["body"])
            check_key(landing.key)
        except (InvalidEvent, InvalidKey, OtherEvent):
            continue
        if wanted.why_ignored(landing.bucket, landing.key, landing.size) is None:
            name = landing_run_name(PREFIX, landing.bucket, landing.key, landing.version)
            found[name] = landing.key
    return found


def tick_run(payload):
    event = load(payload)
    arn = event.get("ScheduleArn") or event["resources"][0]
    return tick_run_name(PREFIX, arn, event.get("ScheduledTime") or event["time"])


def test_every_payload_is_sent():
    sent = {*LANDINGS, *STATUS_CHANGES, *SLOT_REQUESTS, *TICKS, *SWEEPS, *OTHERS}
    assert {path.stem for path in (ROOT / "events").glob("*.json")} == sent


def test_sam_validate_finds_nothing():
    assert "is a valid SAM Template" in run(SAM, "validate", "--lint")


def test_parameter_overrides_arrive_as_the_documentation_spells_them():
    """The CLI takes backslashes that JSON needs, as docs/bring-your-own.md says."""
    variables = {f"W{index}": word for index, word in enumerate(WORDS)}
    wanted = {"JobArguments": WORDS, "JobEntrypoint": ["sh", *WORDS], "JobEnvironment": variables}
    texts = {}
    for name, value in wanted.items():
        text = json.dumps(value).replace("\\\\", "\\u005c").replace('\\"', "\\u0022")
        texts[name] = text.replace("'", "\\u0027")
    file = WORK / "overrides.yaml"
    file.write_text("".join(f"{name}: '{text}'\n" for name, text in texts.items()), "utf-8")
    words = [f"{name}='{text}'" for name, text in texts.items()]
    done = subprocess.run(
        [SAM.with_name("python"), "-c", PARSE],
        input=json.dumps([words, [f"file://{file}"], [" ".join(words)]]),
        env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    parameters = read(ROOT / "template.yaml")["Parameters"]
    for parsed in json.loads(done.stdout):
        assert {name: json.loads(parsed[name]) for name in wanted} == wanted
        for name in wanted:
            assert re.fullmatch(parameters[name].get("AllowedPattern", "(?s).*"), parsed[name])


def test_what_is_built_has_each_handler_and_is_small(built):
    functions = resources(built, "Function")
    assert len(functions) == 4
    for function in functions.values():
        code = built.parent / function["CodeUri"]
        module = code.joinpath(*function["Handler"].split(".")[:-1]).with_suffix(".py")
        assert module.is_file()
        assert sum(path.stat().st_size for path in code.rglob("*") if path.is_file()) < LARGEST


def test_sam_local_invoke_answers(stack, local_options):
    event = ("--event", "events/schedule-tick.json", "--env-vars", VARIABLES)
    output = run(SAM, "local", "invoke", "ScheduleFunction", *event, *local_options, **stack.env)
    assert json.loads(output)["Objects"] == 1  # its exit status says nothing about the function


@pytest.mark.parametrize("payload", LANDINGS)
def test_landings_start_runs_and_refused_ones_are_dead_letters(stack, payload):
    due = landings(payload)
    runs, dead = LANDINGS[payload]
    before = stack.dead_letters("LANDING")
    assert stack.invoke("ObjectCreatedFunction", payload) == {"batchItemFailures": []}
    assert len(due) == runs
    assert stack.dead_letters("LANDING") - before == dead
    assert due.keys() <= stack.executions()


def test_reconcile_brings_back_the_row_of_a_run_that_succeeded(stack):
    [run_name] = landings("object-created")
    stack.invoke("ObjectCreatedFunction", "object-created")
    ended = lambda: stack.row(run_name).get("status", {}).get("S") not in (None, "RUNNING")  # noqa: E731
    eventually(ended, f"the end of {run_name}")
    row = stack.row(run_name)
    assert row["status"] == {"S": "SUCCEEDED"}, row
    assert int(row["summary"]["M"]["rows_in"]["N"]) > 0

    stack.forget(run_name)
    recovered = stack.invoke("ReconcileFunction", "reconcile-at-once")
    assert recovered["Executions"] > 0
    assert stack.row(run_name)["status"] == {"S": "SUCCEEDED"}


@pytest.mark.parametrize("payload", STATUS_CHANGES)
def test_status_changes_are_recorded(stack, payload):
    name, status, redrives = STATUS_CHANGES[payload]
    stack.forget(name)
    assert stack.invoke("ExecutionStatusFunction", payload) == {"batchItemFailures": []}
    row = stack.row(name)
    assert (row["status"]["S"], int(row["redrive_count"]["N"])) == (status, redrives)
    stack.forget(name)


@pytest.mark.parametrize("payload", SLOT_REQUESTS)
def test_slot_requests_are_accepted(stack, payload):
    assert stack.invoke("ExecutionStatusFunction", payload) == {"batchItemFailures": []}


def test_a_malformed_status_change_is_a_dead_letter(stack):
    before = stack.dead_letters("STATUS")
    answer = stack.invoke("ExecutionStatusFunction", "execution-malformed")
    assert answer == {"batchItemFailures": []}
    assert stack.dead_letters("STATUS") - before == 1


@pytest.mark.parametrize("payload", TICKS)
def test_a_tick_starts_a_run_over_what_is_there(stack, payload):
    answer = stack.invoke("ScheduleFunction", payload)
    assert (answer["PreprocessingJobName"], answer["Objects"]) == (tick_run(payload), 1)
    assert tick_run(payload) in stack.executions()


def test_a_tick_that_is_not_filled_in_is_refused(stack):
    answer = stack.invoke("ScheduleFunction", "schedule-unfilled")
    assert answer["errorType"] == "InvalidEvent"


@pytest.mark.parametrize("payload", SWEEPS)
def test_reconcile_leaves_alone_what_is_young(stack, payload):
    assert not any(stack.invoke("ReconcileFunction", payload).values())
