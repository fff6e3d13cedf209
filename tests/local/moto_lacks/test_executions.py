"""State machines that run Processing jobs, as a boto3 client sees them."""

import concurrent.futures
import json
import threading
import uuid
from types import SimpleNamespace

import psutil
import pytest
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory

from landrun_ops.workflow.definition_file import filled_in

from .conftest import ROLE, both, client, moto_lacks, request

SLEEPS = "sleep 60"
WAIT = {"Type": "Wait", "Seconds": 60}


@moto_lacks
def test_completed_job_is_the_output_of_its_state_and_in_the_history(aws):
    asked = request("true", "--rows", "3")
    arn = aws.execute(aws.machine_of(asked))
    execution, job = aws.settled(arn), aws.describe(asked["ProcessingJobName"])
    assert execution["status"] == "SUCCEEDED"
    output = json.loads(execution["output"])
    assert output["ProcessingJobStatus"] == "Completed"
    assert output["ProcessingJobArn"] == job["ProcessingJobArn"]
    assert output["ProcessingEndTime"] == int(job["ProcessingEndTime"].timestamp() * 1000)
    events = aws.history(arn)
    begin = ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted"]
    end = ["TaskSubmitted", "TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"]
    assert [event["type"] for event in events] == begin + end
    scheduled = events[2]["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"]) == (
        "sagemaker",
        "createProcessingJob.sync",
    )
    assert json.loads(scheduled["parameters"]) == asked
    submitted = json.loads(events[4]["taskSubmittedEventDetails"]["output"])
    assert submitted["ProcessingJobArn"] == job["ProcessingJobArn"]


@moto_lacks
def test_history_is_given_backwards_and_in_pages(aws):
    arn = aws.execute(aws.machine_with(Type="Pass"))
    aws.settled(arn)
    last = aws.history(arn, reverseOrder=True, maxResults=2)
    assert [event["type"] for event in last] == ["ExecutionSucceeded", "PassStateExited"]
    paginator = aws.states.get_paginator("get_execution_history")
    pages = paginator.paginate(executionArn=arn, PaginationConfig={"PageSize": 3})
    assert [e["id"] for page in pages for e in page["events"]] == list(range(1, 5))


def test_stop_execution_aborts_it_and_stops_its_job(aws):
    asked = request(SLEEPS)
    arn = aws.execute(aws.machine_of(asked))
    aws.until(lambda: "TaskSubmitted" in aws.types(arn))
    stopped = aws.stop(arn, error="Operator", cause="wrong file")
    execution = aws.execution(arn)
    assert execution["status"] == "ABORTED"
    assert (execution["error"], execution["cause"]) == ("Operator", "wrong file")
    assert stopped["stopDate"] == execution["stopDate"]
    assert aws.ended(asked["ProcessingJobName"])["ProcessingJobStatus"] == "Stopped"
    assert aws.types(arn)[-2:] == ["TaskSubmitted", "ExecutionAborted"]


def test_time_limits_stop_the_job_and_can_be_redriven(aws):
    machine, state = request(SLEEPS), request(SLEEPS)
    by_machine = aws.execute(aws.machine_of(machine, program={"TimeoutSeconds": 1}))
    by_state = aws.execute(aws.machine_of(state, TimeoutSeconds=1))
    timed_out, failed = aws.settled(by_machine), aws.settled(by_state)
    assert (timed_out["status"], timed_out["redriveStatus"]) == ("TIMED_OUT", "REDRIVABLE")
    assert timed_out["stopDate"] > timed_out["startDate"]
    assert (failed["status"], failed["error"]) == ("FAILED", "States.Timeout")
    for asked in (machine, state):
        assert aws.ended(asked["ProcessingJobName"])["ProcessingJobStatus"] == "Stopped"


@both
@pytest.mark.usefixtures("aws")
def test_a_stopped_executions_task_keeps_its_timeout_which_moto_takes_from_the_stack(patched):
    env = SimpleNamespace(stack=["the parameters"], is_running=lambda: False, heap={})
    TimeoutSeconds(timeout_seconds=60).eval(env=env)
    assert (env.stack.pop() == 60) is patched


def test_quota_is_retried_by_the_name_that_aws_gives_it_and_a_stop_does_not_wait_for_that(aws):
    def refused(seconds):
        named = {"ErrorEquals": ["SageMaker.ResourceLimitExceededException", "Other"]}
        retry = [{**named, "IntervalSeconds": seconds, "MaxAttempts": 99, "BackoffRate": 1}]
        arn = aws.execute(aws.machine_of(request(), Retry=retry))
        aws.until(lambda: "TaskFailed" in aws.types(arn))
        return arn

    aws.engine.jobs.quota = 0
    stopped, retried = refused(90_000), refused(1)
    aws.stop(stopped)
    assert aws.execution(stopped)["status"] == "ABORTED"
    assert aws.execution(retried)["status"] == "RUNNING"
    aws.engine.jobs.quota = None
    assert aws.settled(retried)["status"] == "SUCCEEDED"
    failed = next(e for e in aws.history(retried) if e["type"] == "TaskFailed")
    assert "Error Code: ResourceLimitExceeded" in failed["taskFailedEventDetails"]["cause"]


@pytest.mark.parametrize("patched", [False], indirect=True, ids=["moto"])
def test_moto_sleeps_between_attempts_whatever_happens_meanwhile(aws, monkeypatch):
    slept, aws.patience = [], 30
    monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=slept.append))
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 7, "MaxAttempts": 1}]
    task = {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "gone"}}
    aws.settled(aws.execute(aws.machine_with(Type="Task", **task, Retry=retry)))
    assert slept == [7]


@moto_lacks
def test_machine_of_cloudformation_is_run_with_its_substitutions(aws):
    definition = json.dumps({"StartAt": "${S}", "States": {"${S}": {"Type": "Succeed"}}})
    properties = {
        "DefinitionString": definition,
        "DefinitionSubstitutions": {"S": {"Ref": "AWS::StackName"}},
        "RoleArn": ROLE,
    }
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = json.dumps({"Resources": {"M": machine}})
    client("cloudformation").create_stack(StackName="mine", TemplateBody=template)
    [made] = aws.states.list_state_machines()["stateMachines"]
    arn = aws.execute(made["stateMachineArn"])
    assert aws.settled(arn)["status"] == "SUCCEEDED"
    assert aws.history(arn)[1]["stateEnteredEventDetails"]["name"] == "mine"


def test_refusal_of_a_job_is_a_sagemaker_exception_and_a_wrong_request_is_not_retried(aws):
    machine = aws.machine_of(request())
    assert aws.settled(aws.execute(machine))["status"] == "SUCCEEDED"
    again = aws.settled(aws.execute(machine))
    assert again["error"] == "SageMaker.ResourceInUseException"
    wrong = request("true", "", ProcessingJobName="under_score")
    retry = [{"ErrorEquals": ["SageMaker.AmazonSageMakerException"], "IntervalSeconds": 90_000}]
    execution = aws.settled(aws.execute(aws.machine_of(wrong, Retry=retry)))
    assert execution["error"] == "SageMaker.AmazonSageMakerException"
    assert "Error Code: ValidationException" in execution["cause"]


def test_a_refused_s3_prefix_is_named_with_the_remedy(aws, root):
    text = (root / "src/statemachine/processing.asl.yaml").read_text("ascii")
    spark = {"landrun_ManifestsUri": "s3://out/manifests/", "landrun_RefusedInputs": "*"}
    machine = aws.machine(json.loads(filled_in(text, spark)))
    execution = aws.settled(aws.execute(machine, {"InputMessage": "s3://in/a b.csv"}))
    assert (execution["status"], execution["error"]) == ("FAILED", "InputIsNoManifest")
    assert "s3://in/a b.csv is not one under ManifestPrefix" in execution["cause"]
    assert "landrun start s3://in/a b.csv" in execution["cause"]


@moto_lacks
def test_names_are_made_up_and_owned_and_may_be_asked_for_at_the_same_moment(aws):
    machine, waits = aws.machine_with(Type="Succeed"), aws.machine_with(**WAIT)
    names = {aws.execution(aws.execute(machine))["name"] for _ in range(2)}
    assert len({uuid.UUID(name) for name in names}) == 2
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        [arn] = set(pool.map(lambda _: aws.execute(waits, name="same"), range(6)))
    aws.stop(arn)
    for given in ({}, {"a": 2}):
        with pytest.raises(aws.states.exceptions.ExecutionAlreadyExists):
            aws.execute(waits, given, name="same")


def test_close_leaves_no_thread_no_process_and_moto_as_it_was(aws):
    before, pid = set(threading.enumerate()), aws.folder / "pid"
    assert not state_task_factory.state_task_service_for.__module__.startswith("moto")
    aws.execute(aws.machine_of(request("echo $$ > $0; sleep 60", str(pid))))
    aws.execute(aws.machine_with(**WAIT))
    aws.until(lambda: pid.exists() and pid.read_text())
    aws.engine.close()
    assert set(threading.enumerate()) <= before
    assert not psutil.pid_exists(int(pid.read_text()))
    assert state_task_factory.state_task_service_for.__module__.startswith("moto")
