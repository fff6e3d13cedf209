"""A terminal on the laptop's AWS."""

import pytest

from local.commands import environment


@pytest.fixture
def env(aws):
    """What somebody has who typed eval "$(landrun local env)"."""
    return environment(aws)
