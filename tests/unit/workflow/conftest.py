from __future__ import annotations

import boto3
import pytest
from moto import mock_aws


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
def steps(monkeypatch):
    """Step Functions' API, which runs nothing."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield boto3.client("stepfunctions")
