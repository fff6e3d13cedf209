"""The adapters of moto's services but Step Functions, for as long as the laptop's AWS is up."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from landrun_ops.local import (
    atomic_writes,
    bucket_notifications,
    message_moves,
    policy_simulation,
    queue_races,
    queue_urls,
    s3_events,
    version_listing,
)
from landrun_ops.local.patches import Patches


@contextlib.contextmanager
def adapted(endpoint_url: str) -> Iterator[None]:
    """Adapt moto for the block."""
    patches = Patches()
    queue_urls.adapt(patches, endpoint_url)
    for adapter in (
        *(s3_events, bucket_notifications, queue_races, message_moves),
        *(atomic_writes, policy_simulation, version_listing),
    ):
        adapter.adapt(patches)
    try:
        yield
    finally:
        patches.undo()
