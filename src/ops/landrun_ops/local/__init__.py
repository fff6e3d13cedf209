"""AWS on a laptop: moto, the stack of template.yaml in it, and the few things that moto lacks.

>>> from landrun_ops.local import LocalAws
>>> with LocalAws.up(Path(".")) as aws:
...     aws.client("s3").put_object(Bucket=aws.outputs["LandingBucket"], Key="incoming/a.csv", …)

Other processes find it by :func:`read_environment`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landrun_ops.local.errors import LocalAwsError
from landrun_ops.local.state import default_state_dir, read_environment

if TYPE_CHECKING:
    from landrun_ops.local.aws import LocalAws

__all__ = ["LocalAws", "LocalAwsError", "default_state_dir", "read_environment"]


def __getattr__(name: str) -> Any:
    """Import `LocalAws` when it is first used: moto takes long to import, and is an extra."""
    if name != "LocalAws":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from landrun_ops.local.aws import LocalAws  # noqa: PLC0415

    return LocalAws
