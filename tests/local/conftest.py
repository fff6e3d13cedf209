"""The laptop's AWS for tests: each in a process of its own, as ``landrun local up`` is.

moto keeps its state in module globals, which other tests of this process use as well.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from landrun_ops.local import LocalAws

from .laptop import Laptop

T = TypeVar("T")


@pytest.fixture(scope="session")
def laptop() -> Iterator[Callable[..., Laptop]]:
    """``laptop(project, state_dir, parameters, port)`` starts one; all are stopped at the end."""
    with contextlib.ExitStack() as closing:

        def start(
            project: Path,
            state_dir: Path,
            parameters: Mapping[str, str] | None = None,
            port: int = 0,
            **how: Any,
        ) -> Laptop:
            started = Laptop(project, state_dir, parameters or {}, port, **how)
            closing.callback(started.stop)
            return started

        yield start


@pytest.fixture(scope="session")
def aws(
    laptop: Callable[..., Laptop], root: Path, tmp_path_factory: pytest.TempPathFactory
) -> LocalAws:
    """The real template with its defaults, up for the whole session of this xdist worker."""
    return laptop(root, tmp_path_factory.mktemp("aws") / "state").aws


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """``eventually(ask, timeout=30)`` asks until the answer is true (no AssertionError counts too).

    Fails with the last answer or assertion when the seconds are over.
    """

    def wait(ask: Callable[[], T], *, timeout: float = 30, every: float = 0.1) -> T:
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
