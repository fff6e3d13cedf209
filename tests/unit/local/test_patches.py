"""What a request needs of IAM, and a task of the time-out that moto loses."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds

from landrun_ops.local.moto_patches import tasks
from landrun_ops.local.moto_patches.iam import Need, needs
from landrun_ops.local.moto_patches.sagemaker import ProcessingJobs
from landrun_ops.local.moto_patches.task_tokens import TOKENS, Token
from landrun_ops.local.patches import Patches

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/{}"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:m"


@pytest.mark.parametrize("patched", [True, False])
def test_a_stopped_executions_task_keeps_its_timeout_which_moto_takes_from_the_stack(patched):
    env = SimpleNamespace(stack=["the parameters"], is_running=lambda: False, heap={})
    with Patches() as patches:
        if patched:
            tasks.patch(patches, ProcessingJobs(lambda _: None), lambda *_: None, None)
        TimeoutSeconds(timeout_seconds=60).eval(env=env)
    assert (env.stack.pop() == 60) is patched


def asked(action, **parameters):
    response = SimpleNamespace(body=json.dumps(parameters), querystring={})
    return list(needs(response, action, "*"))


def test_a_transaction_needs_what_its_parts_need_and_nothing_of_its_own():
    parts = [
        {"Update": {"TableName": "a"}},
        {"Delete": {"TableName": "a"}},
        {"Put": {"TableName": "b"}},
        {"ConditionCheck": {"TableName": "b"}},
    ]
    assert asked("dynamodb:TransactWriteItems", TransactItems=parts) == [
        Need("dynamodb:UpdateItem", TABLE.format("a")),
        Need("dynamodb:DeleteItem", TABLE.format("a")),
        Need("dynamodb:PutItem", TABLE.format("b")),
        Need("dynamodb:ConditionCheckItem", TABLE.format("b")),
    ]


def test_an_answer_to_a_token_is_about_the_machine_that_gave_it_out():
    TOKENS["t-1"] = Token(MACHINE)
    for token, resource in (("t-1", MACHINE), ("nobody's", "*")):
        needed = Need("states:SendTaskSuccess", resource)
        assert asked("states:SendTaskSuccess", taskToken=token) == [needed]
