"""The functions, and the event source mappings that feed them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from landrun import settings
from landrun.errors import ConfigurationError
from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.findings import RESTORE, Finding, fail, ok, problems, skip

SETTINGS: Final[Mapping[str, type[settings.Settings]]] = {
    "ObjectCreatedFunction": settings.ObjectCreatedSettings,
    "ScheduleFunction": settings.ScheduleSettings,
    "ExecutionStatusFunction": settings.ExecutionStatusSettings,
    "ReconcileFunction": settings.ReconcileSettings,
}
"""The stack's functions, and what each reads from its environment."""


def functions(aws: StackReader) -> list[Finding]:
    """The functions can be invoked, and accept their environment."""
    findings = (_judge(aws, output) for output in SETTINGS)
    return problems(findings, f"{len(SETTINGS)} functions accept invocations and their settings")


def _judge(aws: StackReader, output: str) -> Finding:
    name = aws.output(output)
    concurrency = aws.ask("lambda:GetFunctionConcurrency", FunctionName=name)
    if concurrency.get("ReservedConcurrentExecutions") == 0:
        remedy = f"aws lambda delete-function-concurrency --function-name {name}"
        return fail(f"{name} has a reserved concurrency of 0: it is never invoked", remedy)
    environment = aws.ask("lambda:GetFunctionConfiguration", FunctionName=name)["Environment"]
    if environment.get("Error"):  # encrypted with a key that the caller may not use
        why = environment["Error"].get("ErrorCode", "no reason given")
        return skip(f"the environment of {name} is not readable: {why}", "ask for kms:Decrypt")
    try:
        SETTINGS[output].load(
            {key: str(text) for key, text in environment.get("Variables", {}).items()}
        )
    except ConfigurationError as error:
        return fail(f"{name}: {error}", "sam deploy with other parameters")
    return ok()


def event_source(aws: StackReader, function: str, queue: str) -> Finding:
    """The event source mapping is enabled, and reports which messages failed."""
    name, arn = aws.output(function), aws.output(queue)
    mappings = aws.pages("lambda:ListEventSourceMappings", "EventSourceMappings", FunctionName=name)
    if aws.stack.laptop and not mappings:
        return skip("the laptop has none: it polls the queues itself")
    mine = [one for one in mappings if one.get("EventSourceArn") == arn]
    source = arn.rpartition(":")[2]
    if not mine:
        return fail(f"no event source mapping feeds {name} from {source}", RESTORE)
    one = mine[0]
    update = f"aws lambda update-event-source-mapping --uuid {one['UUID']}"
    if one["State"] not in ("Enabled", "Enabling", "Creating", "Updating"):
        return fail(f"the event source {source} is {one['State']}", f"{update} --enabled")
    if "ReportBatchItemFailures" not in one.get("FunctionResponseTypes", ()):
        return fail(
            f"the event source {source} deletes messages that failed",
            f"{update} --function-response-types ReportBatchItemFailures",
        )
    return ok()
