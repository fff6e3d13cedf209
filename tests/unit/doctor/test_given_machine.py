"""A state machine of StateMachineArn: which definitions read what executions pass to it."""

from __future__ import annotations

from typing import Any

import pytest

from landrun_ops.doctor.given_machine import (
    execution_fields,
    fields_read,
    judge_fields,
    judge_input_format,
    judge_job_name,
    judge_prefixes,
)
from records import record

NOTEBOOK = "$$.Execution.Input['InputMessage']"
JSONATA = "{% $states.context.Execution.Input.InputMessage %}"
RUN = "$$.Execution.Input['PreprocessingJobName']"


def definition(data_type: str, **request: Any) -> dict[str, Any]:
    """A machine of one Processing job whose input reads ``InputMessage`` as this data type."""
    source = {"S3Uri.$": request.pop("uri", NOTEBOOK), "S3DataType": data_type}
    parameters = {
        "AppSpecification": {"ImageUri": "image"},
        "ProcessingInputs": [
            {"InputName": "code", "S3Input": {"S3Uri": "s3://code/", "S3DataType": "S3Prefix"}},
            {"InputName": "messages", "S3Input": source},
        ],
        **request,
    }
    return {"States": {"Process": {"Type": "Task", "Parameters": parameters}}}


def in_jsonata(data_type: str, uri: str = JSONATA, **request: Any) -> dict[str, Any]:
    made = definition(data_type, **request)
    parameters = made["States"]["Process"].pop("Parameters")
    parameters["ProcessingInputs"][1]["S3Input"] = {"S3Uri": uri, "S3DataType": data_type}
    made["States"]["Process"]["Arguments"] = parameters
    return made


@pytest.mark.parametrize(
    ("data_type", "input_format", "grade"),
    [
        ("ManifestFile", "manifest", "ok"),
        ("S3Prefix", "uri", "ok"),
        ("S3Prefix", "manifest", "fail"),
        ("ManifestFile", "uri", "fail"),
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
def test_the_data_type_of_the_input_that_takes_the_message_has_to_fit(
    made: Any, data_type: str, input_format: str, grade: str
) -> None:
    assert judge_input_format(made(data_type), input_format).grade == grade


def test_a_misfit_says_what_happens_and_the_remedy() -> None:
    found = judge_input_format(definition("S3Prefix"), "manifest")
    assert "processes the manifest instead of the data" in found.says
    assert found.remedy.startswith("sam deploy with InputMessageFormat=uri")
    assert (
        "InputMessageFormat=manifest"
        in judge_input_format(definition("ManifestFile"), "uri").remedy
    )


def test_a_job_that_is_called_with_manifests_reads_the_manifest_itself() -> None:
    app = {"ImageUri": "spark", "ContainerArguments": ["--manifests", "/opt/ml/processing/input"]}
    spark = definition("S3Prefix", AppSpecification=app)
    assert judge_input_format(spark, "manifest").grade == "ok"
    assert judge_input_format(spark, "uri").grade == "fail"


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (definition("S3Prefix", uri="$.Source"), "no input names it"),
        (definition("S3Prefix", ProcessingInputs="{% $inputs %}"), "no input names it"),
        (in_jsonata("{% $kind %}"), "decides per execution ({% $kind %})"),
    ],
)
def test_what_cannot_be_told_is_skipped_with_what_is_needed(made: Any, says: str) -> None:
    found = judge_input_format(made, "uri")
    assert found.grade == "skip"
    assert says in found.says
    assert found.remedy.endswith("S3DataType S3Prefix")


@pytest.mark.parametrize(
    ("name", "grade"),
    [
        ({"ProcessingJobName.$": RUN}, "warn"),
        ({"ProcessingJobName.$": "$.PreprocessingJobName"}, "warn"),
        ({"ProcessingJobName.$": "$$.Execution.Name"}, "warn"),
        (
            {"ProcessingJobName": "{% $states.context.Execution.Input.PreprocessingJobName %}"},
            "warn",
        ),
        ({"ProcessingJobName": "{% $states.input.PreprocessingJobName & '-' & $uuid() %}"}, "ok"),
        ({"ProcessingJobName.$": f"States.Format('{{}}-{{}}', {RUN}, States.UUID())"}, "ok"),
    ],
)
def test_a_job_with_the_runs_name_alone_can_never_run_again(
    name: dict[str, str], grade: str
) -> None:
    found = judge_job_name(definition("S3Prefix", **name))
    assert found.grade == grade
    assert ("landrun rerun" in found.remedy) == (grade == "warn")


def test_runs_that_read_more_than_what_landed_are_named() -> None:
    runs = [record({"name": name}) for name in ("c", "b", "a")]
    assert judge_prefixes(runs).grade == "ok"
    runs[1] = record({"name": "b", "input_also_matches": ["in/a.csv.bak", "in/a.csv.old"]})
    found = judge_prefixes(runs)
    assert found.grade == "warn"
    assert found.says.endswith(
        "1 of the last 3 runs also read keys that begin as their own:"
        " b also read in/a.csv.bak, in/a.csv.old"
    )


def test_fields_are_read_in_every_spelling() -> None:
    spelled = [
        "$$.Execution.Input.A",
        "$$.Execution.Input['B']",
        '$$.Execution.Input["C"]',
        "{% $states.context.Execution.Input.D & $states.context.Execution.Input.`E` %}",
        "$.F",
    ]
    assert execution_fields(spelled) == set("ABCDE")
    assert fields_read(["$.Trigger", "$.F", "{% $states.input.InputMessage %}"]) == {
        "Trigger",
        "InputMessage",
    }


def test_fields_that_no_run_has_fail_and_those_not_read_are_told() -> None:
    source = definition("S3Prefix", uri="$$.Execution.Input.Source")
    assert judge_fields(source).says == "it reads Source of its input, which no run has"
    assert judge_fields(definition("S3Prefix")).says.startswith("it does not name Output")
    whole = definition("S3Prefix", Outputs="$.OutputProcessedMessage")
    assert judge_fields(whole).grade == "ok"
