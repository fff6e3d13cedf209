"""What the tests of commands share: a stack's outputs, and moto's AWS."""

from datetime import UTC, datetime
from functools import lru_cache

import boto3
import pytest
from moto import mock_aws

OUTPUTS = {
    "LandingBucket": "landing",
    "LandingPrefix": "incoming/",
    "OutputBucket": "output",
    "OutputPrefix": "processed/",
    "ManifestPrefix": "manifests/",
    "RunsTable": "runs",
    "LandingsTable": "landings",
    "JobNamePrefix": "landrun",
    "StartOn": "arrival",
}
"""The outputs of a stack."""

EXECUTION = {
    "executionArn": "arn:aws:states:eu-central-1:123456789012:execution:m:r-1",
    "stateMachineArn": "arn:aws:states:eu-central-1:123456789012:stateMachine:m",
    "name": "r-1",
    "status": "RUNNING",
    "startDate": datetime(2026, 11, 22, 3, tzinfo=UTC),
}
"""DescribeExecution's answer for an execution that runs."""


@lru_cache
def _client(service, *_):
    return boto3.client(service, region_name="us-east-1")


@pytest.fixture
def aws():
    """``aws("s3")`` is a client of an empty account."""
    with mock_aws():
        yield _client
