"""Fails when moto has grown what `landrun_ops.local.moto_patches.iam` is for."""

from __future__ import annotations

import inspect
import json

import pytest
from moto.core.responses import BaseResponse
from moto.dynamodb.responses import DynamoHandler
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.models import Role
from moto.logs.responses import LogsResponse
from moto.s3.responses import S3Response
from moto.sagemaker.responses import SageMakerResponse
from moto.sns.responses import SNSResponse
from moto.sqs.models import Message, Queue
from moto.stepfunctions.responses import StepFunctionResponse


@pytest.mark.parametrize(
    "responses", [DynamoHandler, LogsResponse, SageMakerResponse, SNSResponse, StepFunctionResponse]
)
def test_moto_does_not_know_which_resource_a_call_is_about(responses):
    assert "_determine_resource" in inspect.getsource(BaseResponse.call_action)
    assert not hasattr(responses, "_determine_resource")


def test_moto_ignores_the_conditions_of_identity_based_policies():
    never = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    statement = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": never}
    policy = IAMPolicy(json.dumps({"Statement": [statement]}))
    assert policy.is_action_permitted("iam:PassRole", "*") == PermissionResult.PERMITTED


@pytest.mark.parametrize(
    ("code", "lacks"),
    [
        (S3Response.get_object, "listbucket"),  # tells who may not list that an object is missing
        (Role.create_from_cloudformation_json, "managedpolicyarns"),
        (Queue.add_message, "kms"),  # a message keeps the key that its queue had
        (Message, "kms"),
    ],
)
def test_moto_neither_asks_for_nor_keeps_what_iam_goes_by(code, lacks):
    assert lacks not in inspect.getsource(code).lower()
