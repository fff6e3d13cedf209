"""Functions under their own roles: the main path passes, and needs each of their permissions."""

from __future__ import annotations

import pytest

from .paths import PARAMETERS, PATHS
from .world import Grant, PermittedWorld, Policies

HELD = {
    "arrival": ["ObjectCreated", "ExecutionStatus", "Reconcile"],
    "schedule": ["ObjectCreated", "Schedule", "ExecutionStatus", "Reconcile"],
    "ticks": ["Schedule"],
}
"""Whose permissions a path has to need, each and every one."""

LAMBDAS_OWN = {
    ("ScheduleFunctionRole", "sqs:SendMessage"): "Lambda sends a tick that failed for good",
    ("ReconcileFunctionRole", "sqs:SendMessage"): "Lambda sends a sweep that failed for good",
}
"""What no handler calls; `test_laptop` shows that Lambda does."""


def walk(path: str, without: Grant | None = None) -> PermittedWorld:
    """Go a path in a World of its own, from which one permission may have been taken away."""
    with PermittedWorld(**PARAMETERS[path]) as world:
        if without:
            world.take_away(without)
        try:
            for step in PATHS[path]:
                step(world)
        except Exception:
            if without is None:
                raise
            world.went_wrong = True
    return world


def grants(path: str, function: str) -> list[Grant]:
    role = f"{function}FunctionRole"
    every = Policies(**PARAMETERS[path]).grants(role)
    return [one for one in every if (role, one.action) not in LAMBDAS_OWN]


@pytest.mark.parametrize("path", PATHS)
def test_the_main_path_passes_with_iam_enforced(path: str) -> None:
    world = walk(path)
    assert world.decisions
    assert world.denied == []


@pytest.mark.parametrize(
    ("path", "function"), [(p, f) for p, all_of in HELD.items() for f in all_of]
)
def test_the_main_path_fails_without_any_one_permission(path: str, function: str) -> None:
    held = grants(path, function)
    assert held
    unnoticed = []
    for grant in held:
        world = walk(path, without=grant)
        refused = {(decision.role, decision.action) for decision in world.denied}
        if not world.went_wrong or (grant.role, grant.action) not in refused:
            unnoticed.append(str(grant))
    assert unnoticed == []


def test_every_function_is_held_to_its_permissions() -> None:
    roles = Policies().resolved.of_type("AWS::IAM::Role")
    held = {f"{function}FunctionRole" for functions in HELD.values() for function in functions}
    assert held == {role for role in roles if role.endswith("FunctionRole")}
