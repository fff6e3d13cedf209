"""Functions under their own roles: the main path passes, and uses each of their permissions."""

from __future__ import annotations

import pytest

from faults import lambdas

from .paths import PATHS, walk
from .world import Grant, PermittedWorld, Policies

LAMBDAS_OWN = {
    "logs:CreateLogStream": "Lambda writes a function's logs",
    "logs:PutLogEvents": "Lambda writes a function's logs",
    "xray:PutTraceSegments": "Lambda's active tracing",
    "xray:PutTelemetryRecords": "Lambda's active tracing",
    "sqs:ReceiveMessage": "Lambda polls a function's queue",
    "sqs:DeleteMessage": "Lambda polls a function's queue",
    "sqs:GetQueueAttributes": "Lambda polls a function's queue",
}
"""What no handler calls, but Lambda with the function's role; test_laptop.py has the queues'."""

FAILED_TICKS = "landrun-ScheduleDeadLetterQueue"
"""Where Lambda sends what failed for good of Schedule and Reconcile."""

USED_IN = [
    ("ObjectCreated", ["arrival"]),
    ("ObjectCreated", ["schedule"]),
    ("Schedule", ["arrival"]),
    ("Schedule", ["schedule"]),
    # These two have the same role in either mode; see tests/template/test_permissions.py.
    ("ExecutionStatus", ["arrival", "concurrency"]),
    ("Reconcile", ["arrival", "schedule", "concurrency"]),
]
"""The paths that together use all that a function may do."""


@pytest.fixture(scope="module")
def walked():
    return {name: walk(path, PermittedWorld(**path.parameters)) for name, path in PATHS.items()}


@pytest.mark.parametrize("path", PATHS)
def test_the_main_path_passes_with_iam_enforced(walked, path):
    assert walked[path].decisions
    assert [decision for decision in walked[path].decisions if not decision.allowed] == []


@pytest.mark.parametrize(("function", "paths"), USED_IN)
def test_the_main_path_uses_each_permission_of_a_function(walked, function, paths):
    """Each call needs exactly one of them: `PermittedWorld.used`. None could be taken away."""
    role, worlds = f"{function}FunctionRole", [walked[path] for path in paths]
    granted = set[Grant]().union(*(world.policies.grants(role) for world in worlds))
    used = set[Grant]().union(*(world.used(role) for world in worlds))
    assert {one for one in granted if not is_lambdas_own(one)} == used


def is_lambdas_own(grant):
    return grant.action in LAMBDAS_OWN or grant.resource.endswith(f":{FAILED_TICKS}")


def test_what_a_role_does_not_allow_is_refused():
    with PermittedWorld(policies=Policies(StartOn="schedule")) as world:
        world.land("incoming/a.jsonl")
        [outcome] = world.drain()
    assert outcome.answer["batchItemFailures"]
    [refused] = {decision.action for decision in world.decisions if not decision.allowed}
    assert refused == "s3:PutObject"
    assert not world.executions()


def test_every_function_is_held_to_its_permissions():
    assert {function for function, _ in USED_IN} == lambdas.FUNCTIONS.keys()
