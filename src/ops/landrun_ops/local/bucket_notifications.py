"""What a bucket tells EventBridge can be read back: moto keeps it, and does not answer it."""

from __future__ import annotations

from typing import Any

from landrun_ops.local.patches import Patches


def adapt(patches: Patches) -> None:
    """Let GetBucketNotificationConfiguration answer with ``EventBridgeConfiguration``, too."""
    from moto.core.responses import ActionResult  # noqa: PLC0415  (late: for start-up)
    from moto.s3.responses import S3Response  # noqa: PLC0415

    answered = S3Response.get_bucket_notification

    def get_bucket_notification(self: Any) -> Any:
        known = self.backend.get_bucket_notification_configuration(self.bucket_name)
        alone = known and not (known.topic or known.queue or known.cloud_function)
        if not alone or known.event_bridge is None:
            return answered(self)
        self.data["Action"] = "GetBucketNotificationConfiguration"
        return self.serialized(ActionResult({"EventBridgeConfiguration": {}}))

    patches.set(S3Response, "get_bucket_notification", get_bucket_notification)
