from __future__ import annotations

import pytest


@pytest.fixture
def settings():
    return {
        "name": "bsm-batch-preprocessing",
        "role": "arn:aws:iam::123456789012:role/steps",
        "processing_role": "arn:aws:iam::123456789012:role/job",
        "image_uri": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/messages:1",
        "entrypoint": ["python3", "/opt/program/my_script.py"],
    }
