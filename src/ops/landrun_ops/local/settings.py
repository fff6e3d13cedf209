"""The one account, region and stack of the laptop's AWS."""

from __future__ import annotations

from typing import Final

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
STACK: Final = "landrun"
ACCESS_KEY: Final = "landrun-local"
SECRET_KEY: Final = "landrun-local"  # noqa: S105  (any will do, none is checked)
HOST: Final = "127.0.0.1"
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  (only where --listen asks for it, with a warning)


def credentials(endpoint_url: str) -> dict[str, str]:
    """Return the environment by which any AWS SDK or CLI finds the laptop's AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
    }
