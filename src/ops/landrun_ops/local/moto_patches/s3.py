"""Patches of moto's S3: its events, its listing of versions, and writes that have a condition."""

import logging
import threading
import time
import uuid
from typing import Any, Final
from urllib.parse import quote

from moto.core.responses import ActionResult
from moto.events.models import events_backends
from moto.s3 import notifications
from moto.s3.models import s3_backends
from moto.s3.responses import S3Response

from landrun_ops.local.patches import Patches
from landrun_ops.local.settings import ACCOUNT

_REASONS: Final = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}
_log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()


def patch(patches: Patches) -> None:
    """Patch events, bucket notifications, lists of versions and conditional writes."""
    patches.wrap(S3Response, "put_object", _put_object)
    patches.wrap(S3Response, "list_object_versions", _list_object_versions)
    patches.wrap(S3Response, "get_bucket_notification", _get_bucket_notification)
    patches.wrap(notifications, "_send_event_bridge_message", _send)


def put(bucket: str, key: str, body: bytes, key_arn: str) -> None:
    """Put an object, encrypted under a KMS key if there is one, without the cost of a request.

    Raises moto's S3ClientError, such as NoSuchBucket.
    """
    encryption = {"encryption": "aws:kms", "kms_key_id": key_arn} if key_arn else {}
    s3_backends[ACCOUNT]["aws"].put_object(bucket, key, body, **encryption)


def _put_object(write: Any, self: Any) -> Any:
    """Let conditional writes come one after the other: moto checks the condition, then writes."""
    if not (self.headers.get("If-None-Match") or self.headers.get("If-Match")):
        return write(self)
    with _one_at_a_time:
        return write(self)


def _list_object_versions(listed: Any, self: Any) -> Any:
    """URL-encode keys if asked to: otherwise moto fails over a control character in a key."""
    if self.querystring.get("encoding-type", [None])[0] == "url":
        serialized = self.serialized
        self.serialized = lambda answer: serialized(_encoded(answer))
    return listed(self)


def _encoded(answer: Any) -> Any:
    result = answer.result
    if isinstance(result, dict):  # no error
        result["EncodingType"] = "url"
        prefixes = result.get("CommonPrefixes", ())
        for entry in (result, *prefixes, *result["Versions"], *result["DeleteMarkers"]):
            for name in ("Key", "Prefix", "KeyMarker", "NextKeyMarker", "Delimiter"):
                if entry.get(name):
                    entry[name] = quote(entry[name])
    return answer


def _get_bucket_notification(answered: Any, self: Any) -> Any:
    """Answer with EventBridgeConfiguration, which moto keeps, but leaves out of its answer."""
    known = self.backend.get_bucket_notification_configuration(self.bucket_name)
    alone = known and not (known.topic or known.queue or known.cloud_function)
    if not alone or known.event_bridge is None:
        return answered(self)
    self.data["Action"] = "GetBucketNotificationConfiguration"
    return self.serialized(ActionResult({"EventBridgeConfiguration": {}}))


def _send(other: Any, account_id: str, bucket: Any, event_name: Any, key: Any) -> None:
    reason = _REASONS.get(getattr(event_name, "value", event_name))
    if reason is None:
        other(account_id, bucket, event_name, key)
        return
    event = _object_created(account_id, bucket, key, reason)
    buses = events_backends[account_id][bucket.region_name].event_buses
    for rule in [rule for bus in list(buses.values()) for rule in list(bus.rules.values())]:
        try:
            rule.send_to_targets(event, transform_input=False)
        except Exception:  # a put must not fail for a target that does
            _log.exception("%s: event not delivered", rule.name)


def sequencer(nanoseconds: int) -> str:
    """Write a moment as S3's sequencers look: 00, seconds since 1970, and more, in hexadecimal.

    moto's events all have the same one, so that every overwrite looks like a second delivery.

    >>> sequencer(1_795_335_330_500_000_000)
    '006B02A4A280000000'
    """
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"00{seconds:08X}{(rest << 32) // 10**9:08X}"


def _object_created(account_id: str, bucket: Any, key: Any, reason: str) -> dict[str, Any]:
    """Describe a new object in S3's own shape, where moto says ``eTag`` and ``ObjectCreated:Put``.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    described = {
        "key": key.name,
        "size": key.size,
        "etag": key.etag.replace('"', ""),
        "sequencer": sequencer(time.time_ns()),
    }
    if bucket.is_versioned:
        described["version-id"] = str(key.version_id)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": account_id,
        "time": time.time(),
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": described,
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": account_id,
            "source-ip-address": "127.0.0.1",
            "reason": reason,
        },
    }
