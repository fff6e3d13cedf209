"""Functions under their own roles: the main path passes, and uses each of their permissions."""

import json
from functools import partial

import pytest

from faults import lambdas, stack
from faults import test_cases_concurrency as concurrency
from faults import test_cases_landings as landings
from faults import test_cases_reconcile as reconcile
from faults import test_cases_refusals as refusals
from faults import test_cases_statuses as statuses
from faults import test_cases_ticks as ticks
from template.physical import physical
from template.resolved import deploy

from .world import PermittedWorld

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def a_failure_is_recorded(world, lost):
    """Its input is an object, as with ``InputMessageFormat=uri``, and only its log says why."""
    run, bucket = statuses.Run(world), world.stack.name("LandingBucket")
    for key in ("archive/a.csv", "archive/a.csv.bak"):  # no landings: not under the prefix
        stack.client("s3").put_object(Bucket=bucket, Key=key, Body=b"data")
    execution = world.executions()[run.name]
    given = json.loads(execution.input) | {"InputMessage": f"s3://{bucket}/archive/a.csv"}
    execution.input = json.dumps(given)
    statuses.fail_without_a_word(world, run.name)
    if lost:
        assert world.reconcile(0).answer["Executions"] == 1
    else:
        run.send(world.machine.event(execution))
        assert run.row["input_also_matches"] == ["archive/a.csv.bak"]
    assert run.row["exit_message"].endswith("ValueError: no text")
    assert len(world.published) == 1


def a_tick_is_retried(parameters):
    """The case of the fault suite, which opens its World itself."""
    case = ticks.test_tick_again_after_a_configuration_change_counts_the_mismatch
    return lambda world: case(lambda **_: world, parameters)


MISMATCH = "test_duplicate_after_a_configuration_change_finds_the_same_run_and_counts_the_mismatch"
a_mismatch_is_found = partial(
    getattr(landings, MISMATCH), closed=False, prefix="elsewhere/", mismatches=1
)
poison_is_refused = (
    refusals.test_one_poison_message_in_ten_leaves_nine_done_and_lies_with_its_reason
)
poison_among_statuses = partial(
    refusals.test_batch_of_nothing_but_poison_is_put_aside_in_one_invocation, queue="statuses"
)

PATHS = {
    "arrival": (
        {"ScheduledInput": "incoming/"},
        [
            a_mismatch_is_found,
            poison_is_refused,
            poison_among_statuses,
            a_tick_is_retried({"ScheduledInput": "incoming/"}),
            partial(a_failure_is_recorded, lost=False),
            partial(a_failure_is_recorded, lost=True),
        ],
    ),
    "schedule": (
        {"StartOn": "schedule"},
        [
            poison_is_refused,
            a_tick_is_retried({"start_on": "schedule"}),
            reconcile.test_claims_without_a_manifest_are_finished_after_their_grace,
        ],
    ),
    "concurrency": (
        {"MaxConcurrentRuns": "2", "KmsKeyArn": KEY},
        [
            concurrency.test_redriven_run_is_counted_without_a_request_and_others_wait_for_it,
            concurrency.test_slot_of_an_end_that_was_missed_is_released_by_reconcile,
        ],
    ),
}
"""Cases of the fault suite that together use all that the functions may do."""

LAMBDAS_OWN = {
    *("logs:CreateLogStream", "logs:PutLogEvents"),
    *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
}
"""What no handler does, but Lambda with the function's role."""

POLL = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
SEND = {"sqs:SendMessage"}
"""Lambda polls a function's queue, or keeps the events at which the function failed for good."""

USED_IN = [
    ("ObjectCreated", ["arrival"], POLL),
    ("ObjectCreated", ["schedule"], POLL),
    ("Schedule", ["arrival"], SEND),
    ("Schedule", ["schedule"], SEND),
    # These two have the same role in either mode.
    ("ExecutionStatus", ["arrival", "concurrency"], POLL),
    ("Reconcile", ["arrival", "schedule", "concurrency"], SEND),
]
"""The paths that together use all that a function may do, beside what Lambda does for it."""


@pytest.fixture(scope="module")
def walked():
    """Each path's Worlds, after their case."""
    worlds = {path: [] for path in PATHS}
    for path, (parameters, cases) in PATHS.items():
        for case in cases:
            with PermittedWorld(**parameters) as world:
                case(world)
            worlds[path].append(world)
    return worlds


@pytest.mark.parametrize(("function", "paths", "own"), USED_IN)
def test_the_main_path_passes_and_uses_each_permission_of_a_function(walked, function, paths, own):
    """Each call needs exactly one of them: `PermittedWorld.used`. None could be taken away."""
    role, worlds = f"{function}FunctionRole", [world for path in paths for world in walked[path]]
    granted = set().union(*(world.deployed.grants(role) for world in worlds))
    unused = granted.difference(*(world.used(role) for world in worlds))
    assert {action for action, _ in unused} == LAMBDAS_OWN | own


def test_what_a_role_does_not_allow_is_refused():
    with PermittedWorld(roles_of=deploy({"StartOn": "schedule"}, physical)) as world:
        world.land("incoming/a.jsonl")
        [outcome] = world.drain()
    assert outcome.answer["batchItemFailures"]
    [refused] = {decision.action for decision in world.decisions if not decision.allowed}
    assert refused == "s3:PutObject"
    assert not world.executions()


def test_every_function_is_held_to_its_permissions():
    assert {function for function, *_ in USED_IN} == lambdas.FUNCTIONS.keys()
