"""The stack of template.yaml, resolved for the parameters that a test gives."""

from functools import lru_cache

import pytest

from landrun_ops.local.template import read

from .resolved import deploy


@pytest.fixture(scope="session")
def source(root):
    return read(root / "template.yaml")


@pytest.fixture(scope="session")
def deployed():
    """``deployed(ScheduledInput="in/")`` is the stack as CloudFormation would resolve it."""
    return lru_cache(lambda **parameters: deploy(parameters))


@pytest.fixture(scope="session")
def stack(deployed):
    return deployed()
