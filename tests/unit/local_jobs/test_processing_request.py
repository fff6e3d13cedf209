"""What CreateProcessingJob refuses."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from landrun_ops.local.processing_request import MalformedRequestError, check_form, violations

REQUEST: dict[str, Any] = {
    "ProcessingJobName": "job-1",
    "RoleArn": "arn:aws:iam::123456789012:role/processing",
    "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": ["python3", "x.py"]},
    "ProcessingResources": {
        "ClusterConfig": {
            "InstanceCount": 1,
            "InstanceType": "ml.m5.large",
            "VolumeSizeInGB": 30,
        }
    },
    "ProcessingInputs": [
        {
            "InputName": "in",
            "S3Input": {
                "S3Uri": "s3://b/m",
                "S3DataType": "ManifestFile",
                "S3InputMode": "File",
                "LocalPath": "/opt/ml/processing/input/in",
            },
        }
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    request = copy.deepcopy(REQUEST)
    *parents, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place: Any = request
    for step in parents:
        place = place[step]
    place[last] = value
    return request


def test_good_request_has_nothing_wrong() -> None:
    check_form(REQUEST)
    assert violations(REQUEST) == []


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("ProcessingJobName", "a_b", "satisfy regular expression pattern"),
        ("ProcessingJobName", "-a", "satisfy regular expression pattern"),
        ("ProcessingJobName", "a\n", "satisfy regular expression pattern"),
        ("ProcessingJobName", "a" * 64, "length less than or equal to 63"),
        ("ProcessingJobName", "", "length greater than or equal to 1"),
        ("RoleArn", "arn:aws:iam::1:role/short-account", "'roleArn' failed"),
        ("AppSpecification.ContainerArguments", ["x"] * 101, "less than or equal to 100"),
        ("AppSpecification.ContainerArguments", ["x" * 257], "containerArguments.1.member"),
        ("AppSpecification.ContainerEntrypoint", [], "length greater than or equal to 1"),
        ("ProcessingResources.ClusterConfig.InstanceCount", 0, "value greater than or equal to 1"),
        ("ProcessingResources.ClusterConfig.InstanceType", "m5.large", "enum value set"),
        ("StoppingCondition", {"MaxRuntimeInSeconds": 0}, "stoppingCondition.maxRuntimeInSeconds"),
        ("Environment", {"1A": "x"}, "environment.key"),
        ("ProcessingInputs.0.S3Input.LocalPath", "/tmp/in", "must be under /opt/ml/processing"),
        ("ProcessingInputs.0.S3Input.LocalPath", "/opt/ml/processing/../x", "must be under"),
        ("ProcessingInputs.0.S3Input.S3InputMode", "Pipe", "no Pipe mode"),
        ("ProcessingInputs", [REQUEST["ProcessingInputs"][0]] * 2, "InputName 'in' is given more"),
        ("ProcessingInputs", [{"InputName": "in"}], "knows S3Input only"),
    ],
)
def test_violation_is_told_by_name(path: str, value: Any, why: str) -> None:
    assert why in "\n".join(violations(changed(path, value)))


def test_eleventh_input_is_refused() -> None:
    inputs = [{**REQUEST["ProcessingInputs"][0], "InputName": f"in-{n}"} for n in range(11)]
    [problem] = violations(changed("ProcessingInputs", inputs))
    assert "'processingInputs' failed" in problem
    assert problem.endswith("length less than or equal to 10")


def test_image_without_an_entrypoint_is_refused_here() -> None:
    assert "ContainerEntrypoint" in violations(changed("AppSpecification", {"ImageUri": "i"}))[0]


@pytest.mark.parametrize(
    ("path", "value"),
    [("Colour", "red"), ("ProcessingJobName", 3), ("ProcessingResources", {})],
)
def test_what_no_client_would_send_is_malformed(path: str, value: Any) -> None:
    with pytest.raises(MalformedRequestError):
        check_form(changed(path, value))
