"""What a request to moto needs to be allowed: actions on resources, by AWS's own names.

Actions, resource types and condition keys are those of the Service Authorization Reference; what a
call needs of the customer managed key that encrypts what it is about is in the developer guides of
SNS ("Managing Amazon SNS encryption keys and costs"), SQS ("Key management"), S3 ("Protecting data
with AWS KMS keys") and DynamoDB ("Encryption at rest usage notes").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from moto.dynamodb.models import dynamodb_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from landrun_ops.local.moto_patches.task_tokens import TOKENS
from landrun_ops.local.policies import Context
from landrun_ops.local.settings import ACCOUNT, REGION

_TRANSACTED: Final = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Get": "dynamodb:GetItem",
}
_OF_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "s3:GetObject": ("kms:Decrypt",),
    "dynamodb": ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"),
}
KEY_HEADER: Final = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"


@dataclass(frozen=True)
class Need:
    """One action on one resource that a role must allow, with what its conditions may ask."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)


def needs(response: Any, action: str, resource: str) -> Iterator[Need]:
    """Yield what a request needs, in the order in which AWS would refuse it.

    Parameters
    ----------
    response
        moto's response object of the request.
    action
        Such as ``dynamodb:PutItem``, as moto names it.
    resource
        What moto says that it is about; right for S3 and SQS.
    """
    for need in _calls(response, action, resource):
        yield need
        uses = _OF_KEYS.get(need.action) or _OF_KEYS.get(need.action.partition(":")[0], ())
        for key in _keys(need, response) if uses else ():
            if key and ":key/" in key and not _is_aws_managed(key):
                yield from (Need(use, key) for use in uses)
    if action == "s3:GetObject":  # S3 says 404 only to those who may list, and 403 to others
        bucket, key = _bucket(resource)
        if bucket is not None and key not in bucket.keys:
            yield Need("s3:ListBucket", f"arn:aws:s3:::{bucket.name}")


def _calls(response: Any, action: str, resource: str) -> Iterator[Need]:
    """Yield the actions that a request comes to: a transaction needs what its parts need."""
    service = action.partition(":")[0]
    if service in ("s3", "sqs"):
        yield Need(action, resource)
        return
    given = _parameters(response)
    for item in given.get("TransactItems", ()):
        for part, parameters in item.items():
            yield from (Need(_TRANSACTED[part], table) for table in _tables(parameters))
    if "TransactItems" not in given:
        yield from (Need(action, one) for one in _resources(service, given))


def _parameters(response: Any) -> Mapping[str, Any]:
    """Read a request's parameters, of the JSON protocols or of the query protocol."""
    body = response.body
    if isinstance(body, Mapping):  # DynamoDB's has been read already
        return body
    if body and body[:1] in ("{", b"{"):
        return dict(json.loads(body))
    return {name: values[0] for name, values in response.querystring.items()}


def _resources(service: str, given: Mapping[str, Any]) -> Iterable[str]:
    arn = f"arn:aws:{service}:{REGION}:{ACCOUNT}"
    resource: str | None = None
    match service:
        case "dynamodb":
            return _tables(given)
        case "states" if given.get("taskToken") in TOKENS:
            resource = TOKENS[given["taskToken"]].machine
        case "states":
            resource = given.get("executionArn") or given.get("stateMachineArn")
        case "logs":
            stream = given.get("logStreamName", "")
            resource = f"{arn}:log-group:{given.get('logGroupName', '*')}:log-stream:{stream}"
        case "sns":
            resource = given.get("TopicArn")
        case "sagemaker" if "ProcessingJobName" in given:
            resource = f"{arn}:processing-job/{given['ProcessingJobName'].lower()}"
    return [resource or "*"]


def _tables(given: Mapping[str, Any]) -> list[str]:
    index = f"/index/{given['IndexName']}" if given.get("IndexName") else ""
    tables = given.get("RequestItems") or [given.get("TableName", "*")]
    return [f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}{index}" for table in tables]


def _keys(need: Need, response: Any) -> set[str | None]:
    """Give the keys of what a call is about; an object and a message keep that of their moment."""
    service, _, call = need.action.partition(":")
    name = need.resource.rpartition(":")[2]
    match service, call:
        case "s3", "GetObject":
            bucket, key = _bucket(need.resource)
            return {getattr(bucket.keys.get(key), "kms_key_id", None) if bucket else None}
        case "s3", _:
            return {response.headers.get(KEY_HEADER) or _bucket_key(_bucket(need.resource)[0])}
        case "sqs", "ReceiveMessage":
            queue = sqs_backends[ACCOUNT][REGION].queues.get(name)
            return {message.kms_key for message in list(queue._messages)} if queue else set()
        case "sqs", _:
            queue = sqs_backends[ACCOUNT][REGION].queues.get(name)
            return {getattr(queue, "kms_master_key_id", None)}
        case "sns", _:
            topic = sns_backends[ACCOUNT][REGION].topics.get(need.resource)
            return {topic.kms_master_key_id if topic else None}
    table = dynamodb_backends[ACCOUNT][REGION].tables.get(name.split("/")[1])
    return {((table.sse_specification if table else None) or {}).get("KMSMasterKeyId")}


def _bucket(arn: str) -> tuple[Any, str]:
    name, _, key = arn.partition(":::")[2].partition("/")
    return s3_backends[ACCOUNT]["aws"].buckets.get(name), key


def _bucket_key(bucket: Any) -> str | None:
    rules: Any = ((bucket.encryption if bucket else None) or {}).get("Rule") or {}
    rule = rules[0] if isinstance(rules, list) else rules
    key: str | None = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    return key


def _is_aws_managed(arn: str) -> bool:
    key = kms_backends[ACCOUNT][REGION].keys.get(arn.rpartition("/")[2])
    return any(name.startswith("alias/aws/") for name in (key.aliases if key else ()))
