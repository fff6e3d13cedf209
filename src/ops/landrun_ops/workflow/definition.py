"""The notebook's workflow as Amazon States Language: one Processing step, built with the SDK.

What the SDK cannot say (intrinsic functions; retries with a largest delay and jitter) is merged
into the fields that it renders. See docs/decisions/0001-rendering-the-state-machine.md.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from landrun.models.run import INPUT_FIELDS
from landrun_ops.workflow.config import Network, WorkflowConfig

STEP = "Process messages"
WHETHER = "Is concurrency limited?"
TURN = "Wait for a slot"

WAIT_FOR_QUOTA = {
    "ErrorEquals": ["SageMaker.ResourceLimitExceededException", "ThrottlingException"],
    "IntervalSeconds": 60,
    "BackoffRate": 2,
    "MaxDelaySeconds": 900,
    "MaxAttempts": 200,
    "JitterStrategy": "FULL",
}
"""A quota is waited for: 200 waits of 450 seconds on average are about a day. Each takes 3 to 5 of
the 25,000 events that an execution may have."""

ASK_AGAIN = {
    "ErrorEquals": ["SageMaker.AmazonSageMakerException"],
    "IntervalSeconds": 5,
    "BackoffRate": 2,
    "MaxDelaySeconds": 300,
    "MaxAttempts": 8,
    "JitterStrategy": "FULL",
}
"""What AWS calls every other refusal: a throttled call, but a wrong request as well. So it is asked
again for some 8 minutes (15 at most), and a wrong request fails within them."""

RUN_AGAIN = {
    "ErrorEquals": ["States.TaskFailed"],
    "IntervalSeconds": 10,
    "BackoffRate": 1,
    "MaxAttempts": 1,
    "JitterStrategy": "FULL",
}
"""A failed job runs once more. The name matches every error but timeouts, so it stands last: Step
Functions takes the first retrier that matches, and counts the attempts of each by itself."""

ASK_FOR_TURN = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 5,
    "BackoffRate": 2,
    "MaxDelaySeconds": 300,
    "MaxAttempts": 2000,
    "JitterStrategy": "FULL",
}
"""Asking costs a message and changes no place in the line, so it is done until it works; and once a
day while there is no answer, should the message have been lost."""

TURN_ASKED = {
    "TaskToken.$": "$$.Task.Token",
    "ExecutionArn.$": "$$.Execution.Id",
    "Name.$": "$$.Execution.Name",
    "StartedAt.$": "$$.Execution.StartTime",
}
"""What an execution says of itself when it asks for its turn (Step Functions' context object)."""

TURN_ASKED_AGAIN = 86_400
"""Seconds after which an execution that still waits asks again, with another task token."""


class Intrinsic(str):
    """An intrinsic function, or a path: its parameter is rendered as ``"Name.$"``.

    The SDK takes it for the plain string that it expects.
    """

    __slots__ = ()


def definition(config: WorkflowConfig) -> dict[str, Any]:
    """Build the state machine's definition.

    Touches neither network, credentials nor the user's AWS or SageMaker settings files.

    Returns
    -------
    dict
        Amazon States Language.
    """
    # Imported here because the SDKs take seconds (see sdk.py).
    from landrun_ops.workflow import sdk  # noqa: PLC0415

    with sdk.quietly():
        graph = sdk.Graph(
            sdk.Chain(_steps(sdk, config)),
            comment="One SageMaker Processing job per run. Written by `landrun workflow render`.",
            timeout_seconds=config.timeout,
        )
    rendered: dict[str, Any] = _with_intrinsics(graph.to_dict())
    step = rendered["States"][STEP]
    step["Resource"] = f"arn:{_partition(config)}:states:::sagemaker:createProcessingJob.sync"
    step["Parameters"].update(_filled_in(config))
    step["Retry"] = [WAIT_FOR_QUOTA, ASK_AGAIN, RUN_AGAIN]
    if config.slot_queue:
        rendered["States"][TURN]["Retry"] = [ASK_FOR_TURN]
        rendered["States"][TURN]["Resource"] = (
            f"arn:{_partition(config)}:states:::sqs:sendMessage.waitForTaskToken"
        )
    return rendered


def render(config: WorkflowConfig) -> str:
    """Spell the definition as JSON: the same text for the same configuration, everywhere."""
    return json.dumps(definition(config), indent=2, sort_keys=True) + "\n"


def input_schema() -> dict[str, Any]:
    """Give the contract's fields as the SDK's ``ExecutionInput`` takes them."""
    return {name: {"Kind": str} if name == "Trigger" else str for name in INPUT_FIELDS}


def _steps(sdk: Any, config: WorkflowConfig) -> list[Any]:
    """Give the one step; where runs are bounded, behind the question whether this one waits."""
    step = _step(sdk, config)
    if not config.slot_queue:
        return [step]
    turn = sdk.SqsSendMessageStep(
        TURN,
        wait_for_callback=True,
        timeout_seconds=TURN_ASKED_AGAIN,
        result_path=None,
        parameters={"QueueUrl": config.slot_queue, "MessageBody": {"SlotRequest": TURN_ASKED}},
    )
    turn.next(step)
    whether = sdk.Choice(WHETHER)
    rule = sdk.ChoiceRule.StringMatches("$$.Execution.Name", config.limited_runs)
    whether.add_choice(rule, turn)
    whether.default_choice(step)
    return [whether]


def _step(sdk: Any, config: WorkflowConfig) -> Any:
    run = sdk.ExecutionInput(schema=input_schema())
    return sdk.ProcessingStep(
        STEP,
        processor=_processor(sdk, config),
        job_name=_job_name(),
        inputs=[
            sdk.ProcessingInput(
                input_name="messages",
                source=run["InputMessage"],
                destination=config.input_path,
                s3_data_type=config.input_data_type,
                s3_data_distribution_type=config.input_distribution,
            )
        ],
        outputs=[
            sdk.ProcessingOutput(
                output_name="processed",
                source=config.output_path,
                destination=run["OutputProcessedMessage"],
            )
        ],
        container_entrypoint=_words(config.entrypoint),
        container_arguments=_words(config.arguments),
        kms_key_id=config.output_kms_key,
        experiment_config=config.experiment_config or None,
        tags=config.tags or None,
    )


def _processor(sdk: Any, config: WorkflowConfig) -> Any:
    """Give the SDK's processor of the engine: both make the same kind of job."""
    # In place of a sagemaker.Session, which needs a region and reads the user's settings files.
    session = SimpleNamespace(sagemaker_config={}, boto_region_name=None)
    kind = sdk.PySparkProcessor if config.engine == "spark" else sdk.ScriptProcessor
    return kind(
        role=config.processing_role,
        image_uri=config.image_uri,
        instance_type=config.instance_type,
        instance_count=_number(config.instance_count),
        volume_size_in_gb=_number(config.volume_size_in_gb),
        max_runtime_in_seconds=_number(config.max_runtime_in_seconds),
        volume_kms_key=config.volume_kms_key,
        env=None if isinstance(config.environment, str) else config.environment or None,
        network_config=_network(sdk, config),
        sagemaker_session=session,
    )


def _network(sdk: Any, config: WorkflowConfig) -> Any:
    network = config.network
    return sdk.NetworkConfig(**network.model_dump()) if isinstance(network, Network) else None


def _filled_in(config: WorkflowConfig) -> dict[str, str]:
    """Give the fields whose objects come with the stack: the SDK takes them as objects only."""
    fields = {"Environment": config.environment, "NetworkConfig": config.network}
    return {f"{name}.$": _json(text) for name, text in fields.items() if isinstance(text, str)}


def _partition(config: WorkflowConfig) -> str:
    """Name the partition, as ``aws-cn``; the SDK would take that of whoever renders."""
    return "aws" if config.processing_role.startswith("$") else config.processing_role.split(":")[1]


def _job_name() -> Intrinsic:
    """Name each attempt anew: SageMaker never takes a job's name twice."""
    run = "$$.Execution.Input.PreprocessingJobName"
    fresh = "States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0)"
    return Intrinsic(f"States.Format('{{}}-{{}}', {run}, {fresh})")


def _number(value: int | str) -> int | Intrinsic:
    return value if isinstance(value, int) else _json(value)


def _json(text: str) -> Intrinsic:
    return Intrinsic(f"States.StringToJson('{text}')")


def _words(value: tuple[str, ...] | str | None) -> list[str] | Intrinsic | None:
    if isinstance(value, str):
        return Intrinsic(f"States.StringSplit('{value}', ' ')")
    return None if value is None else list(value)


def _with_intrinsics(node: Any) -> Any:
    """Rename the keys of intrinsic functions to ``Name.$``, as the States Language wants them."""
    if isinstance(node, dict):
        return {
            f"{key}.$" if isinstance(value, Intrinsic) else key: _with_intrinsics(value)
            for key, value in node.items()
        }
    return [_with_intrinsics(item) for item in node] if isinstance(node, list) else node
