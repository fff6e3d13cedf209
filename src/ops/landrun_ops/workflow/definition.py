"""The notebook's workflow as Amazon States Language: one Processing step, built with the SDK.

Intrinsic functions, and retries with a maximum delay and jitter, which the SDK cannot express, are
merged into the fields that it renders. See docs/decisions/0001-rendering-the-state-machine.md.
"""

from types import SimpleNamespace
from typing import Any

from landrun.models.run import INPUT_FIELDS
from landrun_ops.workflow.config import WorkflowConfig

SELECT_INPUT = "Select the input's type"
READ_RUN = "Read the run's manifest"
READ_MANIFEST = "Read a manifest"
READ_PREFIX = "Read an S3 prefix"
REFUSE_PREFIX = "Refuse an S3 prefix"
LIMITED = "Is concurrency limited?"
WAIT_FOR_SLOT = "Wait for a slot"
STEP = "Process messages"

_ORDER = (
    SELECT_INPUT,
    READ_RUN,
    READ_MANIFEST,
    READ_PREFIX,
    REFUSE_PREFIX,
    LIMITED,
    WAIT_FOR_SLOT,
    STEP,
)

NO_MANIFEST = {
    "Error": "InputIsNoManifest",
    "CausePath": (
        "States.Format('With Engine=spark a job reads manifests only, and {} is not one under"
        " ManifestPrefix. Start the run by: landrun start {}', $.InputMessage, $.InputMessage)"
    ),
}
"""How an execution on Spark ends whose input is an S3 prefix."""


def _retry(error: str, *others: str, first: int, longest: int, attempts: int) -> dict[str, Any]:
    """Make a retrier whose waits in seconds double from the first to the longest."""
    return {
        "ErrorEquals": [error, *others],
        "IntervalSeconds": first,
        "BackoffRate": 2,
        "MaxDelaySeconds": longest,
        "MaxAttempts": attempts,
        "JitterStrategy": "FULL",
    }


WAIT_FOR_QUOTA = _retry(
    *("SageMaker.ResourceLimitExceededException", "ThrottlingException"),
    first=60,
    longest=900,
    attempts=200,
)
"""Waits for a quota: 200 waits of 450 seconds on average are about a day. Each takes 3 to 5 of the
25,000 events that an execution may have."""

RETRY_REQUEST = _retry("SageMaker.AmazonSageMakerException", first=10, longest=80, attempts=5)
"""Repeats a request that SageMaker throttled, for two minutes on average and four at most. Step
Functions names a refused or wrong request the same way, so that such a run fails only then."""

RETRY_JOB = {
    "ErrorEquals": ["States.TaskFailed"],
    "IntervalSeconds": 10,
    "BackoffRate": 1,
    "MaxAttempts": 1,
    "JitterStrategy": "FULL",
}
"""Runs a failed job once more. The name matches every error but timeouts, so it is the last: Step
Functions takes the first retrier that matches, and counts the attempts of each by itself."""

REQUEST_SLOT_AGAIN = _retry("States.ALL", first=5, longest=300, attempts=2000)
"""A request costs one message and changes no order, so it is repeated until it works; and once a
day while there is no answer, in case the message was lost."""

SLOT_REQUEST = {
    "TaskToken.$": "$$.Task.Token",
    "ExecutionArn.$": "$$.Execution.Id",
    "Name.$": "$$.Execution.Name",
    "StartedAt.$": "$$.Execution.StartTime",
}
"""The message by which an execution requests a slot (from Step Functions' context object)."""

SLOT_REQUEST_TIMEOUT = 86_400
"""Seconds after which an execution that still waits repeats its request, with a new task token."""


class Intrinsic(str):
    """An intrinsic function, or a path: its parameter is rendered as ``"Name.$"``.

    The SDK takes it for the plain string that it expects.
    """

    __slots__ = ()


def definition(config: WorkflowConfig) -> dict[str, Any]:
    """Build the state machine's definition in Amazon States Language.

    Touches neither network, credentials nor the user's AWS or SageMaker settings files.
    """
    from landrun_ops.workflow import sdk  # noqa: PLC0415  (takes seconds, see sdk.py)

    with sdk.quietly():
        first = _step(sdk, config)
        first = _limited(sdk, config, first) if config.slot_queue else first
        first = _select_input(sdk, config, first) if config.manifests else first
        graph = sdk.steps.Graph(
            sdk.steps.Chain([first]),
            comment="One SageMaker Processing job per run.",
            timeout_seconds=config.timeout,
        )
    rendered: dict[str, Any] = _with_intrinsics(graph.to_dict())
    states = {name: rendered["States"][name] for name in _ORDER if name in rendered["States"]}
    partition = config.processing_role.split(":")[1]
    states[STEP]["Resource"] = f"arn:{partition}:states:::sagemaker:createProcessingJob.sync"
    states[STEP]["Retry"] = [WAIT_FOR_QUOTA, RETRY_REQUEST, RETRY_JOB]
    if config.manifests:
        states[REFUSE_PREFIX] |= NO_MANIFEST
    if config.slot_queue:
        resource = f"arn:{partition}:states:::sqs:sendMessage.waitForTaskToken"
        states[WAIT_FOR_SLOT]["Resource"] = resource
        states[WAIT_FOR_SLOT]["Retry"] = [REQUEST_SLOT_AGAIN]
    return {**rendered, "States": states}


def input_schema() -> dict[str, Any]:
    """Return the contract's fields as the SDK's ``ExecutionInput`` takes them."""
    return {name: {"Kind": str} if name == "Trigger" else str for name in INPUT_FIELDS}


def job_name(prefix: str | None) -> Intrinsic:
    """Return the expression of a job's name, which differs for each attempt (names are unique).

    Jobs of executions without ``Trigger`` are named after the prefix, because such an execution's
    name may have 62 of SageMaker's 63 characters. An earlier state has chosen between the two.
    """
    run = "$$.Execution.Input.PreprocessingJobName"
    suffix = "States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0)"
    attempt = f"States.Format('{{}}-{{}}', {run}, {suffix})"
    if prefix is None:
        return Intrinsic(attempt)
    unnamed = f"States.Format('{prefix}-{{}}', States.UUID())"
    return Intrinsic(f"States.ArrayGetItem(States.Array({attempt}, {unnamed}), $.Job.NameIndex)")


def _select_input(sdk: Any, config: WorkflowConfig, following: Any) -> Any:
    """Add the states that choose how the job reads its input: as a manifest, or as an S3 prefix."""

    def reading(name: str, data_type: str, job: int) -> Any:
        result = {"S3DataType": data_type, "NameIndex": job}
        state = sdk.steps.Pass(name, result=result, result_path="$.Job")
        state.next(following)
        return state

    refused = "*" if config.engine == "spark" else "-"  # every URI, or none
    refuse = sdk.steps.Fail(REFUSE_PREFIX)
    rule, select = sdk.steps.ChoiceRule, sdk.steps.Choice(SELECT_INPUT)
    run = reading(READ_RUN, config.input_data_type, 0)
    manifest = reading(READ_MANIFEST, config.input_data_type, 1)
    select.add_choice(rule.IsPresent("$.Trigger", True), run)
    select.add_choice(rule.StringMatches("$.InputMessage", f"{config.manifests}*"), manifest)
    select.add_choice(rule.StringMatches("$.InputMessage", refused), refuse)
    select.default_choice(reading(READ_PREFIX, "S3Prefix", 1))
    return select


def _limited(sdk: Any, config: WorkflowConfig, step: Any) -> Any:
    """Add the states that wait for a concurrency slot, for executions whose names match."""
    wait = sdk.steps.SqsSendMessageStep(
        WAIT_FOR_SLOT,
        wait_for_callback=True,
        timeout_seconds=SLOT_REQUEST_TIMEOUT,
        result_path=None,
        parameters={"QueueUrl": config.slot_queue, "MessageBody": {"SlotRequest": SLOT_REQUEST}},
    )
    wait.next(step)
    limited = sdk.steps.Choice(LIMITED)
    rule = sdk.steps.ChoiceRule.StringMatches("$$.Execution.Name", config.limited_runs)
    limited.add_choice(rule, wait)
    limited.default_choice(step)
    return limited


def _step(sdk: Any, config: WorkflowConfig) -> Any:
    run = sdk.inputs.ExecutionInput(schema=input_schema())
    selected = Intrinsic("$.Job.S3DataType") if config.manifests else config.input_data_type
    return sdk.steps.ProcessingStep(
        STEP,
        processor=_processor(sdk, config),
        job_name=job_name(config.job_name_prefix),
        inputs=[
            sdk.processing.ProcessingInput(
                input_name="messages",
                source=run["InputMessage"],
                destination=config.input_path,
                s3_data_type=selected,
                s3_data_distribution_type=config.input_distribution,
            )
        ],
        outputs=[
            sdk.processing.ProcessingOutput(
                output_name="processed",
                source=config.output_path,
                destination=run["OutputProcessedMessage"],
            )
        ],
        container_entrypoint=config.entrypoint and list(config.entrypoint),
        container_arguments=config.arguments and list(config.arguments),
        kms_key_id=config.output_kms_key,
        experiment_config=config.experiment_config or None,
        tags=config.tags or None,
    )


def _processor(sdk: Any, config: WorkflowConfig) -> Any:
    """Return the SDK's processor for the engine; both make the same kind of job."""
    # In place of a sagemaker.Session, which needs a region and reads the user's settings files.
    session = SimpleNamespace(sagemaker_config={}, boto_region_name=None)
    spark = config.engine == "spark"
    kind = sdk.spark.PySparkProcessor if spark else sdk.processing.ScriptProcessor
    network = config.network and sdk.network.NetworkConfig(**config.network.model_dump())
    return kind(
        role=config.processing_role,
        image_uri=config.image_uri,
        instance_type=config.instance_type,
        instance_count=config.instance_count,
        volume_size_in_gb=config.volume_size_in_gb,
        max_runtime_in_seconds=config.max_runtime_in_seconds,
        volume_kms_key=config.volume_kms_key,
        env=config.environment or None,
        network_config=network,
        sagemaker_session=session,
    )


def _with_intrinsics(node: Any) -> Any:
    """Rename the keys of intrinsic functions to ``Name.$``, as the States Language wants them."""
    if isinstance(node, dict):
        return {
            f"{key}.$" if isinstance(value, Intrinsic) else key: _with_intrinsics(value)
            for key, value in node.items()
        }
    return [_with_intrinsics(item) for item in node] if isinstance(node, list) else node
