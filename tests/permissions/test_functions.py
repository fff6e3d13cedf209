"""Functions under their own roles: the main path passes, and needs each of their permissions."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

from .paths import NOT_OF_RECONCILE, PARAMETERS, PATHS, Step
from .world import Grant, PermittedWorld, Policies, Statement, lambdas

SWEEP = pytest.mark.skipif(
    "LANDRUN_PERMISSIONS" not in os.environ, reason="walks the path for each: make permissions"
)

HELD = {
    "arrival": ["ObjectCreated", "ExecutionStatus", "Reconcile"],
    "schedule": ["ObjectCreated", "Schedule"],  # the others' roles are those of arrival
    "ticks": ["Schedule"],
    "concurrency": ["ExecutionStatus", "Reconcile"],  # only this; the rest is arrival's
    "key": ["ExecutionStatus"],
}
"""Whose permissions a path has to need, each and every one."""

LAMBDAS_OWN = {
    "logs:CreateLogStream": "Lambda writes a function's logs",
    "logs:PutLogEvents": "Lambda writes a function's logs",
    "xray:PutTraceSegments": "Lambda's active tracing",
    "xray:PutTelemetryRecords": "Lambda's active tracing",
    "sqs:ReceiveMessage": "Lambda polls a function's queue",
    "sqs:DeleteMessage": "Lambda polls a function's queue",
    "sqs:GetQueueAttributes": "Lambda polls a function's queue",
}
"""What no handler calls, but Lambda with the function's role."""

NOT_CALLED_BY_HANDLERS = {
    Statement("RunOnLambdaPolicy", "Log"),
    Statement("RunOnLambdaPolicy", "Trace"),
    Statement("ReceiveLandings", "Receive"),
    Statement("ReceiveStatusChanges", "Receive"),
    Statement("KeepFailedTicks", "SendToDeadLetterQueue"),
    Statement("RecoverMissedEvents", "SendToDeadLetterQueue"),
}

FAILED_TICKS = "landrun-ScheduleDeadLetterQueue"
"""Where Lambda puts what failed for good of Schedule and Reconcile."""


def walk(
    path: str, without: Grant | Statement | None = None, besides: Iterable[Step] = ()
) -> PermittedWorld:
    """Go a path, ``besides`` some steps, without a permission; in a World of its own."""
    with PermittedWorld(**PARAMETERS[path]) as world:
        if without:
            world.take_away(without)
        try:
            for step in PATHS[path]:
                if step not in besides:
                    step(world)
        except Exception:
            if without is None:
                raise
            world.went_wrong = True
    return world


def lambdas_own(grant: Grant) -> bool:
    return grant.action in LAMBDAS_OWN or grant.resource.endswith(f":{FAILED_TICKS}")


def grants(path: str, function: str) -> list[Grant]:
    every = Policies(**PARAMETERS[path]).grants(f"{function}FunctionRole")
    limited = path == "concurrency"
    return [one for one in every if not lambdas_own(one) and limits_concurrency(one) == limited]


def limits_concurrency(grant: Grant) -> bool:
    """Whether a permission is needed only where MaxConcurrentRuns limits concurrency."""
    return grant.action == "states:SendTaskSuccess" or "ConcurrencyTable" in grant.resource


@pytest.mark.parametrize("path", PATHS)
def test_the_main_path_passes_with_iam_enforced(path: str) -> None:
    world = walk(path)
    assert world.decisions
    assert world.denied == []


@SWEEP
@pytest.mark.parametrize(
    ("path", "function"), [(p, f) for p, all_of in HELD.items() for f in all_of]
)
def test_the_main_path_fails_without_any_one_permission(path: str, function: str) -> None:
    held = grants(path, function)
    assert held
    unnoticed = []
    for grant in held:
        world = walk(path, grant, NOT_OF_RECONCILE if function == "Reconcile" else ())
        refused = {(decision.role, decision.action) for decision in world.denied}
        if not (world.went_wrong and (grant.role, grant.action) in refused):
            unnoticed.append(str(grant))
    assert unnoticed == []


@SWEEP
def test_the_main_path_fails_without_any_one_statement() -> None:
    having: dict[Statement, list[str]] = {}
    for path in PATHS:
        for statement in Policies(**PARAMETERS[path]).statements():
            having.setdefault(statement, []).append(path)
    held = sorted(having.keys() - NOT_CALLED_BY_HANDLERS)
    unnoticed = [
        statement
        for statement in held
        if not any(walk(path, without=statement).went_wrong for path in having[statement])
    ]
    assert unnoticed == []


@pytest.mark.parametrize("function", ["ExecutionStatus", "Reconcile"])
def test_who_records_and_mends_may_do_the_same_in_both_modes(function: str) -> None:
    assert grants("arrival", function) == grants("schedule", function)


def test_every_function_is_held_to_its_permissions() -> None:
    assert {function for functions in HELD.values() for function in functions} == set(
        lambdas.FUNCTIONS
    )
    roles = Policies().resolved.of_type("AWS::IAM::Role")
    assert {f"{function}FunctionRole" for function in lambdas.FUNCTIONS} == {
        role for role in roles if role.endswith("FunctionRole")
    }
