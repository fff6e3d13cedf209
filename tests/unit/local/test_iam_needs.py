"""What a request to the laptop's AWS needs to be allowed, where it names no one resource."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from landrun_ops.local.iam_needs import Need, needs
from landrun_ops.local.task_tokens import TOKENS

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/{}"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:m"


def asked(action: str, **parameters: Any) -> list[Need]:
    response = SimpleNamespace(body=json.dumps(parameters), querystring={})
    return list(needs(response, action, "*"))


def test_a_transaction_needs_what_its_parts_need_and_nothing_of_its_own() -> None:
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


def test_an_answer_to_a_token_is_about_the_machine_that_gave_it_out() -> None:
    TOKENS.open("t-1", MACHINE)
    assert asked("states:SendTaskSuccess", taskToken="t-1") == [
        Need("states:SendTaskSuccess", MACHINE)
    ]
    assert asked("states:SendTaskSuccess", taskToken="nobody's") == [
        Need("states:SendTaskSuccess", "*")
    ]
