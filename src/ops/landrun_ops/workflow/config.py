"""All settings of the notebook's workflow, as one frozen model."""

import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from landrun.errors import ConfigurationError
from landrun.models.events import problems
from landrun_ops.stack.engines import ENGINES

DAY = 86_400
"""Seconds."""

LONGEST_JOB = 777_600
"""The longest run of a Processing job in seconds (SageMaker API, ProcessingStoppingCondition)."""

LONGEST_WAIT_FOR_SLOT = 90 * DAY
"""Seconds that an execution may wait for a concurrency slot."""

RoleArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+", max_length=2048)]
LocalPath = Annotated[str, Field(pattern=r"^/opt/ml/processing/.+", max_length=256)]
KmsKey = Annotated[str, Field(pattern=r"^[a-zA-Z0-9:/_-]+$", max_length=2048)]
Word = Annotated[
    str, StringConstraints(max_length=256, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$")
]
Words = Annotated[
    tuple[Word, ...],
    Field(min_length=1, max_length=100),
    BeforeValidator(lambda value: shlex.split(value) if isinstance(value, str) else value),
]
"""A command line: a string is split as a shell would. SageMaker takes no empty words."""

Name = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=256)]
Value = Annotated[str, Field(max_length=256)]
Tags = dict[Annotated[str, Field(min_length=1, max_length=128)], Value]
ExperimentKey = Literal["ExperimentName", "TrialName", "TrialComponentDisplayName", "RunName"]


class Network(BaseModel):
    """The network of the job's instances: the SDK's ``NetworkConfig``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subnets: tuple[str, ...] | None = Field(None, min_length=1, max_length=16)
    security_group_ids: tuple[str, ...] | None = Field(None, min_length=1, max_length=5)
    enable_network_isolation: bool = False
    encrypt_inter_container_traffic: bool | None = None


class WorkflowConfig(BaseModel):
    """The settings of a workflow. Limits are SageMaker's and Step Functions' (API references).

    ``tags`` are each job's, ``workflow_tags`` the state machine's. Settings that are None are left
    out of the job's request.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("landrun-processing", pattern=r"^[A-Za-z0-9_-]{1,80}$")
    role: RoleArn | None = None
    """The state machine's role; needed to create it, not to render it."""
    processing_role: RoleArn
    engine: Literal["script", "spark"] = "script"
    """Which processor of the SDK makes the job: ScriptProcessor or PySparkProcessor."""
    image_uri: str = Field(min_length=1, max_length=255)
    entrypoint: Words | None = None
    arguments: Words | None = None
    environment: dict[Name, Value] = Field({}, max_length=100)
    instance_type: str = Field("ml.m5.large", pattern=r"^ml\..+")
    instance_count: int = Field(1, ge=1, le=100)
    volume_size_in_gb: int = Field(30, ge=1, le=16_384)
    max_runtime_in_seconds: int = Field(3600, ge=1, le=LONGEST_JOB)
    timeout_in_seconds: int | None = Field(None, ge=1, le=99_999_999)
    """Of a whole execution; see `timeout`."""
    input_data_type: Literal["ManifestFile", "S3Prefix"] = "ManifestFile"
    """Whether the job reads the objects that a manifest names, or the manifest itself."""
    input_distribution: Literal["FullyReplicated", "ShardedByS3Key"] = "FullyReplicated"
    manifests: str | None = Field(None, pattern=r"^s3://[^/\s]+/\S*$", max_length=1024)
    """Where manifests lie. The machine reads other URIs as an S3Prefix, as a notebook passes them;
    without, it reads all its input as ``input_data_type`` says."""
    job_name_prefix: str | None = Field(None, pattern=r"^[a-z0-9](-?[a-z0-9]){0,25}$")
    """The prefix of the job names of executions without ``Trigger``."""
    slot_queue: str | None = Field(None, pattern=r"^https?://\S+$")
    """URL of the SQS queue where executions request a concurrency slot; None for no limit."""
    limited_runs: Annotated[str, Field(min_length=1, max_length=80)] = "*"
    """The pattern of the names of executions that need a slot."""
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
    def _of_engine(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Fill in what Spark's job needs; a script's own command line is its image's."""
        if settings.get("engine") != "spark":
            return settings
        return {**ENGINES["spark"]._asdict(), **settings}

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.manifests is None) != (self.job_name_prefix is None):
            raise ValueError("give both manifests and job_name_prefix, or neither")
        return self

    @property
    def timeout(self) -> int:
        """Seconds that one execution may take: a slot, a day for quotas, and two attempts."""
        slot = LONGEST_WAIT_FOR_SLOT if self.slot_queue else 0
        return self.timeout_in_seconds or slot + DAY + 2 * self.max_runtime_in_seconds + 3600

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Self:
        """Build the model; raises ConfigurationError, which names what is missing or wrong."""
        try:
            return cls.model_validate(dict(settings))
        except ValidationError as error:
            raise ConfigurationError(
                f"the workflow's settings are wrong: {problems(error)}"
            ) from error
