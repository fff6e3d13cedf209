"""moto in this process, as it comes and with our patches."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws

from landrun_ops.local.moto_patches import dynamodb, iam, logs, s3, sqs
from landrun_ops.local.patches import Patches
from landrun_ops.local.settings import ACCOUNT, REGION

ENDPOINT = "http://127.0.0.1:4566"


@pytest.fixture(params=[False, True], ids=["moto", "patched"])
def patched(request, monkeypatch):
    """Whether moto is patched: with both, a test says what a patch is for, and that it works.

    Where a test fails for moto as it comes, moto has grown it: the patch can go.
    """
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws(), Patches() as patches:
        if request.param:
            sqs.patch(patches, ENDPOINT)
            iam.patch_simulator(patches)
            for service in (dynamodb, logs, s3):
                service.patch(patches)
        yield request.param


@pytest.fixture
def received():
    """``received("aws.s3")``: listens to a source of events; the call of what it gives, them."""

    def listen(source, target="queue"):
        events, client = boto3.client("events"), boto3.client("sqs")
        url = client.create_queue(QueueName=target)["QueueUrl"]
        events.put_rule(Name=target, EventPattern=json.dumps({"source": [source]}))
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{target}"
        events.put_targets(Rule=target, Targets=[{"Id": "q", "Arn": arn}])

        def take():
            found = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            return [json.loads(message["Body"]) for message in found.get("Messages", [])]

        return take

    return listen
