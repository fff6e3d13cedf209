"""The clients by which moto's state machines call other services, signed with the laptop's key.

moto's engine signs with a key that it makes up, which the laptop's AWS refuses as anybody else's.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import boto3
from moto.stepfunctions.parser.asl.utils import boto_client

from landrun_ops.local.access import AccessKey
from landrun_ops.local.patches import Patches


def adapt(patches: Patches, key: AccessKey) -> None:
    """Let task states of other services than SageMaker and SQS sign with ``key``."""

    def client(**how: Any) -> Any:
        signed = {"aws_access_key_id": key.id, "aws_secret_access_key": key.secret}
        return boto3.client(**{**how, **signed})

    patches.set(boto_client, "boto3", SimpleNamespace(client=client))
