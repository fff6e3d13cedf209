"""template.yaml in moto, in this process: what is deployed is what the faults are tried on.

The template is translated from SAM and resolved as tests/template does; of the resources, tables,
buckets, dead-letter queues and the topic are created in moto, the others are read for settings.
Physical names are those of events/, so that its payloads need no other names.
"""

import json
from functools import lru_cache
from pathlib import Path

import boto3
from botocore.config import Config
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from template.physical import ACCOUNT, REGION, name_of, physical
from template.resolved import deploy

ROOT = Path(__file__).resolve().parents[2]
TABLE = (
    *("KeySchema", "AttributeDefinitions", "BillingMode"),
    *("GlobalSecondaryIndexes", "LocalSecondaryIndexes"),
)
"""The properties of a table that moto gets."""


@lru_cache
def events(name):
    """Read a payload of events/; it is shared, so copy before changing it."""
    return json.loads((ROOT / "events" / f"{name}.json").read_text("utf-8"))


def message(name):
    """Read what the first record of a payload holds."""
    return json.loads(events(name)["Records"][0]["body"])


@lru_cache
def client(service):
    """Give the process's raw client: no retries, no checksums, and no fault comes near it."""
    config = Config(
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    session = boto3.Session("testing", "testing", region_name=REGION)
    return session.client(service, config=config)


@lru_cache
def _deployed(parameters):
    return deploy(dict(parameters), physical)


class DeployedStack:
    """The template's stack with physical names; `create` makes its resources in moto."""

    name = staticmethod(name_of)

    def __init__(self, **parameters):
        self.resolved = _deployed(tuple(sorted(parameters.items())))
        self.environment = self.resolved.environment

    def arn(self, logical_id):
        return self.resolved.named(f"{logical_id}.Arn")

    def queue(self, logical_id):
        """Give the properties of a queue and of the mapping that hands its messages over."""
        [mapping] = [
            mapping
            for mapping in self.resolved.of_type("AWS::Lambda::EventSourceMapping").values()
            if mapping["EventSourceArn"] == self.arn(logical_id)
        ]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        return self.resolved.of_type("AWS::SQS::Queue")[logical_id], mapping

    def create(self, dynamodb):
        for logical_id, table in self.resolved.of_type("AWS::DynamoDB::Table").items():
            given = {name: table[name] for name in TABLE if name in table}
            dynamodb.create_table(TableName=self.name(logical_id), **given)
        for logical_id, bucket in self.resolved.of_type("AWS::S3::Bucket").items():
            created = s3_backends[ACCOUNT]["aws"].create_bucket(self.name(logical_id), REGION)
            created.versioning_status = bucket["VersioningConfiguration"]["Status"]
        for logical_id in self.resolved.of_type("AWS::SQS::Queue"):
            sqs_backends[ACCOUNT][REGION].create_queue(self.name(logical_id))
        for logical_id in self.resolved.of_type("AWS::SNS::Topic"):
            sns_backends[ACCOUNT][REGION].create_topic(self.name(logical_id))
