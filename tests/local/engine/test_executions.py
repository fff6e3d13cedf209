"""State machines that run Processing jobs, as a boto3 client sees them."""

from __future__ import annotations

import concurrent.futures
import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from landrun_ops.workflow import WorkflowConfig, definition

from .conftest import OUT, ROLE, alive, moto_lacks

SLEEPS = "import time; time.sleep(60)"
WAIT = {"Type": "Wait", "Seconds": 60}


@moto_lacks
def test_completed_job_is_the_output_of_its_state_and_in_the_history(laptop):
    request = laptop.request("", "--rows", "3")
    arn = laptop.execute(laptop.machine_of(request))
    execution, job = laptop.settled(arn), laptop.describe(request["ProcessingJobName"])
    assert execution["status"] == "SUCCEEDED"
    assert execution["stopDate"] >= execution["startDate"]
    output = json.loads(execution["output"])
    assert output["ProcessingJobStatus"] == "Completed"
    assert output["ProcessingJobArn"] == job["ProcessingJobArn"]
    assert output["ProcessingEndTime"] == int(job["ProcessingEndTime"].timestamp() * 1000)
    events = laptop.history(arn)
    begin = ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted"]
    end = ["TaskSubmitted", "TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"]
    assert [event["type"] for event in events] == begin + end
    scheduled = events[2]["taskScheduledEventDetails"]
    resource = (scheduled["resourceType"], scheduled["resource"])
    assert resource == ("sagemaker", "createProcessingJob.sync")
    assert json.loads(scheduled["parameters"]) == request
    submitted = json.loads(events[4]["taskSubmittedEventDetails"]["output"])
    assert submitted["ProcessingJobArn"] == job["ProcessingJobArn"]


@moto_lacks
def test_history_is_given_backwards_and_in_pages(laptop):
    arn = laptop.execute(laptop.machine_with(Type="Pass"))
    laptop.settled(arn)
    last = laptop.history(arn, reverseOrder=True, maxResults=2)
    assert [event["type"] for event in last] == ["ExecutionSucceeded", "PassStateExited"]
    paginator = laptop.client("stepfunctions").get_paginator("get_execution_history")
    pages = paginator.paginate(executionArn=arn, PaginationConfig={"PageSize": 3})
    assert [e["id"] for page in pages for e in page["events"]] == list(range(1, 5))


@pytest.mark.parametrize(
    ("text", "more", "status"),
    [
        ("import sys; sys.exit(4)", {}, "Failed"),
        (SLEEPS, {"StoppingCondition": {"MaxRuntimeInSeconds": 1}}, "Stopped"),
    ],
)
def test_job_that_does_not_complete_fails_the_execution_with_its_description_as_cause(
    laptop, text, more, status
):
    execution = laptop.settled(laptop.execute(laptop.machine_of(laptop.request(text, **more))))
    assert (execution["status"], execution["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(execution["cause"])
    assert cause["ProcessingJobStatus"] == status
    assert isinstance(cause["CreationTime"], int)
    assert "output" not in execution


def test_stop_execution_aborts_it_and_stops_its_job(laptop):
    request = laptop.request(SLEEPS)
    arn = laptop.execute(laptop.machine_of(request))
    laptop.until(lambda: "TaskSubmitted" in laptop.types(arn))
    stopped = laptop.stop(arn, error="Operator", cause="wrong file")
    execution = laptop.execution(arn)
    assert execution["status"] == "ABORTED"
    assert (execution["error"], execution["cause"]) == ("Operator", "wrong file")
    assert stopped["stopDate"] == execution["stopDate"]
    assert laptop.ended(request["ProcessingJobName"])["ProcessingJobStatus"] == "Stopped"
    assert laptop.types(arn)[-2:] == ["TaskSubmitted", "ExecutionAborted"]


def test_stop_in_the_first_instant_is_not_lost(laptop):
    arn = laptop.execute(laptop.machine_of(laptop.request(SLEEPS)))
    laptop.stop(arn)
    assert laptop.execution(arn)["status"] == "ABORTED"


@moto_lacks
def test_stop_during_the_wait_for_a_retry_does_not_wait(laptop):
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 30, "MaxAttempts": 1}]
    task = {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "gone"}}
    arn = laptop.execute(laptop.machine_with(Type="Task", **task, Retry=retry), name="retries")
    laptop.until(lambda: any(one.endswith("Failed") for one in laptop.types(arn)))
    started = time.monotonic()
    laptop.stop(arn)
    assert laptop.execution(arn)["status"] == "ABORTED"
    assert time.monotonic() - started < 20


@moto_lacks
def test_machine_of_cloudformation_is_run(laptop):
    properties = {
        "StateMachineName": f"cfn-{uuid.uuid4().hex[:8]}",
        "DefinitionString": json.dumps({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}),
        "RoleArn": ROLE,
    }
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = json.dumps({"Resources": {"M": resource}})
    name = properties["StateMachineName"]
    laptop.client("cloudformation").create_stack(StackName=name, TemplateBody=template)
    machines = laptop.client("stepfunctions").list_state_machines()["stateMachines"]
    [arn] = [one["stateMachineArn"] for one in machines if one["name"] == name]
    assert laptop.settled(laptop.execute(arn))["status"] == "SUCCEEDED"


def test_time_limits_stop_the_job(laptop):
    machine, state = laptop.request(SLEEPS), laptop.request(SLEEPS)
    by_machine = laptop.execute(laptop.machine_of(machine, program={"TimeoutSeconds": 1}))
    by_state = laptop.execute(laptop.machine_of(state, TimeoutSeconds=1))
    timed_out, failed = laptop.settled(by_machine), laptop.settled(by_state)
    assert timed_out["status"] == "TIMED_OUT"
    assert timed_out["stopDate"] > timed_out["startDate"]
    assert (failed["status"], failed["error"]) == ("FAILED", "States.Timeout")
    for request in (machine, state):
        assert laptop.ended(request["ProcessingJobName"])["ProcessingJobStatus"] == "Stopped"
    assert laptop.execution(by_machine)["status"] == "TIMED_OUT"


def test_quota_is_retried_by_the_name_that_aws_gives_it(laptop):
    named = {"ErrorEquals": ["SageMaker.ResourceLimitExceededException", "Other"]}
    retry = [{**named, "IntervalSeconds": 1, "MaxAttempts": 50, "BackoffRate": 1}]
    with laptop.quota(0):
        arn = laptop.execute(laptop.machine_of(laptop.request(""), Retry=retry))
        laptop.until(lambda: "TaskFailed" in laptop.types(arn))
        assert laptop.execution(arn)["status"] == "RUNNING"
    assert laptop.settled(arn)["status"] == "SUCCEEDED"
    failed = next(e for e in laptop.history(arn) if e["type"] == "TaskFailed")
    assert "Error Code: ResourceLimitExceeded" in failed["taskFailedEventDetails"]["cause"]


def test_failed_job_is_retried_under_a_new_name(laptop):
    request = laptop.request("import sys; sys.exit(1)")
    name = request.pop("ProcessingJobName")
    request["ProcessingJobName.$"] = (
        "States.Format('{}-{}', $$.Execution.Input['Name'], "
        "States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0))"
    )
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    arn = laptop.execute(laptop.machine_of(request, Retry=retry), {"Name": name})
    assert laptop.settled(arn)["status"] == "FAILED"
    jobs = laptop.client("sagemaker").list_processing_jobs(NameContains=name)
    names = [job["ProcessingJobName"] for job in jobs["ProcessingJobSummaries"]]
    assert len(names) == len(set(names)) == 2
    assert all(len(job) == len(name) + 9 for job in names)


def test_refusal_of_a_job_is_a_sagemaker_exception_and_a_wrong_request_is_not_retried(laptop):
    machine = laptop.machine_of(laptop.request(""))
    assert laptop.settled(laptop.execute(machine))["status"] == "SUCCEEDED"
    again = laptop.settled(laptop.execute(machine))
    assert again["error"] == "SageMaker.ResourceInUseException"
    request = laptop.request("", ProcessingJobName="under_score")
    retry = [{"ErrorEquals": ["SageMaker.AmazonSageMakerException"], "IntervalSeconds": 600}]
    execution = laptop.settled(laptop.execute(laptop.machine_of(request, Retry=retry)))
    assert execution["error"] == "SageMaker.AmazonSageMakerException"
    assert "processingJobName" in execution["cause"]
    assert "Error Code: ValidationException" in execution["cause"]


def test_a_spark_machine_refuses_an_s3_prefix_by_name_with_the_remedy(laptop):
    settings = {
        "processing_role": ROLE,
        "image_uri": "image",
        "engine": "spark",
        "manifests": "s3://out/manifests/",
        "job_name_prefix": "landrun",
    }
    machine = laptop.machine(definition(WorkflowConfig.read(settings)))
    given = {"PreprocessingJobName": "n", "InputMessage": "s3://in/a b.csv"}
    execution = laptop.settled(laptop.execute(machine, given))
    assert (execution["status"], execution["error"]) == ("FAILED", "InputIsNoManifest")
    assert "s3://in/a b.csv is not one under ManifestPrefix" in execution["cause"]
    assert "landrun start s3://in/a b.csv" in execution["cause"]


@pytest.mark.parametrize("change", [{"Colour": "red"}, {"RoleArn": 3}])
def test_parameter_that_sagemaker_does_not_know_is_not_dropped(laptop, change):
    execution = laptop.settled(laptop.execute(laptop.machine_of({**laptop.request(""), **change})))
    assert (execution["status"], execution["error"]) == ("FAILED", "States.Runtime")
    assert "could not be used to start the Task" in execution["cause"]


def test_other_sagemaker_resources_are_refused_when_the_machine_is_made(laptop):
    resource = "arn:aws:states:::sagemaker:createTrainingJob.sync"
    with pytest.raises(ClientError, match="createTrainingJob"):
        laptop.machine_with(Type="Task", Resource=resource, Parameters={})


def test_surrogate_pair_of_a_definition_is_one_character_of_the_jobs_arguments(laptop):
    bucket = laptop.bucket()
    text = (
        "import pathlib, sys; out = pathlib.Path(sys.argv[1], 'seen')\n"
        "out.write_text(sys.argv[2], encoding='utf-8')"
    )
    machine = laptop.machine_of(laptop.request(text, OUT, "😀", output=f"s3://{bucket}/"))
    described = laptop.client("stepfunctions").describe_state_machine(stateMachineArn=machine)
    assert r"\ud83d\ude00" in described["definition"]
    assert laptop.settled(laptop.execute(machine))["status"] == "SUCCEEDED"
    assert laptop.read(bucket) == {"seen": "😀"}


@moto_lacks
def test_names_are_made_up_and_owned_and_may_be_asked_for_at_the_same_moment(laptop):
    machine = laptop.machine_with(Type="Succeed")
    names = {laptop.execution(laptop.execute(machine))["name"] for _ in range(2)}
    assert len({uuid.UUID(name) for name in names}) == 2
    laptop.settled(laptop.execute(machine, {"a": 1}, name="taken"))
    for given in ({"a": 1}, {"a": 2}):
        with pytest.raises(laptop.client("stepfunctions").exceptions.ExecutionAlreadyExists):
            laptop.execute(machine, given, name="taken")
    waits = laptop.machine_with(**WAIT)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        [arn] = set(pool.map(lambda _: laptop.execute(waits, {}, name="same"), range(6)))
    laptop.stop(arn)


def test_close_leaves_no_thread_no_process_and_moto_as_it_was(tmp_path, laptop):
    own = type(laptop)("engine", tmp_path)
    pids = own.bucket()
    text = (
        "import boto3, os, sys, time\n"
        "boto3.client('s3').put_object(Bucket=sys.argv[1], Key='pid', Body=str(os.getpid()))\n"
        "time.sleep(60)\n"
    )
    own.execute(own.machine_of(own.request(text, pids)))
    own.execute(own.machine_with(**WAIT))
    pid = int(own.until(lambda: own.read(pids))["pid"])
    assert own.close() == {"threads": [], "restored": True}
    assert not alive(pid)
