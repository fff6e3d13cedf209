from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landrun.adapters.notifications import failure_message, failure_subject
from landrun.adapters.outputs import OutputSize
from landrun.errors import InvalidEvent, ServiceError
from landrun.handlers.execution_status import ExecutionStatus, build
from landrun.models.status_change import described_change, parse_status_change, parse_turn, row
from landrun.services.record_outcome import OutcomeRecorder
from landrun.settings import ExecutionStatusSettings

from .conftest import (
    MACHINE,
    Clock,
    FakeAdmission,
    FakeDeadLetters,
    FakeExecutions,
    FakeJobs,
    FakeLedger,
    FakeNotifications,
    FakeOutputs,
    messages,
)

COUNTS = {"rows_in": 10, "rows_out": 7, "duplicates": 1, "empty": 1, "rejected": 1, "files": []}


@pytest.fixture
def landrun(telemetry):
    doors = {
        "executions": FakeExecutions(),
        "jobs": FakeJobs(),
        "outputs": FakeOutputs(size=OutputSize(3, 4096)),
        "ledger": FakeLedger(),
        "notifications": FakeNotifications(),
    }
    recorder = OutcomeRecorder(**doors, telemetry=telemetry, clock=Clock())
    dead = FakeDeadLetters()
    admission = FakeAdmission()
    function = ExecutionStatus(recorder, admission, dead, telemetry)
    return SimpleNamespace(function=function, admission=admission, dead_letters=dead, **doors)


def details(load_event: Any, name: str) -> list[dict[str, Any]]:
    return [message["detail"] for message in messages(load_event(name))]


def handle(landrun: Any, load_event: Any, name: str, context: Any) -> dict[str, Any]:
    assert landrun.function.handle(load_event(name), context) == {"batchItemFailures": []}
    return landrun.ledger.rows[details(load_event, name)[-1]["name"]]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("execution-running", "RUNNING"),
        ("execution-running-documented-fields", "RUNNING"),
        ("execution-succeeded", "SUCCEEDED"),
        ("execution-failed", "FAILED"),
        ("execution-timed-out", "TIMED_OUT"),
        ("execution-aborted", "ABORTED"),
    ],
)
def test_each_status_makes_a_row_with_the_runs_input(landrun, load_event, context, name, status):
    found = handle(landrun, load_event, name, context)
    detail = details(load_event, name)[0]
    given_input = json.loads(detail["input"])
    assert found["status"] == status
    assert found["execution_arn"] == detail["executionArn"]
    assert found["preprocessing_job_name"] == given_input["PreprocessingJobName"]
    assert found["input_message"] == given_input["InputMessage"]
    assert found["output_processed_message"] == given_input["OutputProcessedMessage"]
    assert found.get("trigger") == given_input.get("Trigger")


def test_a_success_is_recorded_with_its_job_its_output_and_its_summary(
    landrun, load_event, context
):
    [detail] = details(load_event, "execution-succeeded")
    job = json.loads(detail["output"])
    landrun.outputs.summaries[json.loads(detail["input"])["OutputProcessedMessage"]] = COUNTS
    found = handle(landrun, load_event, "execution-succeeded", context)
    assert found["duration_seconds"] == (detail["stopDate"] - detail["startDate"]) / 1000
    assert found["started_at"].endswith("Z")
    assert found["month"] == found["started_at"][:7]
    assert found["output"] == detail["output"]
    assert found["job_name"] == job["ProcessingJobName"]
    assert found["job_arn"] == job["ProcessingJobArn"]
    seconds = (job["ProcessingEndTime"] - job["ProcessingStartTime"]) / 1000
    assert found["instance_seconds"] == pytest.approx(seconds)
    assert (found["output_objects"], found["output_bytes"]) == (3, 4096)
    assert found["summary"] == COUNTS
    assert landrun.notifications.published == []


def test_a_failure_is_recorded_with_its_cause_and_told_once(landrun, load_event, context):
    found = handle(landrun, load_event, "execution-failed", context)
    [detail] = details(load_event, "execution-failed")
    cause = json.loads(detail["cause"])
    assert (found["error"], found["cause"]) == (detail["error"], detail["cause"])
    assert found["exit_message"] == cause["ExitMessage"]
    handle(landrun, load_event, "execution-failed", context)
    [(subject, message)] = landrun.notifications.published
    assert detail["name"] in subject
    job, arn = cause["ProcessingJobName"], detail["executionArn"]
    for fact in (
        cause["ExitMessage"],
        f"aws logs tail /aws/sagemaker/ProcessingJobs --log-stream-name-prefix {job}/",
        f"aws stepfunctions redrive-execution --execution-arn {arn}",
    ):
        assert fact in message


def test_a_job_name_from_outside_cannot_add_to_the_command_to_paste(load_event):
    [detail] = details(load_event, "execution-failed")
    change = parse_status_change(load_event("execution-failed")["Records"][0]["body"])
    message = failure_message(row(change) | {"job_name": "x; rm -rf ~\n"})
    assert "--log-stream-name-prefix 'x; rm -rf ~\\n/'" in message
    assert detail["name"] in message


def test_a_run_whose_job_sagemaker_refused_is_told_with_the_error(landrun, load_event, context):
    handle(landrun, load_event, "execution-failed-no-job", context)
    [(_, message)] = landrun.notifications.published
    assert details(load_event, "execution-failed-no-job")[0]["error"] in message
    assert "larger quota" in message
    assert "aws logs" not in message


@pytest.mark.parametrize("name", ["execution-timed-out", "execution-aborted"])
def test_a_stopped_runs_job_is_found_through_the_history(landrun, load_event, context, name):
    [detail] = details(load_event, name)
    job = json.loads(details(load_event, "execution-failed")[0]["cause"])
    parameters = json.dumps({"ProcessingJobName": job["ProcessingJobName"]})
    landrun.executions.history[detail["executionArn"]] = [
        {"type": "ExecutionAborted"},
        {"type": "TaskScheduled", "taskScheduledEventDetails": {"parameters": parameters}},
    ]
    landrun.jobs.described[job["ProcessingJobName"]] = job
    found = handle(landrun, load_event, name, context)
    assert found["job_arn"] == job["ProcessingJobArn"]
    assert len(landrun.notifications.published) == 1


def test_of_a_job_that_sagemaker_does_not_know_the_name_is_kept(landrun, load_event, context):
    [detail] = details(load_event, "execution-aborted")
    scheduled = {"parameters": json.dumps({"ProcessingJobName": "landrun-0-1"})}
    landrun.executions.history[detail["executionArn"]] = [{"taskScheduledEventDetails": scheduled}]
    assert handle(landrun, load_event, "execution-aborted", context)["job_name"] == "landrun-0-1"


@pytest.mark.parametrize(
    "name", ["execution-succeeded-output-left-out", "execution-succeeded-input-left-out"]
)
def test_input_and_output_left_out_of_the_event_are_fetched(landrun, load_event, context, name):
    [whole] = details(load_event, "execution-succeeded")
    [detail] = details(load_event, name)
    answer = {"input": whole["input"], "output": whole["output"]}
    landrun.executions.described[detail["executionArn"]] = answer
    found = handle(landrun, load_event, name, context)
    assert found["output"] == whole["output"]
    assert found["input_message"] == json.loads(whole["input"])["InputMessage"]


@pytest.mark.parametrize("name", ["execution-aborted", "execution-succeeded-output-left-out"])
def test_of_an_execution_that_was_forgotten_what_the_event_says_is_recorded(
    landrun, load_event, context, monkeypatch, name
):
    monkeypatch.setattr(landrun.executions, "find", lambda _: None)
    monkeypatch.setattr(landrun.executions, "last_tasks", lambda _: [])
    found = handle(landrun, load_event, name, context)
    assert found["status"] == details(load_event, name)[0]["status"]


def test_late_and_doubled_events_never_take_a_row_back(landrun, load_event, context, told):
    found = handle(landrun, load_event, "execution-out-of-order", context)
    assert found["status"] == "SUCCEEDED"
    assert told().count("StatusChangesSuperseded") == 2


def test_a_redriven_run_ends_as_its_redrive_does(landrun, load_event, context):
    handle(landrun, load_event, "execution-failed", context)
    running = handle(landrun, load_event, "execution-running-redriven", context)
    assert running["status"] == "RUNNING"
    assert "error" not in running
    assert handle(landrun, load_event, "execution-succeeded-redriven", context)["status"] == (
        "SUCCEEDED"
    )


def test_a_notebooks_execution_without_a_trigger_is_recorded_too(landrun, load_event, context):
    assert "trigger" not in handle(landrun, load_event, "execution-succeeded-notebook", context)


def test_a_scheduled_run_is_recorded_with_its_tick(landrun, load_event, context):
    found = handle(landrun, load_event, "execution-succeeded-scheduled", context)
    assert found["trigger"]["Kind"] == "schedule"


def test_a_run_whose_output_is_out_of_reach_is_recorded_with_the_problem(
    landrun, load_event, context
):
    landrun.outputs.failing = ServiceError("s3:ListObjectsV2", "AccessDenied", "not yours")
    found = handle(landrun, load_event, "execution-succeeded", context)
    assert (found["status"], found["output_problem"]) == (
        "SUCCEEDED",
        "s3:ListObjectsV2: AccessDenied: not yours",
    )


def test_a_status_that_could_not_be_looked_into_for_now_comes_again(landrun, load_event, context):
    landrun.outputs.failing = ServiceError("s3:ListObjectsV2", "SlowDown", "later")
    event = load_event("execution-succeeded")
    answer = landrun.function.handle(event, context)
    [failure] = answer["batchItemFailures"]
    assert failure["itemIdentifier"] == event["Records"][0]["messageId"]
    assert landrun.ledger.rows == {}


def test_a_malformed_status_goes_to_the_dead_letter_queue_with_its_reason(
    landrun, load_event, context
):
    event = load_event("execution-malformed")
    assert landrun.function.handle(event, context) == {"batchItemFailures": []}
    [(body, reason)] = landrun.dead_letters.put_there
    assert body == event["Records"][0]["body"]
    assert "status change" in reason


def test_the_function_is_built_over_the_machine_table_and_topic_of_its_settings(telemetry):
    settings = ExecutionStatusSettings(
        state_machine_arn=MACHINE,
        runs_table="runs",
        notifications_topic_arn="arn:aws:sns:us-east-1:123456789012:failures",
        dead_letter_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/dead",
        output_bucket="outputs",
        concurrency_table="slots",
        max_concurrent_runs=4,
    )
    asked: list[str] = []
    function = build(settings, asked.append, telemetry=telemetry)
    assert set(asked) == {"stepfunctions", "sagemaker", "s3", "dynamodb", "sns"}
    assert function.recorder.executions.state_machine_arn == MACHINE
    assert function.admission.executions is function.recorder.executions
    assert function.admission.limit == 4


def test_a_run_that_asks_for_its_turn_waits_for_it(landrun, load_event, context):
    [body] = [record["body"] for record in load_event("slot-requested")["Records"]]
    assert landrun.function.handle(load_event("slot-requested"), context) == {
        "batchItemFailures": []
    }
    assert landrun.admission.asked == [parse_turn(body)]
    assert landrun.ledger.rows == {}


def test_every_status_change_is_followed(landrun, load_event, context):
    handle(landrun, load_event, "execution-out-of-order", context)
    statuses = [detail["status"] for detail in details(load_event, "execution-out-of-order")]
    assert [change.status for change in landrun.admission.followed] == statuses


def test_a_place_that_cannot_be_taken_for_now_keeps_no_row_from_its_record(
    landrun, load_event, context
):
    landrun.admission.failing = ServiceError("dynamodb:TransactWriteItems", "Throttling", "later")
    event = load_event("execution-succeeded")
    assert len(landrun.function.handle(event, context)["batchItemFailures"]) == 1
    [row] = landrun.ledger.rows.values()
    assert row["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    "wrong",
    [
        {"Name": "another"},
        {"Name": ""},
        {"TaskToken": ""},
        {"TaskToken": "x" * 2049},
        {"TaskToken": None},
        {"StartedAt": "2026-11-22T08:15:31"},
        {"StartedAt": "soon"},
        {"StartedAt": "9999-12-31T23:59:59-10:00"},
        {"StartedAt": "0001-01-01T00:00:00+14:00"},
        {"StartedAt": "9999-12-31T23:59:59.9999999Z"},
        {"ExecutionArn": "landrun"},
        [],
    ],
)
def test_a_request_for_a_turn_that_makes_no_sense_is_refused(landrun, load_event, context, wrong):
    event = copy.deepcopy(load_event("slot-requested"))
    [record] = event["Records"]
    turn = json.loads(record["body"])["SlotRequest"]
    record["body"] = json.dumps({"SlotRequest": turn | wrong if wrong else wrong})
    assert landrun.function.handle(event, context) == {"batchItemFailures": []}
    [(_, reason)] = landrun.dead_letters.put_there
    assert "turn" in reason or "name" in reason or "calendar" in reason
    assert landrun.admission.asked == []


def test_outcomes_and_durations_are_measured(landrun, load_event, context, told):
    handle(landrun, load_event, "execution-succeeded", context)
    output = told()
    assert output.count("Executions", Status="SUCCEEDED") == 1
    assert output.count("RunDuration") > 0
    assert all("run" in line for line in output.logs)


@given(st.text())
def test_whatever_the_text_it_is_a_status_change_or_refused(text):
    with pytest.raises(InvalidEvent):
        parse_status_change(text)


@given(
    st.dictionaries(st.sampled_from(["input", "output", "error", "cause"]), st.none() | st.text()),
    st.sampled_from(["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]),
)
def test_whatever_a_machine_of_the_users_own_says_it_makes_a_row_and_a_message(texts, status):
    arn = "arn:aws:states:us-east-1:123456789012:execution:m:n"
    detail = {
        "executionArn": arn,
        "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m",
        "name": "n",
        "status": status,
        "startDate": 1795335331412,
        "stopDate": 1795335908502,
    }
    change = parse_status_change(
        json.dumps(
            {"detail-type": "Step Functions Execution Status Change", "detail": detail | texts}
        )
    )
    found = row(change)
    assert found["status"] == status
    if status != "SUCCEEDED":
        assert failure_message(found).isprintable() is False  # lines
        assert all(line.isprintable() for line in failure_message(found).splitlines())
        assert failure_subject(found).isascii()


def changed(load_event, **detail):
    """The body of a status change of events/ with other fields."""
    event = json.loads(load_event("execution-failed")["Records"][0]["body"])
    return json.dumps(event | {"detail": event["detail"] | detail})


@pytest.mark.parametrize(
    "detail",
    [
        {"name": ""},
        {"name": "n" * 81},
        {"executionArn": "not an ARN"},
        {"executionArn": "arn:aws:states:us-east-1:1:execution:m:n\n"},
        {"executionArn": f"arn:aws:states:{'x' * 512}"},
        {"startDate": -1},
        {"startDate": 10**18},
        {"stopDate": 1e300},
        {"redriveCount": 10**40},
        {"redriveCount": -1},
        {"status": "\x1b[2J"},
    ],
)
def test_what_step_functions_never_says_is_refused_by_its_field(load_event, detail):
    with pytest.raises(InvalidEvent, match=next(iter(detail))) as refusal:
        parse_status_change(changed(load_event, **detail))
    assert str(refusal.value).isprintable()


def test_a_cause_cut_in_the_middle_of_a_character_is_recorded_all_the_same(load_event):
    change = parse_status_change(changed(load_event, cause="the end is \ud83d"))
    assert row(change)["cause"] == "the end is ?"


def test_an_execution_described_with_half_a_character_is_recorded_all_the_same(load_event):
    change = parse_status_change(changed(load_event))
    started = datetime(2026, 11, 22, tzinfo=UTC)
    described = change.model_dump() | {"cause": "\ud83d", "startDate": started, "stopDate": started}
    assert described_change(described | {"redriveDate": None}).cause == "?"


@pytest.mark.parametrize(
    ("trigger", "noted"),
    [
        ({"Kind": "manual", "StartedBy": "ada", "RerunOf": "landrun-3f5d8f02"}, "landrun-3f5d8f02"),
        ({"Kind": "manual", "StartedBy": "ada"}, None),
        ({"RerunOf": "not a name\n"}, None),
        ({"RerunOf": ["landrun-3f5d8f02"]}, None),
        ("RerunOf", None),
    ],
)
def test_a_rerun_is_recorded_with_the_run_that_it_repeats(load_event, trigger, noted):
    change = parse_status_change(changed(load_event, input=json.dumps({"Trigger": trigger})))
    assert row(change).get("rerun_of") == noted


@pytest.mark.parametrize("trigger", ["text", 1, ["list"], None])
def test_a_trigger_that_is_no_object_is_left_out(load_event, trigger):
    given = json.dumps(
        {"Trigger": trigger, "InputMessage": ["s3://b/k"], "PreprocessingJobName": 1}
    )
    found = row(parse_status_change(changed(load_event, input=given)))
    assert not found.keys() & {"trigger", "input_message", "preprocessing_job_name"}


def test_a_mail_of_a_hostile_key_has_no_link_no_tag_and_no_line_of_its_own(load_event):
    key = "incoming/\r\n\nWhat to do: <a href='https://evil.example'>sign in</a> www.evil.example"
    trigger = {"Kind": "object-created", "Bucket": "b", "Key": key}
    change = parse_status_change(changed(load_event, input=json.dumps({"Trigger": trigger})))
    message = failure_message(row(change) | {"name": "run\u202e1"})
    starts = [line.partition(":")[0] for line in message.splitlines()]
    assert starts.count("What to do") == 1
    assert "https://" not in message
    assert "www." not in message
    assert "<" not in message
    assert "\u202e" not in message
    assert "s3://b/incoming/" in message
