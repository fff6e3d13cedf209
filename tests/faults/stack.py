"""template.yaml in moto, in this process: what is deployed is what the faults are tried on.

The template is translated from SAM and resolved as tests/template does; of the resources, tables,
buckets, dead-letter queues and the topic are created in moto, the others are read for settings.
Physical names are those of events/, so that its payloads need no other names.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto import backend_index
from moto.backend_index import backend_url_patterns
from moto.core import models
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from template.conftest import deployed_with

ROOT = Path(__file__).resolve().parents[2]
REGION = "us-east-1"
ACCOUNT = "123456789012"
SERVICES = ("dynamodb", "logs", "s3", "sagemaker", "sns", "sqs", "stepfunctions")
PHYSICAL = {
    "LandingBucket": "landrun-landingbucket-1a2b3c4d5e6f",
    "OutputBucket": "landrun-outputbucket-6f5e4d3c2b1a",
    "LandingQueue": "landrun-LandingQueue-3nV7rB9sD1wK",
    "StatusQueue": "landrun-StatusQueue-5hJ8tC2yF6gM",
    "ProcessingStateMachine": "ProcessingStateMachine-8kQ2mZ4xT7pL",
}
_PLACEHOLDER = re.compile(r"<([A-Za-z]+)(?:\.([A-Za-z]+))?>")


@lru_cache
def events(name):
    """Read a payload of events/; it is shared, so copy before changing it."""
    payload: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text("utf-8"))
    return payload


@lru_cache
def client(service):
    """Give the process's raw client: no retries, no checksums, and no fault comes near it."""
    config = Config(
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    session = boto3.Session("testing", "testing", region_name=REGION)
    return session.client(service, config=config)  # type: ignore[call-overload]


def quicken(patches):
    """Spare moto what takes most of its time, again and again for the same."""
    first = sorted(backend_url_patterns, key=lambda pattern: pattern[0] not in SERVICES)
    patches.set(models, "RESPONSES_METHODS", ())
    patches.set(backend_index, "backend_url_patterns", first)
    patches.set(Table, "all_items", _in_order)
    patches.set(ConditionExpressionParser, "_lex_one_node", staticmethod(_lexed))


_compared = Table.all_items
_lexed = lru_cache(partial(ConditionExpressionParser._lex_one_node, ConditionExpressionParser))


def _in_order(table):
    """Give a table's items in the order of their keys, which moto compares in Python."""
    if table.range_key_attr:
        return _compared(table)
    items = (item for item in table.items.values() if item)
    return sorted(items, key=lambda item: item.hash_key.value)


@dataclass(frozen=True)
class QueueSettings:
    """What the template says of a queue and of the function behind it."""

    visibility: float
    max_receives: int
    batch_size: int


class DeployedStack:
    """The template's stack with physical names; `create` makes its resources in moto."""

    def __init__(self, **parameters):
        self.resolved = deployed_with(tuple(sorted(parameters.items())))

    def name(self, logical_id):
        return PHYSICAL.get(logical_id, f"landrun-{logical_id}")

    def ref(self, logical_id):
        kind = self.resolved.resources[logical_id]["Type"]
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.name(logical_id)}"
        arn = kind in ("AWS::StepFunctions::StateMachine", "AWS::SNS::Topic")
        return self.arn(logical_id) if arn else self.name(logical_id)

    def arn(self, logical_id):
        kind = self.resolved.resources[logical_id]["Type"]
        middle = {
            "AWS::S3::Bucket": "s3:::",
            "AWS::StepFunctions::StateMachine": f"states:{REGION}:{ACCOUNT}:stateMachine:",
            "AWS::SNS::Topic": f"sns:{REGION}:{ACCOUNT}:",
            "AWS::SQS::Queue": f"sqs:{REGION}:{ACCOUNT}:",
        }[kind]
        return f"arn:aws:{middle}{self.name(logical_id)}"

    def environment(self, function):
        def physical(match):
            return self.arn(match[1]) if match[2] == "Arn" else self.ref(match[1])

        variables = self.resolved.environment(function)
        return {name: _PLACEHOLDER.sub(physical, str(value)) for name, value in variables.items()}

    def queue(self, logical_id):
        queue = self.resolved.of_type("AWS::SQS::Queue")[logical_id]
        [mapping] = [
            mapping
            for mapping in self.resolved.of_type("AWS::Lambda::EventSourceMapping").values()
            if mapping["EventSourceArn"] == f"<{logical_id}.Arn>"
        ]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        return QueueSettings(
            visibility=float(queue["VisibilityTimeout"]),
            max_receives=int(queue["RedrivePolicy"]["maxReceiveCount"]),
            batch_size=int(mapping["BatchSize"]),
        )

    def dead_letter_url(self, logical_id):
        policy = self.resolved.of_type("AWS::SQS::Queue")[logical_id]["RedrivePolicy"]
        return self.ref(policy["deadLetterTargetArn"].strip("<>").removesuffix(".Arn"))

    def create(self):
        dynamodb, s3 = dynamodb_backends[ACCOUNT][REGION], s3_backends[ACCOUNT]["aws"]
        for logical_id, table in self.resolved.of_type("AWS::DynamoDB::Table").items():
            unset = ("throughput", "streams", "sse_specification", "tags", "warm_throughput")
            dynamodb.create_table(
                self.name(logical_id),
                schema=table["KeySchema"],
                attr=table["AttributeDefinitions"],
                global_indexes=table.get("GlobalSecondaryIndexes", []),
                indexes=table.get("LocalSecondaryIndexes", []),
                billing_mode=table["BillingMode"],
                deletion_protection_enabled=False,
                **dict.fromkeys(unset),
            )
        for logical_id, bucket in self.resolved.of_type("AWS::S3::Bucket").items():
            created = s3.create_bucket(self.name(logical_id), REGION)
            created.versioning_status = bucket["VersioningConfiguration"]["Status"]
        for logical_id in self.resolved.of_type("AWS::SQS::Queue"):
            sqs_backends[ACCOUNT][REGION].create_queue(self.name(logical_id))
        for logical_id in self.resolved.of_type("AWS::SNS::Topic"):
            sns_backends[ACCOUNT][REGION].create_topic(self.name(logical_id))
