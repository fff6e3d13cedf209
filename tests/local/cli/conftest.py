"""A terminal on the laptop's AWS."""

from __future__ import annotations

import pytest

from landrun_ops.local import LocalAws
from local.commands import environment


@pytest.fixture
def env(aws: LocalAws) -> dict[str, str]:
    """What somebody has who typed eval "$(landrun local env)"."""
    return environment(aws)
