"""Everything the notebook could set, as one frozen model."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from landrun.errors import ConfigurationError
from landrun_ops.stack.engines import ENGINES

DAY = 86_400
"""Seconds."""

LONGEST_JOB = 777_600
"""Seconds that SageMaker lets a Processing job run at most (ProcessingStoppingCondition)."""

LONGEST_WAIT_FOR_SLOT = 90 * DAY
"""Seconds that an execution may wait for a concurrency slot."""


_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise ValueError(f"{error}: quote it as a shell would need it") from error


def _without_control_characters(word: str) -> str:
    if _CONTROL_CHARACTERS.search(word):
        raise ValueError("newlines and other control characters are not allowed")
    return word


RoleArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+", max_length=2048)]
LocalPath = Annotated[str, Field(pattern=r"^/opt/ml/processing/.+", max_length=256)]
KmsKey = Annotated[str, Field(pattern=r"^[a-zA-Z0-9:/_-]+$", max_length=2048)]
Word = Annotated[
    str, Field(min_length=1, max_length=256), AfterValidator(_without_control_characters)
]
Words = Annotated[tuple[Word, ...], Field(min_length=1, max_length=100), BeforeValidator(_split)]
Variable = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=256)]
VariableValue = Annotated[str, Field(max_length=256)]
Tags = dict[
    Annotated[str, Field(min_length=1, max_length=128)], Annotated[str, Field(max_length=256)]
]
ExperimentKey = Literal["ExperimentName", "TrialName", "TrialComponentDisplayName", "RunName"]


class Network(BaseModel):
    """Where the job's instances stand in the network; as the SDK's ``NetworkConfig``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subnets: tuple[str, ...] | None = Field(None, min_length=1, max_length=16)
    security_group_ids: tuple[str, ...] | None = Field(None, min_length=1, max_length=5)
    enable_network_isolation: bool = False
    encrypt_inter_container_traffic: bool | None = None


class WorkflowConfig(BaseModel):
    """What a workflow is built from. Limits are SageMaker's and Step Functions' (API references).

    Attributes
    ----------
    name : str
        The state machine's name: 1 to 80 letters, digits, ``-`` and ``_`` (with others, Step
        Functions could not log to CloudWatch).
    role : str or None
        ARN of the role that the state machine assumes; needed to create it, not to render it.
    processing_role : str
        ARN of the role that the Processing job assumes.
    engine : str
        ``script`` for the SDK's ScriptProcessor, ``spark`` for its PySparkProcessor: the image is
        one made from SageMaker's Spark image, and what is not set of entrypoint, arguments and
        input is as the default job has it on Spark.
    image_uri : str
        The job's container image.
    entrypoint, arguments : words or None
        The container's command line; a string is split as a shell would. None leaves the image's.
    environment : dict
        Variables in the container.
    instance_type, instance_count, volume_size_in_gb
        The machines of a job, and the disk of each in GB.
    max_runtime_in_seconds : int
        SageMaker stops a job that runs longer.
    timeout_in_seconds : int or None
        Step Functions stops an execution that takes longer, with all its waiting for quotas and
        its second attempt; None for a day of waiting for quotas, twice the job's limit and an
        hour; and 90 days more where an execution may wait for a concurrency slot.
    input_data_type, input_distribution
        How the job reads a manifest: ``ManifestFile`` for the objects that it names, ``S3Prefix``
        for whatever begins with the URI; ``ShardedByS3Key`` to give each of several instances its
        share of the objects.
    manifests, job_name_prefix
        The S3 URI under which manifests lie, and what the jobs of executions without ``Trigger``
        are named after: with both, the machine reads other URIs as an S3Prefix, as a notebook
        passes them. None for a machine that reads all its input as ``input_data_type`` says.
    slot_queue, limited_runs
        URL of the SQS queue that an execution asks for a concurrency slot, and the pattern of the
        names of executions that do; None for executions that never wait.
    input_path, output_path : str
        Where the container finds its input and leaves its output.
    tags, workflow_tags : dict
        Tags of each job, and of the state machine.
    experiment_config : dict
        SageMaker Experiments: ``ExperimentName``, ``TrialName``, ``TrialComponentDisplayName``.
    volume_kms_key, output_kms_key : str or None
        KMS keys for the instances' disks and for the output in S3.
    network : Network or None
        Subnets, security groups, isolation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("landrun-processing", pattern=r"^[A-Za-z0-9_-]{1,80}$")
    role: RoleArn | None = None
    processing_role: RoleArn
    engine: Literal["script", "spark"] = "script"
    image_uri: str = Field(min_length=1, max_length=255)
    entrypoint: Words | None = None
    arguments: Words | None = None
    environment: dict[Variable, VariableValue] = Field({}, max_length=100)
    instance_type: str = Field("ml.m5.large", pattern=r"^ml\..+")
    instance_count: int = Field(1, ge=1, le=100)
    volume_size_in_gb: int = Field(30, ge=1, le=16_384)
    max_runtime_in_seconds: int = Field(3600, ge=1, le=LONGEST_JOB)
    timeout_in_seconds: int | None = Field(None, ge=1, le=99_999_999)
    input_data_type: Literal["ManifestFile", "S3Prefix"] = "ManifestFile"
    input_distribution: Literal["FullyReplicated", "ShardedByS3Key"] = "FullyReplicated"
    manifests: str | None = Field(None, pattern=r"^s3://[^/\s]+/\S*$", max_length=1024)
    job_name_prefix: str | None = Field(None, pattern=r"^[a-z0-9](-?[a-z0-9]){0,25}$")
    slot_queue: str | None = Field(None, pattern=r"^https?://\S+$")
    limited_runs: Annotated[str, Field(min_length=1, max_length=80)] = "*"
    input_path: LocalPath = "/opt/ml/processing/input/messages"
    output_path: LocalPath = "/opt/ml/processing/output/processed"
    tags: Tags = Field({}, max_length=50)
    workflow_tags: Tags = Field({}, max_length=50)
    experiment_config: dict[ExperimentKey, Annotated[str, Field(min_length=1, max_length=120)]] = {}
    volume_kms_key: KmsKey | None = None
    output_kms_key: KmsKey | None = None
    network: Network | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_engine(cls, settings: Any) -> Any:
        """Fill in what Spark's job needs; a script's own command line is its image's."""
        if not isinstance(settings, Mapping) or settings.get("engine") != "spark":
            return settings
        spark = ENGINES["spark"]
        defaults = {
            "entrypoint": spark.entrypoint,
            "arguments": spark.arguments,
            "input_data_type": spark.input_data_type,
        }
        return {**defaults, **settings}

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.manifests is None) != (self.job_name_prefix is None):
            raise ValueError("give both manifests and job_name_prefix, or neither")
        return self

    @property
    def timeout(self) -> int:
        """Seconds that one execution may take in all."""
        slot = LONGEST_WAIT_FOR_SLOT if self.slot_queue else 0
        return self.timeout_in_seconds or slot + DAY + 2 * self.max_runtime_in_seconds + 3600

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Self:
        """Build the model from settings by name.

        Raises ConfigurationError when settings are missing, unknown or wrong; names each of them
        and says why.
        """
        try:
            return cls.model_validate(dict(settings))
        except ValidationError as error:
            raise ConfigurationError(
                "the workflow's settings are wrong: " + _said(error)
            ) from error


def _said(error: ValidationError) -> str:
    """Say each wrong setting once: a union reports one problem for each of its members."""
    problems: dict[str, str] = {}
    for problem in error.errors():
        problems.setdefault(_setting(problem["loc"]), problem["msg"])
    return "; ".join(f"{name}: {message}" for name, message in problems.items())


def _setting(location: tuple[int | str, ...]) -> str:
    """Spell where a problem is, without pydantic's names for the members of a union."""
    return ".".join(str(part) for part in location if not _MEMBER.fullmatch(str(part)))


_MEMBER = re.compile(r"int|constrained-str|tuple\[.*|function-.*|\[key\]")
