"""Functions under their own roles: the main path passes, and uses each of their permissions.

The World of tests/faults enforces IAM: each call needs what its function's role allows.
"""

import json
from functools import partial
from types import SimpleNamespace

import pytest
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from faults import lambdas, stack
from faults import test_cases_concurrency as concurrency
from faults import test_cases_landings as landings
from faults import test_cases_reconcile as reconcile
from faults import test_cases_refusals as refusals
from faults import test_cases_statuses as statuses
from faults import test_cases_ticks as ticks
from faults.faulty import denied
from faults.world import World
from landrun_ops.local.moto_patches.iam import Decision, needs
from landrun_ops.local.moto_patches.task_tokens import TOKENS, Token
from landrun_ops.local.policies import permits
from template.physical import ACCOUNT, REGION, physical
from template.resolved import deploy

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


class PermittedWorld(World):
    """A World whose functions may do only what their roles allow: those of ``roles_of``, if given.

    ``decisions`` has every `Decision` of IAM so far.
    """

    def __init__(self, roles_of=None, **parameters):
        super().__init__(parameters.get("StartOn", "arrival"), **parameters)
        self.deployed = roles_of or self.stack.resolved
        self.decisions = []

    def __enter__(self):
        """Put keys where the template has them: IAM asks who may use a key by them."""
        super().__enter__()
        given, name_of = self.deployed.of_type, self.stack.name
        for topic, properties in given("AWS::SNS::Topic").items():
            topics = sns_backends[ACCOUNT][REGION].topics
            topics[self.stack.arn(topic)].kms_master_key_id = properties["KmsMasterKeyId"]
        for queue, properties in given("AWS::SQS::Queue").items():
            queues = sqs_backends[ACCOUNT][REGION].queues
            queues[name_of(queue)].kms_master_key_id = properties.get("KmsMasterKeyId")
        for table, properties in given("AWS::DynamoDB::Table").items():
            tables = dynamodb_backends[ACCOUNT][REGION].tables
            tables[name_of(table)].sse_specification = properties["SSESpecification"]
        for bucket, properties in given("AWS::S3::Bucket").items():
            [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            default = {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
            buckets = s3_backends[ACCOUNT]["aws"].buckets
            buckets[name_of(bucket)].encryption = {"Rule": default}
        return self

    def make(self, call, real):
        """Make a call if the function's role allows all that it needs."""
        role = f"{call.process.function}FunctionRole"
        documents = [*self.deployed.policies(role)]
        for need in needed(call):
            allowed = permits(documents, need.action, need.resource, need.context)
            self.decisions.append(Decision(role, need.action, need.resource, allowed))
            if not allowed:
                denied().before(call)
        return super().make(call, real)

    def used(self, role):
        """The grants that a role's calls have needed so far: each call exactly one."""
        used = set()
        for decision in self.decisions:
            if decision.role == role:
                [grant] = [one for one in self.deployed.grants(role) if allows(one, decision)]
                used.add(grant)
        return used

    def _slot_requested(self, message):
        """Let IAM know whose machine's token it is, then request the slot."""
        TOKENS[message["SlotRequest"]["TaskToken"]] = Token(self.machine.arn)
        super()._slot_requested(message)


def needed(call):
    """The permissions that a call needs, as the laptop's IAM sees its request."""
    asked, resource = call.arguments, "*"
    action = {"ListObjectsV2": "ListBucket"}.get(call.api, call.api)
    service = {"stepfunctions": "states"}.get(call.service, call.service)
    if service == "s3":
        path = "/".join(asked[one] for one in ("Bucket", "Key") if one in asked)
        resource = f"arn:aws:s3:::{path}"
    elif service == "sqs":
        resource = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{asked['QueueUrl'].rpartition('/')[2]}"
    return needs(SimpleNamespace(body=asked, headers={}), f"{service}:{action}", resource)


def allows(grant, decision):
    """Whether this grant alone, conditions aside, allows what IAM has decided on."""
    action, resource = grant
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return permits([{"Statement": [statement]}], decision.action, decision.resource)


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
