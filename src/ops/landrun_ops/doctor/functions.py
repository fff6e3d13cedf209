"""The functions: alive, rightly set up, and fed by their queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from landrun import settings
from landrun.errors import ConfigurationError
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import PUT_BACK, Finding, fail, ok, skip, warn

AREA: Final = "functions"
SETTINGS: Final[Mapping[str, type[settings.Settings]]] = {
    "ObjectCreatedFunction": settings.ObjectCreatedSettings,
    "ScheduleFunction": settings.ScheduleSettings,
    "ExecutionStatusFunction": settings.ExecutionStatusSettings,
    "ReconcileFunction": settings.ReconcileSettings,
}
"""The stack's functions, and what each reads from its environment."""

SOURCES: Final = {
    "ObjectCreatedFunction": ("LandingQueueArn", "landings wait, and then are dead letters"),
    "ExecutionStatusFunction": ("StatusQueueArn", "how runs end is recorded by reconcile only"),
}
"""Functions that a queue feeds, and what it means when it does not."""


def judge_function(
    function: Mapping[str, Any], concurrency: Mapping[str, Any], model: type[settings.Settings]
) -> Finding:
    """Judge a function.

    Parameters
    ----------
    function : Mapping[str, Any]
        GetFunctionConfiguration's answer; ``State`` Inactive is asleep, and wakes when called
        (Lambda developer guide, "Lambda function states").
    concurrency : Mapping[str, Any]
        GetFunctionConcurrency's: 0 turns every call away.
    model : type
        What it reads from its environment; refuses what it would refuse.
    """
    name = function["FunctionName"]
    if function.get("State", "Active") not in ("Active", "Inactive", "Pending"):
        why = function.get("StateReason", "no reason given")
        return fail(
            f"{name} is {function['State']}: {why}",
            "mend that; the function's page in Lambda's console says more",
        )
    if concurrency.get("ReservedConcurrentExecutions") == 0:
        remedy = f"aws lambda delete-function-concurrency --function-name {name}"
        return fail(f"{name} is throttled to nothing (reserved concurrency 0)", remedy)
    environment = function.get("Environment", {})
    if environment.get("Error"):  # with a key of one's own, whoever may not decrypt
        why = environment["Error"].get("ErrorCode", "no reason given")
        return skip(f"could not see {name}'s environment: {why}", "ask for kms:Decrypt")
    variables = environment.get("Variables", {})
    try:
        model.load({key: str(value) for key, value in variables.items()})
    except ConfigurationError as error:
        return fail(str(error), "sam deploy with other parameters")
    if function.get("LastUpdateStatus") == "Failed":
        why = function.get("LastUpdateStatusReason", "no reason given")
        return warn(f"{name}: its last update failed: {why}", "mend that, and sam deploy again")
    what = [function.get("Runtime", ""), *function.get("Architectures", ())]
    return ok(f"ready ({', '.join(filter(None, what))})")


def judge_source(
    mappings: Sequence[Mapping[str, Any]], queue_arn: str, function: str, meaning: str
) -> Finding:
    """Judge what feeds a function from its queue.

    Parameters
    ----------
    mappings : sequence of Mapping
        ListEventSourceMappings' entries for the function.
    """
    queue = queue_arn.rpartition(":")[2]
    mine = [one for one in mappings if one.get("EventSourceArn") == queue_arn]
    if not mine:
        return fail(f"nothing feeds {function} from {queue}: {meaning}", PUT_BACK)
    one = mine[0]
    if one["State"] in ("Disabled", "Disabling"):
        remedy = f"aws lambda update-event-source-mapping --enabled --uuid {one['UUID']}"
        return fail(f"the event source {queue} is {one['State']}: {meaning}", remedy)
    if one["State"] not in ("Enabled", "Enabling"):
        return warn(f"the event source {queue} is {one['State']}", "wait, and look again")
    if "ReportBatchItemFailures" not in one.get("FunctionResponseTypes", ()):
        return fail(
            f"the event source {queue} does not heed which messages failed: they would be lost",
            f"aws lambda update-event-source-mapping --uuid {one['UUID']}"
            " --function-response-types ReportBatchItemFailures",
        )
    if str(one.get("LastProcessingResult", "")).startswith("PROBLEM"):
        return warn(
            f"the event source {queue} says {one['LastProcessingResult']}",
            "look at the function's log; does its role still let it read the queue?",
        )
    return ok(f"{queue} feeds it")


def checks(sight: Sight) -> list[Check]:
    """Give the checks of the functions."""
    return [
        *(Check(AREA, short(name), partial(_function, sight, name)) for name in SETTINGS),
        *(Check(AREA, f"{_queue(name)} source", partial(_source, sight, name)) for name in SOURCES),
    ]


def _queue(function: str) -> str:
    return "landing" if function == "ObjectCreatedFunction" else "status"


def short(output: str) -> str:
    """Name a function in a column.

    >>> short("ObjectCreatedFunction")
    'ObjectCreated'
    """
    return output.removesuffix("Function")


def described(sight: Sight, output: str) -> dict[str, Any]:
    """Describe the function of an output."""
    name = sight.stack.output(output)
    return sight.ask("lambda:GetFunctionConfiguration", FunctionName=name)


def _function(sight: Sight, output: str) -> Finding:
    function = described(sight, output)
    name = function["FunctionName"]
    concurrency = sight.ask("lambda:GetFunctionConcurrency", FunctionName=name)
    return judge_function(function, concurrency, SETTINGS[output])


def _source(sight: Sight, output: str) -> Finding:
    queue, meaning = SOURCES[output]
    name, arn = sight.stack.output(output), sight.stack.output(queue)
    found = sight.all("lambda:ListEventSourceMappings", "EventSourceMappings", FunctionName=name)
    if sight.stack.laptop and not found:
        return skip("the laptop polls its queues itself")
    return judge_source(found, arn, name, meaning)
