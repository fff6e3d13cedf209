"""The laptop's AWS for tests: each in a process of its own, as ``landrun local up`` is.

moto keeps its state in module globals, which other tests of this process use as well.
"""

import pytest

from laptop_stack import LaptopStack
from local.laptop import Laptop


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
def stack(aws):
    """The stack of that laptop's AWS."""
    return LaptopStack(aws)
