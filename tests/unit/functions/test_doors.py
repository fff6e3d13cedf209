"""The doors against moto's services, in this process: what AWS answers, in its own words."""

from __future__ import annotations

import json
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from landrun.contract import ExecutionInput, ManualTrigger, S3Uri, manual_run_name
from landrun.deadletters import DeadLetters, printable
from landrun.errors import AlreadyStarted, ServiceError
from landrun.executions import Executions
from landrun.jobs import job_row
from landrun.ledger import Ledger
from landrun.manifests import Manifests, manifest_body
from landrun.notifications import Notifications
from landrun.outputs import SUMMARY_LIMIT, Outputs, OutputSize, fitting_summary

REGION = "us-east-1"
PASS = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}


@pytest.fixture
def aws(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield lambda service: boto3.client(service, region_name=REGION)


@pytest.fixture
def s3(aws):
    client = aws("s3")
    client.create_bucket(Bucket="outputs")
    return client


@pytest.fixture
def manifests(s3):
    return Manifests(s3, "outputs", "manifests/")


def test_a_manifest_is_what_sagemaker_reads(manifests, s3):
    written = manifests.write_once("run-1", "landings", ["a+b.csv", "é 😀.csv"])
    body = s3.get_object(Bucket="outputs", Key="manifests/run-1.json")["Body"].read()
    assert json.loads(body) == [{"prefix": "s3://landings/"}, "a+b.csv", "é 😀.csv"]
    assert (written.written, str(written.uri)) == (True, "s3://outputs/manifests/run-1.json")


def test_a_manifest_that_stands_is_never_changed(manifests):
    manifests.write_once("run-1", "landings", ["first.csv"])
    second = manifests.write_once("run-1", "landings", ["second.csv"])
    assert (second.keys, second.bucket, second.written) == (("first.csv",), "landings", False)


def test_a_manifest_that_is_not_there_is_none(manifests):
    assert manifests.find("run-1") is None


def test_the_same_objects_make_the_same_bytes():
    assert manifest_body("b", ["x", "y"]) == manifest_body("b", ("x", "y"))


def test_a_listing_goes_on_over_its_pages(manifests, s3):
    s3.create_bucket(Bucket="landings")
    for number in range(1002):
        s3.put_object(Bucket="landings", Key=f"in/{number:04}", Body=b"x")
    s3.put_object(Bucket="landings", Key="other", Body=b"x")
    found = list(manifests.list_objects(S3Uri("landings", "in/")))
    assert len(found) == 1002
    assert {entry.size for entry in found} == {1}


def test_a_missing_bucket_is_a_service_error_that_names_the_call(aws):
    lost = Manifests(aws("s3"), "nowhere", "manifests/")
    with pytest.raises(ServiceError, match="s3:PutObject: NoSuchBucket"):
        lost.write_once("run-1", "landings", ["a"])


@pytest.fixture
def machine(aws):
    client = aws("stepfunctions")
    role = "arn:aws:iam::123456789012:role/states"
    answer = client.create_state_machine(name="m", definition=json.dumps(PASS), roleArn=role)
    return client, answer["stateMachineArn"]


def by_hand(who: str = "ada") -> ExecutionInput:
    name = manual_run_name("landrun")
    return ExecutionInput(
        PreprocessingJobName=name,
        InputMessage=f"s3://outputs/manifests/{name}.json",
        OutputProcessedMessage=f"s3://outputs/processed/{name}/",
        Trigger=ManualTrigger(StartedBy=who),
    )


def test_an_execution_has_the_runs_name_and_input(machine):
    executions = Executions(*machine)
    run = by_hand()
    started = executions.start(run)
    assert started.arn == executions.arn(run.PreprocessingJobName)
    assert executions.describe(started.arn)["input"] == run.to_json()


def test_the_name_of_a_closed_run_is_already_started(machine):
    client, _ = machine
    executions = Executions(*machine)
    run = by_hand()
    client.stop_execution(executionArn=executions.start(run).arn)
    with pytest.raises(AlreadyStarted, match=run.PreprocessingJobName):
        executions.start(run)


def test_another_input_under_the_same_name_is_already_started(machine):
    executions = Executions(*machine)
    run = by_hand("ada")
    executions.start(run)
    with pytest.raises(AlreadyStarted):
        executions.start(run.model_copy(update={"Trigger": ManualTrigger(StartedBy="bob")}))


def test_a_machine_that_is_gone_is_a_service_error(aws):
    gone = Executions(
        aws("stepfunctions"), f"arn:aws:states:{REGION}:123456789012:stateMachine:gone"
    )
    with pytest.raises(ServiceError, match="states:StartExecution: StateMachineDoesNotExist"):
        gone.start(by_hand())


@pytest.fixture
def ledger(aws):
    client = aws("dynamodb")
    client.create_table(
        TableName="runs",
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table = boto3.resource("dynamodb", region_name=REGION).Table("runs")
    return Ledger(client, "runs"), lambda: table.get_item(Key={"name": "run-1"})["Item"]


def row(status: str, rank: int, redrive: int = 0, **more: object) -> dict[str, object]:
    given = {"name": "run-1", "status": status, "status_rank": rank, "redrive_count": redrive}
    return given | more


def test_a_row_reads_back_with_its_numbers_and_maps(ledger):
    door, read = ledger
    assert door.record(row("SUCCEEDED", 1, duration_seconds=1.5, summary={"rows_in": 3, "f": []}))
    assert float(read()["duration_seconds"]) == 1.5
    assert read()["summary"] == {"rows_in": 3, "f": []}


@pytest.mark.parametrize("late", [("RUNNING", 0), ("FAILED", 1), ("SUCCEEDED", 1)])
def test_a_row_never_goes_back_within_a_redrive(ledger, late):
    door, read = ledger
    door.record(row("SUCCEEDED", 1))
    assert door.record(row(*late)) is False
    assert read()["status"] == "SUCCEEDED"


def test_a_redrive_takes_a_row_further_and_leaves_nothing_of_its_failure(ledger):
    door, read = ledger
    door.record(row("FAILED", 1, error="States.TaskFailed"))
    assert door.record(row("RUNNING", 0, redrive=1))
    assert "error" not in read()
    assert door.record(row("FAILED", 1, redrive=0)) is False
    assert door.record(row("SUCCEEDED", 1, redrive=1))
    assert read()["status"] == "SUCCEEDED"


def test_a_row_too_long_for_dynamodb_is_recorded_without_its_longest_parts(ledger):
    door, read = ledger
    assert door.record(row("SUCCEEDED", 1, output="x" * 300_000, trigger={"Kind": "y" * 200_000}))
    assert (read()["left_out"], read()["trigger"]) == (["output"], {"Kind": "y" * 200_000})


def test_a_row_with_half_a_surrogate_pair_is_recorded(ledger):
    door, read = ledger
    assert door.record(row("FAILED", 1, cause="a\ud800b"))
    assert read()["cause"] == "a?b"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


class Remembering:
    """A DynamoDB client that takes what botocore would take."""

    def put_item(self, **request: Any) -> None:
        ParamValidator().validate(request, MODEL.input_shape)
        json.dumps(request["Item"]).encode()


MODEL = botocore.session.get_session().get_service_model("dynamodb").operation_model("PutItem")


@given(json_values, st.text(st.characters()))
def test_whatever_an_execution_of_somebodys_own_holds_it_makes_a_row(trigger, cause):
    assert Ledger(Remembering(), "runs").record(row("FAILED", 1, trigger=trigger, cause=cause))


@pytest.mark.parametrize("number", [10**50, 1e300, 1.5e-200, float("nan"), float("inf")])
def test_a_number_that_dynamodb_cannot_hold_is_kept_as_text(ledger, number):
    door, read = ledger
    assert door.record(row("FAILED", 1, trigger={"Kind": number}))
    assert float(read()["trigger"]["Kind"]) == pytest.approx(float(number), nan_ok=True)


def test_what_lies_under_an_output_is_counted(s3):
    for name in ("processed/run-1/a", "processed/run-1/b", "processed/run-10/c"):
        s3.put_object(Bucket="outputs", Key=name, Body=b"12345")
    assert Outputs(s3).measure(S3Uri("outputs", "processed/run-1/")) == OutputSize(2, 10)


def test_a_summary_is_read_and_a_missing_one_is_none(s3):
    under = S3Uri("outputs", "processed/run-1/")
    assert Outputs(s3).summary(under) is None
    s3.put_object(Bucket="outputs", Key=f"{under.key}summary.json", Body=b'{"rows_in": 3}')
    assert Outputs(s3).summary(under) == {"rows_in": 3}


def test_a_summary_too_long_for_a_row_loses_its_files_but_keeps_its_counts():
    files = [{"name": "x" * 1000}] * 100
    fitting = fitting_summary(json.dumps({"rows_in": 3, "files": files}).encode())
    assert fitting == {"rows_in": 3, "files_omitted": 100}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"a": "' + b"x" * SUMMARY_LIMIT])
def test_what_is_no_summary_is_none(body):
    assert fitting_summary(body) is None


def test_a_dead_letter_keeps_its_body_and_says_why(aws):
    client = aws("sqs")
    url = client.create_queue(QueueName="dead")["QueueUrl"]
    DeadLetters(client, url).put("the body", "a\nreason")
    answer = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"])
    [message] = answer["Messages"]
    assert message["Body"] == "the body"
    assert message["MessageAttributes"]["Reason"]["StringValue"] == "a\\nreason"


@pytest.mark.parametrize(
    ("text", "shown"), [("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m"), ("é😀", "é😀")]
)
def test_control_characters_are_shown_not_obeyed(text, shown):
    assert printable(text) == shown


def test_a_notification_reaches_the_topic(aws):
    topic = aws("sns").create_topic(Name="t")["TopicArn"]
    queue = aws("sqs").create_queue(QueueName="q")["QueueUrl"]
    aws("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:123456789012:q"
    )
    Notifications(aws("sns"), topic).publish("subject", "message")
    [message] = aws("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Subject"] == "subject"


@pytest.mark.parametrize(("seconds", "told"), [(60, "time limit of 60"), (59, "was stopped")])
def test_a_job_that_its_time_limit_stopped_says_so(seconds, told):
    job = {
        "ProcessingJobStatus": "Stopped",
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "ProcessingStartTime": 1000,
        "ProcessingEndTime": 1000 + seconds * 1000,
    }
    assert told in job_row(job)["exit_message"]


def test_a_job_that_ran_on_two_instances_counts_both():
    job = {
        "ProcessingJobName": "j",
        "ProcessingStartTime": 1000,
        "ProcessingEndTime": 61000,
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": 2}},
    }
    assert job_row(job)["instance_seconds"] == 120
