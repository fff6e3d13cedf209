"""S3's Object Created events in the shape that S3 gives them.

moto's say ``eTag``, ``ObjectCreated:Put`` and, worst, always the same sequencer: in a bucket
without versions every overwrite would look like a second delivery of the first.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from __future__ import annotations

import logging
import time
import uuid
from typing import Any, Final

from landrun_ops.local.patches import Patches

REASONS: Final = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}


def adapt(patches: Patches) -> None:
    """Send S3's own events for created objects; the other kinds stay moto's."""
    from moto.events.models import events_backends  # noqa: PLC0415  (late: for start-up)
    from moto.s3 import notifications  # noqa: PLC0415

    others = notifications._send_event_bridge_message

    def send(account_id: str, bucket: Any, event_name: Any, key: Any) -> None:
        reason = REASONS.get(getattr(event_name, "value", event_name))
        if reason is None:
            others(account_id, bucket, event_name, key)
            return
        event = created(account_id, bucket, key, reason)
        buses = events_backends[account_id][bucket.region_name].event_buses
        for rule in [rule for bus in list(buses.values()) for rule in list(bus.rules.values())]:
            try:
                rule.send_to_targets(event, transform_input=False)
            except Exception:
                # A put must not fail for a target that does.
                logging.getLogger(__name__).exception("%s: event not delivered", rule.name)

    patches.set(notifications, "_send_event_bridge_message", send)


def sequencer(nanoseconds: int) -> str:
    """Spell a moment as S3's sequencers look: 00, seconds since 1970, and more, in hexadecimal.

    That they do is not documented; those that AWS shows do, as ``0055AED6DCD90281E5``.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html

    >>> sequencer(1_795_335_330_500_000_000)
    '006B02A4A280000000'
    """
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"00{seconds:08X}{(rest << 32) // 10**9:08X}"


def created(account_id: str, bucket: Any, key: Any, reason: str) -> dict[str, Any]:
    """Describe the new object ``key``; the time is in seconds, moto's targets write it out."""
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
