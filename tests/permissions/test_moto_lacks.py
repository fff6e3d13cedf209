"""Fails when moto has grown what `landrun_ops.local.moto_patches.iam` is for."""

from __future__ import annotations

import inspect
import json

import pytest
from moto.dynamodb.responses import DynamoHandler
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.responses import S3Response
from moto.sqs.models import Message, Queue


def test_moto_ignores_the_conditions_of_identity_based_policies():
    never = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    statement = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": never}
    policy = IAMPolicy(json.dumps({"Statement": [statement]}))
    assert policy.is_action_permitted("iam:PassRole", "*") == PermissionResult.PERMITTED


@pytest.mark.parametrize(
    ("code", "lacks"),
    [
        (DynamoHandler, "_determine_resource"),  # which resource a call is about
        (S3Response.get_object, "listbucket"),  # tells who may not list that an object is missing
        (Queue.add_message, "kms"),  # a message keeps the key that its queue had
        (Message, "kms"),
    ],
)
def test_moto_neither_asks_for_nor_keeps_what_iam_goes_by(code, lacks):
    assert lacks not in inspect.getsource(code).lower()
