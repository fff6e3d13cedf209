"""moto's S3, and the events of queues."""

import json

import pytest
from moto import mock_aws

from faults.stack import client


@pytest.fixture
def s3():
    """The client of an S3 with one empty bucket, ``outputs``."""
    with mock_aws():
        client("s3").create_bucket(Bucket="outputs")
        yield client("s3")


@pytest.fixture
def messages(load_event):
    """``messages("object-created")`` are EventBridge's events in that batch of a queue."""
    return lambda name: [json.loads(one["body"]) for one in load_event(name)["Records"]]
