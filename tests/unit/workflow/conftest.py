from __future__ import annotations

import gc

import boto3
import pytest
from moto import mock_aws


@pytest.fixture(scope="session", autouse=True)
def _sdk_in_memory():
    """Import the SDK, and keep it out of garbage collections."""
    from landrun_ops.workflow import sdk  # noqa: F401, PLC0415

    gc.freeze()


@pytest.fixture
def settings():
    return {
        "name": "bsm-batch-preprocessing",
        "role": "arn:aws:iam::123456789012:role/steps",
        "processing_role": "arn:aws:iam::123456789012:role/job",
        "image_uri": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/messages:1",
        "entrypoint": ["python3", "/opt/program/my_script.py"],
    }


@pytest.fixture
def aws(monkeypatch):
    """moto in this process: the APIs, without running anything."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield


@pytest.fixture
def steps(aws):
    return boto3.client("stepfunctions")
