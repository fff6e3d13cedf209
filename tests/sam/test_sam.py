"""`sam validate`, `sam build`, `sam local invoke` and `sam local start-lambda`, over events/."""

import json
import os

import pytest

from landrun.models.run import landing_run_name
from local.test_definition import AWKWARD
from local.test_events import EVENTS, FUNCTIONS

if "LANDRUN_SAM" not in os.environ:
    pytest.skip("make sam installs the SAM CLI, and runs these", allow_module_level=True)

from .conftest import PREFIX, SAM, VARIABLES, run

LARGEST = 20_000_000
"""Bytes that a function may have unpacked; Lambda's own limit is 250 MB."""

REFUSED = {"LandingDeadLetterQueueUrl": 20, "StatusDeadLetterQueueUrl": 6}
"""How many messages of all payloads become dead letters: those that no retry could help, and
requests for a slot, of which this stack has none."""

ENDED = {
    "landrun-50f0421ea8585c9eb9688415b36b93f2": "FAILED",  # the first end of its redrive
    "landrun-80489a2f3fec51449ad3f09dbcabb82f": "SUCCEEDED",
    "bsm-batch-preprocessing-daily-6fa459eaee8a4ca4894edb77": "SUCCEEDED",
}
"""The runs of the payloads about executions."""

PARSE = """
import json, sys
from samcli.cli.types import CfnParameterOverridesType
print(json.dumps(CfnParameterOverridesType().convert(sys.argv[1:], None, None)))
"""


@pytest.fixture(scope="module")
def answers(invoke):
    """The answer to each payload of events/, by its function."""
    return {event: invoke(FUNCTIONS[event.partition("-")[0]], event) for event in EVENTS}


def runs(event):
    """The names of the runs that an event about objects starts."""
    for record in event["Records"]:
        landed = json.loads(record["body"])["detail"]
        key, version = landed["object"]["key"], landed["object"]["version-id"]
        yield landing_run_name(PREFIX, landed["bucket"]["name"], key, version)


def test_sam_validate_finds_nothing():
    assert "is a valid SAM Template" in run(SAM, "validate", "--lint")


def test_parameter_overrides_arrive_as_the_documentation_spells_them():
    """The CLI takes backslashes that JSON needs, as docs/bring-your-own.md says."""
    text = json.dumps(AWKWARD).replace("\\\\", "\\u005c").replace('\\"', "\\u0022")
    given = "JobArguments='{}'".format(text.replace("'", "\\u0027"))
    parsed = json.loads(run(SAM.with_name("python"), "-c", PARSE, given))
    assert json.loads(parsed["JobArguments"]) == AWKWARD


def test_the_functions_that_are_built_are_small(built):
    assert built.keys() == {*FUNCTIONS.values()}
    for folder in built.values():
        sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
        assert sum(sizes) < LARGEST


def test_sam_local_invoke_answers(stack, local_env, local_options):
    event = ("--event", "events/schedule-tick.json", "--env-vars", VARIABLES)
    output = run(SAM, "local", "invoke", "ScheduleFunction", *event, *local_options, **local_env)
    assert json.loads(output)["Objects"] == 1  # its exit status says nothing about the function


@pytest.mark.parametrize("event", EVENTS)
def test_every_payload_is_processed_by_its_function(answers, event):
    if event == "schedule-unfilled":
        assert answers[event]["errorType"] == "InvalidEvent"
    elif event.startswith("schedule"):
        assert answers[event]["Objects"] == 1
    elif event.startswith("reconcile"):
        assert "Executions" in answers[event]
    else:
        assert answers[event] == {"batchItemFailures": []}


@pytest.mark.parametrize("queue", REFUSED)
def test_refused_messages_are_dead_letters(stack, answers, queue):
    assert stack.messages(queue) == REFUSED[queue]


def test_objects_and_ticks_have_runs_and_status_changes_are_on_the_record(
    stack, answers, load_event
):
    due = {*runs(load_event("object-created-odd-keys")), *runs(load_event("object-created-batch"))}
    due |= {answer["PreprocessingJobName"] for answer in answers.values() if "Objects" in answer}
    assert due <= {one["name"] for one in stack.executions()}
    assert {name: stack.row(name)["status"] for name in ENDED} == ENDED


def test_reconcile_brings_back_the_row_of_a_run_that_succeeded(stack, invoke, load_event, answers):
    [name] = runs(load_event("object-created"))
    assert stack.ended(name)["summary"]["rows_in"] > 0

    table = stack.outputs["RunsTable"]
    stack.client("dynamodb").delete_item(TableName=table, Key={"name": {"S": name}})
    assert invoke("ReconcileFunction", "reconcile-at-once")["Executions"] > 0
    assert stack.row(name)["status"] == "SUCCEEDED"
