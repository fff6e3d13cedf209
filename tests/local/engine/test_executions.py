"""State machines that run Processing jobs, as a boto3 client sees them."""

from __future__ import annotations

import concurrent.futures
import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from landrun_ops.workflow import WorkflowConfig, definition

ROLE = "arn:aws:iam::123456789012:role/processing"
SLEEPS = "import time; time.sleep(60)"


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def test_completed_job_is_the_output_of_its_state(laptop) -> None:
    request = laptop.request("")
    arn = laptop.execute(laptop.machine_of(request))
    execution = laptop.settled(arn)
    assert execution["status"] == "SUCCEEDED"
    output = json.loads(execution["output"])
    job = laptop.describe(request["ProcessingJobName"])
    assert output["ProcessingJobStatus"] == "Completed"
    assert output["ProcessingJobArn"] == job["ProcessingJobArn"]
    assert output["ProcessingEndTime"] == int(job["ProcessingEndTime"].timestamp() * 1000)
    assert execution["stopDate"] >= execution["startDate"]


def test_history_tells_the_jobs_parameters(laptop) -> None:
    request = laptop.request("", "--rows", "3")
    arn = laptop.execute(laptop.machine_of(request))
    laptop.settled(arn)
    events = laptop.history(arn)
    assert types(events) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    scheduled = events[2]["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"]) == (
        "sagemaker",
        "createProcessingJob.sync",
    )
    assert json.loads(scheduled["parameters"]) == request
    submitted = json.loads(events[4]["taskSubmittedEventDetails"]["output"])
    assert submitted["ProcessingJobArn"].endswith(request["ProcessingJobName"])


def test_history_is_given_backwards_and_in_pages(laptop) -> None:
    arn = laptop.execute(laptop.machine_of(laptop.request("")))
    laptop.settled(arn)
    last = laptop.history(arn, reverseOrder=True, maxResults=2)
    assert types(last) == ["ExecutionSucceeded", "TaskStateExited"]
    paginator = laptop.client("stepfunctions").get_paginator("get_execution_history")
    pages = paginator.paginate(executionArn=arn, PaginationConfig={"PageSize": 3})
    assert [e["id"] for page in pages for e in page["events"]] == list(range(1, 9))


def test_failed_job_fails_the_execution_with_its_description_as_cause(laptop) -> None:
    arn = laptop.execute(laptop.machine_of(laptop.request("import sys; sys.exit(4)")))
    execution = laptop.settled(arn)
    assert execution["status"] == "FAILED"
    assert execution["error"] == "States.TaskFailed"
    cause = json.loads(execution["cause"])
    assert cause["ProcessingJobStatus"] == "Failed"
    assert cause["FailureReason"] == "AlgorithmError: , exit code: 4"
    assert isinstance(cause["CreationTime"], int)
    assert "output" not in execution


def test_stopped_job_fails_the_execution(laptop) -> None:
    request = laptop.request(SLEEPS, StoppingCondition={"MaxRuntimeInSeconds": 1})
    execution = laptop.settled(laptop.execute(laptop.machine_of(request)))
    assert (execution["status"], execution["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(execution["cause"])["ProcessingJobStatus"] == "Stopped"


def test_stop_execution_aborts_it_and_stops_its_job(laptop) -> None:
    # Given an execution whose job runs
    request = laptop.request(SLEEPS)
    arn = laptop.execute(laptop.machine_of(request))
    laptop.until(lambda: "TaskSubmitted" in types(laptop.history(arn)))
    # When it is stopped
    stopped = laptop.client("stepfunctions").stop_execution(
        executionArn=arn, error="Operator", cause="wrong file"
    )
    # Then it is aborted at once, says why, and its job stops
    execution = laptop.execution(arn)
    assert execution["status"] == "ABORTED"
    assert (execution["error"], execution["cause"]) == ("Operator", "wrong file")
    assert stopped["stopDate"] == execution["stopDate"]
    assert laptop.ended(request["ProcessingJobName"])["ProcessingJobStatus"] == "Stopped"
    assert types(laptop.history(arn))[-2:] == ["TaskSubmitted", "ExecutionAborted"]


def test_stop_in_the_first_instant_is_not_lost(laptop) -> None:
    machine = laptop.machine_of(laptop.request(SLEEPS))
    arn = laptop.execute(machine)
    laptop.client("stepfunctions").stop_execution(executionArn=arn)
    assert laptop.execution(arn)["status"] == "ABORTED"


def test_stop_during_the_wait_for_a_retry_does_not_wait(laptop) -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 300, "MaxDelaySeconds": 600}]
    with laptop.quota(0):
        arn = laptop.execute(laptop.machine_of(laptop.request(""), Retry=retry))
        laptop.until(lambda: "TaskFailed" in types(laptop.history(arn)))
        started = time.monotonic()
        laptop.client("stepfunctions").stop_execution(executionArn=arn)
    assert laptop.execution(arn)["status"] == "ABORTED"
    assert time.monotonic() - started < 30


def test_time_limit_of_the_machine_is_timed_out_and_stops_the_job(laptop) -> None:
    request = laptop.request(SLEEPS)
    arn = laptop.execute(laptop.machine_of(request, program={"TimeoutSeconds": 1}))
    execution = laptop.settled(arn)
    assert execution["status"] == "TIMED_OUT"
    assert execution["stopDate"] > execution["startDate"]
    assert laptop.ended(request["ProcessingJobName"])["ProcessingJobStatus"] == "Stopped"
    assert laptop.execution(arn)["status"] == "TIMED_OUT"
    listed = laptop.client("stepfunctions").list_executions(
        stateMachineArn=execution["stateMachineArn"]
    )["executions"]
    assert listed[0]["stopDate"] == execution["stopDate"]


def test_time_limit_of_the_state_is_states_timeout_and_stops_the_job(laptop) -> None:
    request = laptop.request(SLEEPS)
    arn = laptop.execute(laptop.machine_of(request, TimeoutSeconds=1))
    execution = laptop.settled(arn)
    assert (execution["status"], execution["error"]) == ("FAILED", "States.Timeout")
    assert laptop.ended(request["ProcessingJobName"])["ProcessingJobStatus"] == "Stopped"


def test_quota_is_retried_by_the_name_that_aws_gives_it(laptop) -> None:
    retry = [
        {
            "ErrorEquals": ["SageMaker.ResourceLimitExceededException", "Other"],
            "IntervalSeconds": 1,
            "MaxAttempts": 50,
            "MaxDelaySeconds": 2,
            "BackoffRate": 2,
            "JitterStrategy": "FULL",
        }
    ]
    with laptop.quota(0):
        arn = laptop.execute(laptop.machine_of(laptop.request(""), Retry=retry))
        laptop.until(lambda: "TaskFailed" in types(laptop.history(arn)))
        assert laptop.execution(arn)["status"] == "RUNNING"
    assert laptop.settled(arn)["status"] == "SUCCEEDED"
    failed = next(e for e in laptop.history(arn) if e["type"] == "TaskFailed")
    details = failed["taskFailedEventDetails"]
    assert details["error"] == "SageMaker.ResourceLimitExceededException"
    assert "Error Code: ResourceLimitExceeded" in details["cause"]


def test_failed_job_is_retried_under_a_new_name(laptop) -> None:
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


def test_same_job_name_again_is_resource_in_use(laptop) -> None:
    machine = laptop.machine_of(laptop.request(""))
    assert laptop.settled(laptop.execute(machine))["status"] == "SUCCEEDED"
    again = laptop.settled(laptop.execute(machine))
    assert again["error"] == "SageMaker.ResourceInUseException"


def test_invalid_job_is_a_sagemaker_exception_at_once_that_names_the_field(laptop) -> None:
    request = laptop.request("", ProcessingJobName="under_score")
    retry = [{"ErrorEquals": ["SageMaker.AmazonSageMakerException"], "IntervalSeconds": 600}]
    execution = laptop.settled(laptop.execute(laptop.machine_of(request, Retry=retry)))
    assert execution["error"] == "SageMaker.AmazonSageMakerException"
    assert "processingJobName" in execution["cause"]
    assert "Error Code: ValidationException" in execution["cause"]


def test_a_spark_machine_refuses_an_s3_prefix_by_name_with_the_remedy(laptop) -> None:
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


@pytest.mark.parametrize(
    ("change", "why"),
    [({"Colour": "red"}, "Colour"), ({"RoleArn": 3}, "RoleArn")],
)
def test_parameter_that_sagemaker_does_not_know_is_not_dropped(laptop, change, why) -> None:
    request = {**laptop.request(""), **change}
    execution = laptop.settled(laptop.execute(laptop.machine_of(request)))
    assert (execution["status"], execution["error"]) == ("FAILED", "States.Runtime")
    assert "could not be used to start the Task" in execution["cause"]
    assert why in execution["cause"]


def test_other_sagemaker_resources_are_refused_when_the_machine_is_made(laptop) -> None:
    resource = "arn:aws:states:::sagemaker:createTrainingJob.sync"
    states = {"T": {"Type": "Task", "Resource": resource, "Parameters": {}, "End": True}}
    with pytest.raises(ClientError, match="createTrainingJob"):
        laptop.machine({"StartAt": "T", "States": states})


def test_intrinsics_and_context_give_what_the_workflow_needs(laptop) -> None:
    parameters = {
        "name.$": "States.Format('{}/{}', $$.Execution.Name, $$.Execution.Input['N'])",
        "id.$": "States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0)",
        "words.$": "States.StringSplit('--in  /opt/x --out /opt/y', ' ')",
        "count.$": "States.StringToJson('2')",
    }
    states = {"P": {"Type": "Pass", "Parameters": parameters, "End": True}}
    machine = laptop.machine({"StartAt": "P", "States": states})
    arn = laptop.execute(machine, {"N": "n"}, name="run-1")
    output = json.loads(laptop.settled(arn)["output"])
    assert output["name"] == "run-1/n"
    assert len(output["id"]) == 8
    assert output["words"] == ["--in", "/opt/x", "--out", "/opt/y"]
    assert output["count"] == 2


def test_output_that_is_a_text_is_json_all_the_same(laptop) -> None:
    states = {"P": {"Type": "Pass", "Result": "done", "End": True}}
    arn = laptop.execute(laptop.machine({"StartAt": "P", "States": states}))
    assert laptop.settled(arn)["output"] == '"done"'


def test_execution_without_a_name_gets_one_of_its_own(laptop) -> None:
    machine = laptop.machine({"StartAt": "P", "States": {"P": {"Type": "Succeed"}}})
    names = {laptop.execution(laptop.execute(machine))["name"] for _ in range(2)}
    assert len({uuid.UUID(name) for name in names}) == 2


def test_one_name_asked_for_at_the_same_moment_starts_one_execution(laptop) -> None:
    machine = laptop.machine(
        {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
    )
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        arns = set(pool.map(lambda _: laptop.execute(machine, {}, name="same"), range(6)))
    listed = laptop.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    laptop.client("stepfunctions").stop_execution(executionArn=listed[0]["executionArn"])
    assert len(arns) == len(listed) == 1


def test_closed_execution_or_other_input_is_execution_already_exists(laptop) -> None:
    machine = laptop.machine({"StartAt": "P", "States": {"P": {"Type": "Succeed"}}})
    laptop.settled(laptop.execute(machine, {"a": 1}, name="taken"))
    for given in ({"a": 1}, {"a": 2}):
        with pytest.raises(laptop.client("stepfunctions").exceptions.ExecutionAlreadyExists):
            laptop.execute(machine, given, name="taken")


def test_machine_of_cloudformation_runs(laptop) -> None:
    definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Succeed"}}})
    properties = {
        "StateMachineName": f"cfn-{uuid.uuid4().hex[:8]}",
        "DefinitionString": definition,
        "RoleArn": "arn:aws:iam::123456789012:role/states",
    }
    template = {
        "Resources": {"M": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}
    }
    cloudformation = laptop.client("cloudformation")
    cloudformation.create_stack(
        StackName=f"s-{uuid.uuid4().hex[:8]}", TemplateBody=json.dumps(template)
    )
    machines = laptop.client("stepfunctions").list_state_machines()["stateMachines"]
    arn = next(
        m["stateMachineArn"] for m in machines if m["name"] == properties["StateMachineName"]
    )
    assert laptop.settled(laptop.execute(arn))["status"] == "SUCCEEDED"
