"""The one account, region and stack of the laptop's AWS."""

from typing import Final

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
STACK: Final = "landrun"
HOST: Final = "127.0.0.1"
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  (only where --listen asks for it, with a warning)
