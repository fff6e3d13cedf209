"""Python's own Thread has private names, more with each release; a subclass must not take them."""

from __future__ import annotations

import threading

import pytest

from landrun_ops.local.dispatcher import _Poller
from landrun_ops.local.schedules import Clock

OF_313 = {"_handle", "_set_native_id", "_after_fork", "_os_thread_handle", "_context"}
THREADS_OWN = set(dir(threading.Thread(name="any"))) | OF_313
MEANT = {"__init__", "__doc__", "__module__", "run", "__static_attributes__", "__firstlineno__"}


@pytest.mark.parametrize("thread", [_Poller, Clock])
def test_a_thread_of_ours_takes_no_name_of_pythons(thread: type[threading.Thread]) -> None:
    assert set(vars(thread)) & THREADS_OWN <= MEANT
