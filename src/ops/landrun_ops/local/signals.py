"""How the laptop's AWS ends: on a signal, and then without being interrupted."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stopping() -> Iterator[Callable[[], None]]:
    """Let SIGTERM end the block with SystemExit, where nobody else handles it.

    Yields what turns signals off: a second Ctrl-C must not interrupt the closing. Outside of the
    main thread, where Python has no signals, both do nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {name: signal.getsignal(name) for name in _STOPPING}
    if before[signal.SIGTERM] is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda signum, _frame: sys.exit(128 + signum))
    try:
        yield lambda: _ignore(_STOPPING)
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _ignore(signals: Iterable[signal.Signals]) -> None:
    for name in signals:
        signal.signal(name, signal.SIG_IGN)
