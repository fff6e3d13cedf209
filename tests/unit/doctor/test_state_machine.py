"""A state machine that exists already: what the checks, and `landrun adopt`, read in it."""

import json

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.doctor import adoption, state_machine
from landrun_ops.doctor.checks import run_checks

from .conftest import REPLIES, client, error, reader

ARN = "arn:aws:states:eu-central-1:123456789012:stateMachine:bsm-batch-preprocessing"
SYNC = "arn:aws:states:::sagemaker:createProcessingJob.sync"
MACHINE = "stepfunctions.DescribeStateMachine"
EXECUTION, EXECUTIONS = "stepfunctions.DescribeExecution", "stepfunctions.ListExecutions"
INPUT = "$$.Execution.Input"
MESSAGE, RUN = f"{INPUT}['InputMessage']", f"{INPUT}['PreprocessingJobName']"
JSONATA = "{% $states.context.Execution.Input.InputMessage %}"
JOB = "bsm-daily-50f0421ea8585c9eb9688415b36b93f2"
PAST = {
    "PreprocessingJobName": JOB,
    "InputMessage": "s3://data/by-hand/orders.jsonl",
    "OutputProcessedMessage": f"s3://results/bsm/{JOB}/",
}


def definition(kind="S3Prefix", uri=MESSAGE, state=None, key="S3Uri.$", **job):
    """A state machine of one Processing job whose input reads this URI as this data type."""
    inputs = [
        {"S3Input": {"S3Uri": "s3://code/", "S3DataType": "S3Prefix"}},
        {"S3Input": {key: uri, "S3DataType": kind}},
    ]
    request = {"AppSpecification": {"ImageUri": "i"}, "ProcessingInputs": inputs, **job}
    arguments = "Arguments" if "{%" in uri else "Parameters"
    return {"States": {"Process": {"Resource": SYNC, arguments: request, **(state or {})}}}


def found_by(check, made, input_format="uri"):
    outputs = {"InputMessageFormat": input_format}
    [found] = run_checks([check], reader({MACHINE: {"definition": json.dumps(made)}}, {}, outputs))
    return " ".join(f"{one.level} {one.what} -> {one.remedy}" for one in found)


@pytest.mark.parametrize(("kind", "fitting"), [("ManifestFile", "manifest"), ("S3Prefix", "uri")])
@pytest.mark.parametrize(
    "made",
    [
        definition,
        lambda kind: definition(kind, JSONATA, key="S3Uri"),
        lambda kind: definition(kind, "$.InputMessage"),
        lambda kind: definition(kind, "{% $states.input.`InputMessage` %}", key="S3Uri"),
        lambda kind: {"States": {"All": {"Type": "Parallel", "Branches": [definition(kind)]}}},
    ],
)
def test_the_data_type_of_the_input_that_reads_the_message_decides_the_format(made, kind, fitting):
    assert state_machine.fitting_format(made(kind)) == fitting
    assert found_by(state_machine.input_message, made(kind), fitting).startswith("ok")


MANIFESTS = {"ImageUri": "spark", "ContainerArguments": ["--manifests", "/opt/ml/processing/input"]}
OTHER_FIELD, BOTH = f"{INPUT}.Source", definition(Outputs="$.OutputProcessedMessage")
RETRY = [{"ErrorEquals": ["A"], "MaxAttempts": 5}, {"ErrorEquals": ["States.TaskFailed"]}]
LIMIT = {"MaxRuntimeInSeconds": 3600}
NO_SYNC, ONE_NAME = {"Resource": SYNC.removesuffix(".sync")}, {"ProcessingJobName": "x"}
NAME, UUID = "ProcessingJobName.$", f"States.Format('{{}}-{{}}', {RUN}, States.UUID())"
NAMED = "$states.input.PreprocessingJobName"
READS = "fail its job reads InputMessage as"
UNKNOWN = "skip how it reads InputMessage is not known:"


@pytest.mark.parametrize(
    ("check", "made", "finding"),
    [
        ("input_message", definition(AppSpecification=MANIFESTS), f"{READS} ManifestFile"),
        ("input_message", definition(uri="$.Source"), f"{UNKNOWN} no input of a job"),
        ("input_message", definition("{% $kind %}"), f"{UNKNOWN} S3DataType is {{% $kind %}}"),
        ("input_fields", definition(uri=OTHER_FIELD), "fail it reads Source of its input"),
        ("input_fields", definition(), "warn it does not read OutputProcessedMessage"),
        ("input_fields", BOTH, "ok"),
        ("job_name", definition(**{NAME: RUN}), "warn its job has the run's name alone"),
        ("job_name", definition(**{NAME: "$$.Execution.Name"}), "warn"),
        ("job_name", definition(ProcessingJobName=f"{{% {NAMED} %}}"), "warn"),
        ("job_name", definition(ProcessingJobName=f"{{% {NAMED} & $u() %}}"), "ok"),
        ("job_name", definition(**{NAME: UUID}), "ok"),
        ("job_name", definition(**ONE_NAME), "fail every run's job is named 'x'"),
        ("waits_for_job", definition(), "ok"),
        ("waits_for_job", definition(state=NO_SYNC), "fail it does not wait for its job"),
        ("retries", definition(state={"Retry": RETRY}), "ok its job is tried up to 9 times"),
        ("retries", definition(), "warn it does not retry"),
        ("time_limit", definition(StoppingCondition=LIMIT), "ok its job is stopped after 1 h 00"),
        ("time_limit", definition(), "warn its job has no time limit"),
    ],
)
def test_each_property_of_a_given_machine_is_judged(check, made, finding):
    found = found_by(getattr(state_machine, check), made)
    assert found.startswith(finding)
    if check == "job_name" and not found.startswith("ok"):
        assert "landrun rerun" in found


def adopted(**replies):
    """The parameters that `adopt` proposes."""
    machine = {"name": "bsm-batch-preprocessing", "definition": json.dumps(definition())}
    REPLIES.update({MACHINE: machine, EXECUTION: {"input": json.dumps(PAST)}, **replies})
    return dict(adoption.read(client, ARN).stack.parameters)


def test_a_notebooks_machine_gets_uri_and_the_prefixes_of_its_past_executions():
    assert adopted() == {
        "StateMachineArn": ARN,
        "InputMessageFormat": "uri",
        "JobNamePrefix": "bsm-batch",
        "LandingPrefix": "by-hand/",
        "OutputPrefix": "bsm/",
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"Trigger": {"Kind": "manual"}},  # landrun started it
        {"InputMessage": "text"},
        {"InputMessage": "s3://results/bsm/in/x.csv"},  # outputs could be taken for input
    ],
)
def test_prefixes_are_proposed_only_where_past_executions_say_so(changed):
    assert "LandingPrefix" not in adopted(**{EXECUTION: {"input": json.dumps(PAST | changed)}})
    assert "LandingPrefix" not in adopted(**{EXECUTIONS: error("AccessDeniedException")})


@pytest.mark.parametrize("arn", ["", "bsm", f"{ARN}:3", f"{ARN}:prod", "arn:aws:s3:::bucket"])
def test_only_the_arn_of_a_state_machine_is_accepted(arn):
    with pytest.raises(ConfigurationError, match="without version or alias"):
        adoption.region_of(arn)
