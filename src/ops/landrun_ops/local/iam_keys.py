"""What a call needs of the customer's keys that encrypt what it is about.

An object and a message stay under the key of the moment when they were written, whatever the bucket
or the queue has now.

AWS's own keys need no permission of their own. Sources, by service: the developer guides of SNS
("Managing Amazon SNS encryption keys and costs"), SQS ("Key management"), S3 ("Protecting data
with AWS KMS keys") and DynamoDB ("Encryption at rest usage notes": what it asks of a principal
that uses a customer managed key, creating grants aside, which is for who creates the table).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from landrun_ops.local.patches import Patches
from landrun_ops.local.settings import ACCOUNT, REGION

_WRITE_AND_READ = ("kms:GenerateDataKey", "kms:Decrypt")
_TABLE = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey")

KEY_HEADER: Final = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"

_OF_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "sns:Publish": _WRITE_AND_READ,
    "sqs:SendMessage": _WRITE_AND_READ,
    "sqs:ReceiveMessage": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "s3:GetObject": ("kms:Decrypt",),
}


def of_keys(action: str, resource: str, headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give the actions on keys that a call needs as well, each with the key's ARN.

    Parameters
    ----------
    action, resource
        The call, such as ``sns:Publish``, and the ARN of what it is about.
    headers
        Of the request: with PutObject one may name the key of the object.
    """
    service = action.partition(":")[0]
    needed = _TABLE if service == "dynamodb" else _OF_ACTIONS.get(action, ())
    if not needed:
        return
    for key in _keys(action, resource, headers):
        if key and ":key/" in key and not _is_awss_own(key):
            for one in needed:
                yield one, key


def _keys(action: str, resource: str, headers: Mapping[str, str]) -> set[str | None]:
    if action == "s3:GetObject":
        return {_of_object(resource)}
    if action == "s3:PutObject" and headers.get(KEY_HEADER):
        return {headers[KEY_HEADER]}
    if action == "sqs:ReceiveMessage":
        return _of_messages(resource)
    return {_KEYS[action.partition(":")[0]](resource)}


def _is_awss_own(arn: str) -> bool:
    from moto.kms.models import kms_backends  # noqa: PLC0415  (late, as all of moto)

    key = kms_backends[ACCOUNT][REGION].keys.get(arn.rpartition("/")[2])
    return any(name.startswith("alias/aws/") for name in (key.aliases if key else ()))


def _of_topic(arn: str) -> str | None:
    from moto.sns.models import sns_backends  # noqa: PLC0415

    topic = sns_backends[ACCOUNT][REGION].topics.get(arn)
    return topic.kms_master_key_id if topic else None


def _of_queue(arn: str) -> str | None:
    from moto.sqs.models import sqs_backends  # noqa: PLC0415

    queue = sqs_backends[ACCOUNT][REGION].queues.get(arn.rpartition(":")[2])
    return getattr(queue, "kms_master_key_id", None)


def _of_messages(arn: str) -> set[str | None]:
    """Give the keys of all messages that a receiver may be handed."""
    from moto.sqs.models import sqs_backends  # noqa: PLC0415

    queue = sqs_backends[ACCOUNT][REGION].queues.get(arn.rpartition(":")[2])
    messages = list(queue._messages) if queue else []
    return {getattr(one, "landrun_key", None) for one in messages}


def _of_object(arn: str) -> str | None:
    from moto.s3.models import s3_backends  # noqa: PLC0415

    name, _, key = arn.partition(":::")[2].partition("/")
    bucket = s3_backends[ACCOUNT]["aws"].buckets.get(name)
    found = bucket.keys.get(key) if bucket else None
    return getattr(found, "kms_key_id", None)


def adapt(patches: Patches) -> None:
    """Let messages remember the key that their queue had when they were sent."""
    from moto.sqs.models import Queue  # noqa: PLC0415

    add = Queue.add_message

    def add_message(self: Any, message: Any) -> None:
        message.landrun_key = getattr(self, "kms_master_key_id", None)
        add(self, message)

    patches.set(Queue, "add_message", add_message)


def _of_bucket(arn: str) -> str | None:
    from moto.s3.models import s3_backends  # noqa: PLC0415

    name = arn.partition(":::")[2].partition("/")[0]
    bucket = s3_backends[ACCOUNT]["aws"].buckets.get(name)
    rules: Any = ((bucket.encryption if bucket else None) or {}).get("Rule") or {}
    rule = rules[0] if isinstance(rules, list) else rules
    key: str | None = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    return key


def _of_table(arn: str) -> str | None:
    from moto.dynamodb.models import dynamodb_backends  # noqa: PLC0415

    table = dynamodb_backends[ACCOUNT][REGION].tables.get(arn.split("/")[1] if "/" in arn else "")
    specification = (table.sse_specification if table else None) or {}
    return specification.get("KMSMasterKeyId")


_KEYS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "sns": _of_topic,
    "sqs": _of_queue,
    "s3": _of_bucket,
    "dynamodb": _of_table,
}
