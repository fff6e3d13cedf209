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
    "responses",
    [DynamoHandler, LogsResponse, SageMakerResponse, SNSResponse, StepFunctionResponse],
)
def test_moto_does_not_know_which_resource_a_call_is_about(responses: type) -> None:
    assert "_determine_resource" in inspect.getsource(BaseResponse.call_action)
    assert not hasattr(responses, "_determine_resource")


def test_moto_ignores_the_conditions_of_identity_based_policies() -> None:
    never = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    statement = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": never}
    policy = IAMPolicy(json.dumps({"Statement": [statement]}))
    assert policy.is_action_permitted("iam:PassRole", "*") == PermissionResult.PERMITTED


def test_moto_tells_who_may_not_list_that_an_object_is_missing() -> None:
    assert "ListBucket" not in inspect.getsource(S3Response.get_object)


def test_motos_cloudformation_leaves_managed_policies_off_roles() -> None:
    made = inspect.getsource(Role.create_from_cloudformation_json)
    assert "ManagedPolicyArns" not in made


def test_motos_messages_do_not_remember_the_key_of_their_queue() -> None:
    assert "kms" not in inspect.getsource(Queue.add_message).lower()
    assert "kms" not in inspect.getsource(Message).lower()
