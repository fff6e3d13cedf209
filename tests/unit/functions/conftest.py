"""moto's AWS, and the events and landings that the tests begin with."""

from __future__ import annotations

import json
from functools import lru_cache

import boto3
import pytest
from moto import mock_aws
from moto.core.base_backend import BackendDict

from landrun.models.events import parse_object_created
from template.conftest import deployed_with


@pytest.fixture(scope="session")
def client():
    """``client("s3")`` is boto3's client, made once, for making it takes longer than a test."""
    return lru_cache(boto3.Session("testing", "testing", region_name="us-east-1").client)


@pytest.fixture(scope="module")
def _moto():
    with mock_aws():
        yield


@pytest.fixture
def aws(client, _moto):
    """``aws("s3")`` is the client of an S3 that is empty at the beginning of each test."""
    BackendDict.reset()
    return client


@pytest.fixture
def s3(aws):
    """The client of an S3 with one bucket, ``outputs``."""
    aws("s3").create_bucket(Bucket="outputs")
    return aws("s3")


@pytest.fixture
def create_table(aws):
    """``create_table("RunsTable")`` creates the template's table, and returns that name of it."""

    def create(name):
        described = deployed_with(()).of_type("AWS::DynamoDB::Table")[name]
        parts = ("KeySchema", "AttributeDefinitions", "BillingMode")
        parts += ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        given = {part: described[part] for part in parts if part in described}
        aws("dynamodb").create_table(TableName=name, **given)
        return name

    return create


@pytest.fixture
def messages(load_event):
    """``messages("object-created")`` are EventBridge's events in that batch of a queue."""
    return lambda name: [json.loads(one["body"]) for one in load_event(name)["Records"]]


@pytest.fixture
def landed(messages):
    """``landed("a.jsonl", sequencer="0A")`` is the landing of S3's event, so changed.

    Another sequencer makes it another version, unless the version is given as well.
    """

    def landing(key, **changes):
        [event] = messages("object-created")
        version = {"version-id": f"v-{changes['sequencer']}"} if changes.get("sequencer") else {}
        event["detail"]["object"] |= {"key": key, **version, **changes}
        return parse_object_created(json.dumps(event))

    return landing
