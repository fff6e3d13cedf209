"""Everything the notebook could set, as one frozen model."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from landrun.errors import ConfigurationError
from landrun_ops.engines import ENGINES

SUBSTITUTION = r"^\$\{[A-Za-z0-9]+\}$"
"""A CloudFormation ``DefinitionSubstitutions`` variable, filled in when the stack is deployed."""

DAY = 86_400
"""Seconds."""

LONGEST_JOB = 777_600
"""Seconds that SageMaker lets a Processing job run at most (ProcessingStoppingCondition)."""

LONGEST_TURN = 90 * DAY
"""Seconds that an execution may wait for its turn, where runs are bounded."""


def _words(value: object) -> object:
    if not isinstance(value, str) or value.startswith("${"):
        return value
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise ValueError(f"{error}: quote it as a shell would need it") from error


Substitution = Annotated[str, Field(pattern=SUBSTITUTION)]
RoleArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+", max_length=2048)]
LocalPath = Annotated[str, Field(pattern=r"^/opt/ml/processing/.+", max_length=256)]
KmsKey = Annotated[str, Field(pattern=r"^[a-zA-Z0-9:/_-]+$", max_length=2048)] | Substitution
Word = Annotated[str, Field(max_length=256)]
Words = Annotated[
    Annotated[tuple[Word, ...], Field(min_length=1, max_length=100)] | Substitution,
    BeforeValidator(_words),
]
Variable = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=256)]
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
        Variables in the container; a substitution is filled in with a JSON object, escaped as a
        literal of the States Language.
    instance_type, instance_count, volume_size_in_gb
        The machines of a job, and the disk of each in GB.
    max_runtime_in_seconds : int
        SageMaker stops a job that runs longer.
    timeout_in_seconds : int or None
        Step Functions stops an execution that takes longer, with all its waiting for quotas and
        its second attempt; None for a day of waiting for quotas, twice the
        job's limit and an hour; and 90 days more where an execution may wait for its turn.
    input_data_type, input_distribution
        ``ManifestFile`` for landrun's runs, ``S3Prefix`` for what a notebook used to pass;
        ``ShardedByS3Key`` to give each of several instances its share of the objects.
    slot_queue, limited_runs
        URL of the SQS queue that an execution asks for its turn, and the pattern of the names of
        executions that do; None for executions that never wait.
    input_path, output_path : str
        Where the container finds its input and leaves its output.
    tags, workflow_tags : dict
        Tags of each job, and of the state machine.
    experiment_config : dict
        SageMaker Experiments: ``ExperimentName``, ``TrialName``, ``TrialComponentDisplayName``.
    volume_kms_key, output_kms_key : str or None
        KMS keys for the instances' disks and for the output in S3. SageMaker takes an empty one,
        which a substitution may be filled in with, for none.
    network : Network or None
        Subnets, security groups, isolation; a substitution is filled in with SageMaker's
        NetworkConfig as JSON, escaped likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("landrun-processing", pattern=r"^[A-Za-z0-9_-]{1,80}$")
    role: RoleArn | None = None
    processing_role: RoleArn | Substitution
    engine: Literal["script", "spark"] = "script"
    image_uri: str = Field(min_length=1, max_length=255)
    entrypoint: Words | None = None
    arguments: Words | None = None
    environment: Annotated[dict[Variable, Word], Field(max_length=100)] | Substitution = {}
    instance_type: Annotated[str, Field(pattern=r"^ml\..+")] | Substitution = "ml.m5.large"
    instance_count: Annotated[int, Field(ge=1, le=100)] | Substitution = 1
    volume_size_in_gb: Annotated[int, Field(ge=1, le=16_384)] | Substitution = 30
    max_runtime_in_seconds: Annotated[int, Field(ge=1, le=LONGEST_JOB)] | Substitution = 3600
    timeout_in_seconds: int | None = Field(None, ge=1, le=99_999_999)
    input_data_type: Literal["ManifestFile", "S3Prefix"] | Substitution = "ManifestFile"
    input_distribution: Literal["FullyReplicated", "ShardedByS3Key"] | Substitution = (
        "FullyReplicated"
    )
    slot_queue: Annotated[str, Field(pattern=r"^https?://\S+$")] | Substitution | None = None
    limited_runs: Annotated[str, Field(min_length=1, max_length=80)] = "*"
    input_path: LocalPath = "/opt/ml/processing/input/messages"
    output_path: LocalPath = "/opt/ml/processing/output/processed"
    tags: Tags = Field({}, max_length=50)
    workflow_tags: Tags = Field({}, max_length=50)
    experiment_config: dict[ExperimentKey, Annotated[str, Field(min_length=1, max_length=120)]] = {}
    volume_kms_key: KmsKey | None = None
    output_kms_key: KmsKey | None = None
    network: Network | Substitution | None = None

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

    @property
    def timeout(self) -> int:
        """Seconds that one execution may take in all."""
        limit = self.max_runtime_in_seconds
        per_job = limit if isinstance(limit, int) else LONGEST_JOB
        turn = LONGEST_TURN if self.slot_queue else 0
        return self.timeout_in_seconds or turn + DAY + 2 * per_job + 3600

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Self:
        """Build the model from settings by name.

        Raises
        ------
        ConfigurationError
            When settings are missing, unknown or wrong; names each of them and says why.
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

TEMPLATE = WorkflowConfig(
    processing_role="${ProcessingRoleArn}",
    image_uri="${ImageUri}",
    entrypoint="${JobEntrypoint}",
    arguments="${JobArguments}",
    instance_type="${InstanceType}",
    instance_count="${InstanceCount}",
    volume_size_in_gb="${VolumeSizeInGB}",
    max_runtime_in_seconds="${MaxRuntimeInSeconds}",
    input_data_type="${InputDataType}",
    input_distribution="${InputDistribution}",
    slot_queue="${StatusQueueUrl}",
    limited_runs="${LimitedRuns}",
    environment="${JobEnvironment}",
    network="${NetworkConfig}",
    volume_kms_key="${KmsKeyArn}",
    output_kms_key="${KmsKeyArn}",
)
"""What template.yaml deploys: its parameters fill in the substitutions."""
