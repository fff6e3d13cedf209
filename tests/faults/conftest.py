"""Fixtures of the fault suite, and the marker by which a test claims one of `cases.CASES`."""

from contextlib import ExitStack, contextmanager

import pytest

from .faulty import Fault
from .world import World


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "case(number, ...): the cases of tests/faults/cases.py that a test covers"
    )


def pytest_make_parametrize_id(val):
    return val.name if isinstance(val, Fault) else None


@contextmanager
def coming_to_rest(world):
    with world:
        yield world
        assert world.settle() == []


@pytest.fixture
def new_world():
    """``new_world("schedule", MaxObjectsPerRun="2")`` opens the one World of a test.

    When the test is over, the World must come to rest with nothing wrong.
    """
    with ExitStack() as opened:
        yield lambda *given, **more: opened.enter_context(coming_to_rest(World(*given, **more)))


@pytest.fixture
def world(new_world):
    return new_world()


@pytest.fixture
def collecting(new_world):
    return new_world("schedule")


@pytest.fixture(params=["arrival", "schedule"])
def any_world(request, new_world):
    return new_world(request.param)
