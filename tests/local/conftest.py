"""The laptop's AWS for tests: each in a process of its own, as ``landrun local up`` is.

moto keeps its state in module globals, which other tests of this process use as well.
"""

from __future__ import annotations

import time
from typing import TypeVar

import pytest

from local.laptop import Laptop

T = TypeVar("T")


@pytest.fixture(scope="session")
def laptop():
    """``laptop(project, state_dir, parameters, port)`` starts one; all are stopped at the end."""
    laptops = []

    def start(project, state_dir, parameters=None, port=0, **how):
        laptops.append(Laptop(project, state_dir, parameters or {}, port, **how))
        return laptops[-1]

    yield start
    for one in laptops:  # all at once: each takes seconds
        one.ask_to_stop()
    for one in laptops:
        one.stop()


@pytest.fixture(scope="session")
def aws(laptop, root, tmp_path_factory):
    """The real template with its defaults, up for the whole session of this xdist worker."""
    return laptop(root, tmp_path_factory.mktemp("aws") / "state").aws


@pytest.fixture(scope="session")
def eventually():
    """``eventually(ask, timeout=30)`` asks until the answer is true (no AssertionError counts too).

    Fails with the last answer or assertion when the seconds are over.
    """

    def wait(ask, *, timeout=30, every=0.1):
        deadline = time.monotonic() + timeout
        while True:
            late = time.monotonic() > deadline
            try:
                answer = ask()
            except AssertionError:
                if late:
                    raise
            else:
                if answer:
                    return answer
                assert not late, f"still {answer!r} after {timeout} seconds"
            time.sleep(every)

    return wait
