"""The definition that template.yaml deploys: the workflow with the template's tokens in it."""

from collections.abc import Mapping
from typing import Any

from landrun_ops.workflow.config import LONGEST_JOB, WorkflowConfig
from landrun_ops.workflow.definition import (
    LIMITED,
    READ_MANIFEST,
    READ_RUN,
    SELECT_INPUT,
    STEP,
    WAIT_FOR_SLOT,
    definition,
    job_name,
)
from landrun_ops.workflow.definition_file import Bare, to_yaml, token

COMMENTS = (
    "The state machine of template.yaml. `landrun workflow render` writes this file, and a test",
    "compares it: change src/ops/landrun_ops/workflow/ instead.",
    "",
    "src/stacks/processing.yaml fills in ${landrun_...}: as text within quotes, as JSON where a",
    "token stands alone. What has no value is left out with the object that it belongs to, or, as",
    "the environment, turned into a comment.",
)

_STAND_INS = {
    "processing_role": "arn:aws:iam::123456789012:role/processing",
    "image_uri": "image",
    "max_runtime_in_seconds": LONGEST_JOB,
    "manifests": "s3://output/manifests/",
    "job_name_prefix": "landrun",
    "slot_queue": "https://queue",
}
"""Required settings of the workflow, which tokens replace."""


def _bare(name: str) -> Bare:
    return Bare(token(name))


_SELECT = f"States/{SELECT_INPUT}/Choices"
_JOB = f"States/{STEP}/Parameters"
_INPUT, _STOP = f"{_JOB}/ProcessingInputs/0/S3Input", f"{_JOB}/StoppingCondition"
_OUTPUT = "output_path output_kms_key"
_CLUSTER = "instance_type instance_count volume_size_in_gb volume_kms_key"

SUBSTITUTIONS = (
    ("manifests", f"{_SELECT}/1/StringMatches", token("ManifestsUri") + "*"),
    ("engine", f"{_SELECT}/2/StringMatches", token("RefusedInputs")),
    ("input_data_type", f"States/{READ_RUN}/Result/S3DataType", token("ManifestDataType")),
    ("input_data_type", f"States/{READ_MANIFEST}/Result/S3DataType", token("ManifestDataType")),
    ("limited_runs", f"States/{LIMITED}/Choices/0/StringMatches", token("LimitedRuns")),
    ("slot_queue", f"States/{WAIT_FOR_SLOT}/Parameters/QueueUrl", token("StatusQueueUrl")),
    ("job_name_prefix", f"{_JOB}/ProcessingJobName.$", job_name(token("JobNamePrefix"))),
    ("processing_role", f"{_JOB}/RoleArn", token("ProcessingRoleArn")),
    ("image_uri", f"{_JOB}/AppSpecification/ImageUri", token("ImageUri")),
    ("entrypoint", f"{_JOB}/AppSpecification/ContainerEntrypoint", _bare("JobEntrypoint")),
    ("arguments", f"{_JOB}/AppSpecification/ContainerArguments", _bare("JobArguments")),
    ("environment", f"{_JOB}/{token('Environment')}", _bare("JobEnvironment")),
    ("input_distribution", f"{_INPUT}/S3DataDistributionType", token("InputDistribution")),
    (_OUTPUT, f"{_JOB}/ProcessingOutputConfig", _bare("ProcessingOutputConfig")),
    (_CLUSTER, f"{_JOB}/ProcessingResources/ClusterConfig", _bare("ClusterConfig")),
    ("max_runtime_in_seconds", f"{_STOP}/MaxRuntimeInSeconds", _bare("MaxRuntimeInSeconds")),
    ("network", f"{_JOB}/NetworkConfig", _bare("NetworkConfig")),
)
"""The ``DefinitionSubstitutions`` of src/stacks/processing.yaml: the settings that each replaces
(left out where one of them is given), its path in the definition, and its token."""


def template(settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Build the definition with the template's tokens; a setting that is given replaces its token.

    Raises ConfigurationError when a setting is unknown or wrong.
    """
    given = settings or {}
    rendered = definition(WorkflowConfig.read({**_STAND_INS, **given}))
    for names, path, value in SUBSTITUTIONS:
        if not given.keys() & names.split():
            node: Any = rendered
            *parents, last = path.split("/")
            for step in parents:
                node = node[int(step) if step.isdigit() else step]
            node[Bare(last) if last.startswith("$") else last] = value
    return rendered


def render(settings: Mapping[str, Any] | None = None) -> str:
    """Write the template's definition as YAML: the same text for the same settings, everywhere."""
    return to_yaml(template(settings), *COMMENTS)
