"""A state machine of StateMachineArn: a table of definitions, and what landrun reads in them."""

from __future__ import annotations

from typing import Any

import pytest

from landrun_ops.doctor import customer_state_machine as customer

NOTEBOOK = "$$.Execution.Input['InputMessage']"
JSONATA = "{% $states.context.Execution.Input.InputMessage %}"
RUN = "$$.Execution.Input['PreprocessingJobName']"


def definition(data_type: str, uri: str = NOTEBOOK, **request: Any) -> dict[str, Any]:
    """A state machine of one Processing job whose input reads this URI as this data type."""
    parameters = {
        "AppSpecification": {"ImageUri": "image"},
        "ProcessingInputs": [
            {"InputName": "code", "S3Input": {"S3Uri": "s3://code/", "S3DataType": "S3Prefix"}},
            {"InputName": "messages", "S3Input": {"S3Uri.$": uri, "S3DataType": data_type}},
        ],
        **request,
    }
    return {"States": {"Process": {"Type": "Task", "Parameters": parameters}}}


def in_jsonata(data_type: str, uri: str = JSONATA) -> dict[str, Any]:
    made = definition(data_type)
    parameters = made["States"]["Process"].pop("Parameters")
    parameters["ProcessingInputs"][1]["S3Input"] = {"S3Uri": uri, "S3DataType": data_type}
    made["States"]["Process"]["Arguments"] = parameters
    return made


@pytest.mark.parametrize(
    ("data_type", "fitting", "misfit"),
    [
        ("ManifestFile", "manifest", "SageMaker refuses the object as a manifest"),
        ("S3Prefix", "uri", "it processes the manifest instead of the data"),
    ],
)
@pytest.mark.parametrize(
    "made",
    [
        definition,
        in_jsonata,
        lambda kind: definition(kind, uri="$.InputMessage"),
        lambda kind: definition(kind, uri="$['InputMessage']"),
        lambda kind: definition(kind, uri="States.Format('{}', $$.Execution.Input.InputMessage)"),
        lambda kind: in_jsonata(kind, "{% $states.input.InputMessage %}"),
        lambda kind: in_jsonata(kind, "{% $states.input.`InputMessage` %}"),
        lambda kind: {"States": {"All": {"Type": "Parallel", "Branches": [definition(kind)]}}},
    ],
)
def test_the_data_type_of_the_input_that_reads_the_message_decides_the_format(
    made: Any, data_type: str, fitting: str, misfit: str
) -> None:
    found = made(data_type)
    assert customer.fitting_format(found) == fitting
    assert customer.judge_input_format(found, fitting).grade == "ok"
    [other] = customer.DATA_TYPES.keys() - {fitting}
    finding = customer.judge_input_format(found, other)
    assert finding.grade == "fail"
    assert misfit in finding.says
    assert f"InputMessageFormat={fitting}" in finding.remedy


def test_a_job_that_is_called_with_manifests_reads_the_manifest_itself() -> None:
    app = {"ImageUri": "spark", "ContainerArguments": ["--manifests", "/opt/ml/processing/input"]}
    assert customer.fitting_format(definition("S3Prefix", AppSpecification=app)) == "manifest"


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (definition("S3Prefix", uri="$.Source"), "no input names it"),
        (definition("S3Prefix", ProcessingInputs="{% $inputs %}"), "no input names it"),
        (in_jsonata("{% $kind %}"), "decides per execution ({% $kind %})"),
    ],
)
def test_what_a_definition_does_not_say_is_skipped(made: Any, says: str) -> None:
    assert customer.fitting_format(made) == ""
    found = customer.judge_input_format(made, "uri")
    assert (found.grade, says in found.says) == ("skip", True)
    assert found.remedy.endswith("S3DataType S3Prefix")


@pytest.mark.parametrize(
    ("name", "grade"),
    [
        ({"ProcessingJobName.$": RUN}, "warn"),
        ({"ProcessingJobName.$": "$.PreprocessingJobName"}, "warn"),
        ({"ProcessingJobName.$": "$$.Execution.Name"}, "warn"),
        ({"ProcessingJobName": "{% $states.input.PreprocessingJobName %}"}, "warn"),
        ({"ProcessingJobName": "{% $states.input.PreprocessingJobName & $uuid() %}"}, "ok"),
        ({"ProcessingJobName.$": f"States.Format('{{}}-{{}}', {RUN}, States.UUID())"}, "ok"),
        ({"ProcessingJobName": "always-the-same"}, "fail"),
    ],
)
def test_a_job_whose_name_repeats_runs_once(name: dict[str, str], grade: str) -> None:
    found = customer.judge_job_name(definition("S3Prefix", **name))
    assert found.grade == grade
    assert ("landrun rerun" in found.remedy) == (grade != "ok")


@pytest.mark.parametrize(
    ("made", "grade", "says"),
    [
        (definition("S3Prefix", "$$.Execution.Input.Source"), "fail", "it reads Source of its"),
        (definition("S3Prefix"), "warn", "it does not read OutputProcessedMessage"),
        (definition("S3Prefix", Outputs="$.OutputProcessedMessage"), "ok", "it reads InputMes"),
    ],
)
def test_the_fields_that_are_read_have_to_be_the_contracts(
    made: Any, grade: str, says: str
) -> None:
    found = customer.judge_fields(made)
    assert found.grade == grade
    assert found.says.startswith(says)


@pytest.mark.parametrize(
    ("resource", "grade"),
    [
        ("arn:aws:states:::sagemaker:createProcessingJob.sync", "ok"),
        ("arn:aws:states:::sagemaker:createProcessingJob", "fail"),
        (None, "skip"),
    ],
)
def test_an_execution_has_to_end_with_its_job(resource: str | None, grade: str) -> None:
    made = definition("S3Prefix")
    made["States"]["Process"]["Resource"] = resource
    assert customer.judge_end(made if resource else {"States": {}}).grade == grade


def test_attempts_and_time_limit_are_read_from_the_state() -> None:
    made = definition("S3Prefix", StoppingCondition={"MaxRuntimeInSeconds": 3600})
    made["States"]["Process"]["Retry"] = [
        {"ErrorEquals": ["SageMaker.ResourceLimitExceededException"], "MaxAttempts": 5},
        {"ErrorEquals": ["States.TaskFailed"]},  # three, by default
    ]
    [task] = customer.processing_tasks(made)
    assert (task.attempts, task.time_limit) == (9, "3600")
