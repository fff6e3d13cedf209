"""The adapters of moto's services but Step Functions, for as long as the laptop's AWS is up."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from landrun_ops.local.patches import Patches


@contextlib.contextmanager
def adapted(endpoint_url: str) -> Iterator[None]:
    """Adapt moto for the block."""
    # Late: with them comes moto, which takes seconds.
    from landrun_ops.local.moto_patches import (  # noqa: PLC0415
        dynamodb,
        iam,
        patch_requests,
        s3,
        sqs,
    )

    with Patches() as patches:
        patch_requests(patches)
        sqs.patch(patches, endpoint_url)
        s3.patch(patches)
        dynamodb.patch(patches)
        iam.patch_simulator(patches)
        yield
