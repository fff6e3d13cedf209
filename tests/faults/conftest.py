"""Fixtures of the fault suite, and the marker by which a test claims one of `cases.CASES`."""

from contextlib import ExitStack

import pytest

from .faulty import Fault
from .world import World


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "case(number, ...): the cases of tests/faults/cases.py that a test covers"
    )


def pytest_make_parametrize_id(val):
    return val.name if isinstance(val, Fault) else None


@pytest.fixture
def new_world(request):
    """``new_world("schedule", MaxObjectsPerRun="2")`` opens the one World of a test.

    When the test is over and has not failed, the World must come to rest with nothing wrong.
    """
    opened: list[World] = []
    failed_before = request.session.testsfailed

    def new(*given, **parameters):
        opened.append(closing.enter_context(World(*given, **parameters)))
        return opened[-1]

    with ExitStack() as closing:
        yield new
        for world in opened:
            assert request.session.testsfailed > failed_before or world.settle() == []


@pytest.fixture
def world(new_world):
    return new_world()


@pytest.fixture
def collecting(new_world):
    return new_world("schedule")


@pytest.fixture(params=["arrival", "schedule"])
def any_world(request, new_world):
    return new_world(request.param)
