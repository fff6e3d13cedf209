"""The Processing job: what parameters make of the state machine's definition."""

import json

import pytest

from landrun_ops.local.errors import TemplateError
from landrun_ops.local.moto_patches.cloudformation import definition_of
from landrun_ops.stack.engines import ENGINES, job_arguments
from landrun_ops.workflow import WorkflowConfig, definition
from scan.stacks import stack

from .physical import physical

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"
OPEN = {"enable_network_isolation": False, "encrypt_inter_container_traffic": False}
SETTINGS = {
    "processing_role": physical("ProcessingRole.Arn"),
    "image_uri": f"{physical('ImageRepository.RepositoryUri')}:latest",
    **ENGINES["script"]._asdict(),
    "network": OPEN,
    "manifests": f"s3://{physical('OutputBucket')}/manifests/",
    "job_name_prefix": "landrun",
    "slot_queue": physical("StatusQueue"),
    "limited_runs": "-",
    "timeout_in_seconds": 9_421_200,
}
"""A workflow as the template's defaults make it."""

WORDS = ["--config", '{"a": 1}', "a b", "it's", "${ImageUri}", "$$.x", "b\\c", "*", "ü\U0001f600"]
VARIABLES = {"TEXT_COLUMN": "v2", "TITLE": "two words", "_E": ""}
IN_VPC = {**OPEN, "subnets": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1"]}
BY_WORDS = [
    ("KmsKeyArn", KEY, {"volume_kms_key": KEY, "output_kms_key": KEY}),
    ("SubnetIds", "subnet-1,subnet-2", {}),
    ("SecurityGroupIds", "sg-1", {"network": IN_VPC}),
    ("InstanceType", "ml.c5.xlarge", {"instance_type": "ml.c5.xlarge"}),
    ("InstanceCount", "3", {"instance_count": 3, "input_distribution": "ShardedByS3Key"}),
    ("VolumeSizeInGB", "7", {"volume_size_in_gb": 7}),
    ("MaxRuntimeInSeconds", "60", {"max_runtime_in_seconds": 60}),
    ("JobEntrypoint", "sh /opt/mine.sh", {"entrypoint": ["sh", "/opt/mine.sh"]}),
    ("JobArguments", "--all a=[b],c:", {"arguments": ["--all", "a=[b],c:"]}),
    ("JobEnvironment", "TEXT_COLUMN=v2,TITLE=two words,_E=", {"environment": VARIABLES}),
]
"""A parameter, its value, and the settings of the same workflow."""

BY_JSON = [
    ("NetworkIsolation", "true", {}),
    ("InterContainerEncryption", "true", {"network": dict.fromkeys(OPEN, True)}),
    ("ImageUri", OWN, {"image_uri": OWN}),
    ("MaxConcurrentRuns", "2", {"limited_runs": "*"}),
    ("JobNamePrefix", "mine", {"job_name_prefix": "mine"}),
    ("ManifestPrefix", "lists/", {"manifests": f"s3://{physical('OutputBucket')}/lists/"}),
    ("JobEntrypoint", json.dumps(WORDS), {"entrypoint": WORDS}),
    ("JobArguments", json.dumps(WORDS, ensure_ascii=False), {"arguments": WORDS}),
    ("JobEnvironment", json.dumps(VARIABLES), {"environment": VARIABLES}),
]
SPARK = [
    ("Engine", "spark", {"engine": "spark", **ENGINES["spark"]._asdict()}),
    ("InstanceCount", "2", {"instance_count": 2}),
    ("JobEnvironment", "A=1", {"environment": {"A": "1"}}),
]


def definition_with(**parameters):
    return stack(parameters)["ProcessingStateMachine"]["Properties"]["Definition"]


@pytest.mark.parametrize("given", [[], BY_WORDS, BY_JSON, SPARK])
def test_a_stack_runs_what_the_sdk_renders_of_the_same_settings(given):
    """So what has no value is absent: the SDK leaves out what is None."""
    settings = dict(SETTINGS)
    for _, _, changed in given:
        settings |= changed
    rendered = definition(WorkflowConfig.read(settings))
    parameters = {name: value for name, value, _ in given}
    assert definition_with(**parameters) == json.loads(json.dumps(rendered))


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("own", [{}, {"JobArguments": json.dumps(WORDS)}], ids=["default", "own"])
def test_what_the_commands_know_of_a_job_is_what_the_stack_runs(engine, own):
    given = {"Engine": engine, **own}
    job = definition_with(**given)["States"]["Process messages"]["Parameters"]
    assert job["AppSpecification"]["ContainerArguments"] == list(job_arguments(given))


def test_the_laptop_refuses_at_once_what_sagemaker_would_refuse_in_every_run():
    machine = definition_with(JobArguments=json.dumps(["x" * 257]))
    with pytest.raises(TemplateError, match=r"every run would fail: (?s:.*)less than or equal to"):
        definition_of({"DefinitionString": json.dumps(machine)})
