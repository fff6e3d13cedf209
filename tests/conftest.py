"""What every tier shares: the payloads of events/, read in one place."""

import gc
import json
from functools import lru_cache
from pathlib import Path

import botocore.session
import pytest
from botocore.loaders import create_loader
from hypothesis import settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("landrun", deadline=None)
settings.load_profile("landrun")

# Asserts in the modules that tests are made of say what they compare, as those in tests do.
pytest.register_assert_rewrite("laptop_stack", "default_job")

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Spare the garbage collector what stays: moto and botocore, again and again otherwise."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items):
    """Let each half of the list, from which one of two processes runs, begin with slow tests.

    So the quick ones fill the end, when one process has nothing left to take from the other.
    """
    local, commands = ROOT / "tests/local", ROOT / "tests/local/cli"
    slow = [one for one in items if one.path.parent == local]
    also = [one for one in items if one.path.parent == commands]
    quick = [one for one in items if one.path.parent not in (local, commands)]
    middle = max(0, len(items) // 2 - len(also))
    items[:] = [*also, *quick[:middle], *slow, *quick[middle:]]


@pytest.fixture(scope="session", autouse=True)
def _aws_models_in_memory():
    """Read each of AWS's models once: each boto3 session has a loader of its own otherwise."""
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(botocore.session, "create_loader", lru_cache(create_loader))
        yield


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def load_event():
    """``load_event("object-created")`` is ``events/object-created.json``, parsed anew each time."""

    def load(name):
        return json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))

    return load
