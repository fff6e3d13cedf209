"""Worker processes that may die: a file that kills or exhausts one is named; others continue.

The parent does not import the engine, so that its forks are safe, fast and small. The kernel limits
each worker's memory and processor time (setrlimit(2)), which also covers native libraries.
"""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from messages.printing import printable

log = logging.getLogger("preprocess")

MIB = 1024 * 1024
STACKS_MIB = 128
"""Memory that an idle worker reserves and never touches: the stacks of the engine's threads."""

PROCESS_MIB = 130
"""Memory of an idle worker (measured)."""

LEAST_MIB = 170
"""The least memory of a working worker: itself and the smallest bucket of `plan.buckets`."""

SMALL_BYTES = 8 * MIB
"""Size of an input that one worker reads in the time that another needs to start."""

SECONDS, SECONDS_PER_MIB = 60.0, 10.0
"""Limit of a call's processor time, plus time per MiB: far more than a call needs."""


@dataclass(frozen=True)
class Call:
    """A function to call in a worker, by name: the parent must not import its module.

    ``size`` are the bytes that it reads, which decide how much processor time it gets.
    """

    function: str
    arguments: tuple[Any, ...]
    size: int = 0


@dataclass(frozen=True)
class Failed:
    """A call that killed or exhausted its worker, or raised an exception; ``reason`` says which."""

    reason: str


class KilledError(Exception):
    """A worker was killed from outside of the job, most likely because memory ran out."""

    def __init__(self, place: int) -> None:
        super().__init__(f"the worker of call {place} was killed")
        self.place = place


def worker_count(size: int, asked: int | None, memory: int) -> int:
    """Return the number of workers for ``size`` bytes: by default one per core, if memory allows.

    ``asked`` is what ``--workers`` says; ``memory`` is in MiB, for the parent and all workers.
    """
    if size <= SMALL_BYTES:
        return 1
    return max(1, min(asked or os.cpu_count() or 1, (memory - PROCESS_MIB) // LEAST_MIB))


class Workers:
    """Worker processes; each carries out one call at a time.

    ``memory`` is in MiB, for the parent and all workers; one may use what others do not need.
    """

    def __init__(self, count: int, memory: int) -> None:
        self.count = count
        self._limit = max(LEAST_MIB, memory - PROCESS_MIB * count) * MIB + STACKS_MIB * MIB
        self._workers = [_Worker(self._limit) for _ in range(count)]

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
        """Carry out calls; yield the position and result of each when it is done.

        A `Failed` stands for what a call that failed would have returned. Raises KilledError when
        something else than the call's own limits killed a worker; OSError when a call raised it: no
        space is left on the disk, for example.
        """
        waiting = deque(enumerate(calls))
        while waiting or any(worker.busy for worker in self._workers):
            for worker in self._workers:
                if waiting and not worker.busy:
                    worker.begin(*waiting.popleft())
            busy = {worker.pipe: worker for worker in self._workers if worker.busy}
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]  # all of them are connections
                answered = worker.answer()
                if worker.dead:
                    self._workers[self._workers.index(worker)] = _Worker(self._limit)
                yield answered


class _Worker:
    """One process, and the call that it carries out."""

    def __init__(self, limit: int) -> None:
        # A fork would copy the locks, but not the threads, of an engine that is imported already.
        safe = "polars" not in sys.modules
        context = get_context("fork") if safe else get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.busy = self.dead = False
        self._place = 0
        self._process = context.Process(target=_serve, args=(theirs, limit), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, place: int, call: Call) -> None:
        """Hand over a call."""
        self.busy, self._place = True, place
        self.pipe.send(call)

    def answer(self) -> tuple[int, Any]:
        """Return the call's place, and what it returned or why it did not."""
        self.busy = False
        try:
            returned = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.dead = True
            self._process.join()
            if self._process.exitcode == -signal.SIGKILL:
                raise KilledError(self._place) from None
            returned = Failed(_reason(self._process.exitcode or 0))
        if isinstance(returned, OSError):
            raise returned
        return self._place, returned

    def end(self) -> None:
        """Kill the process; a new process might miss a SIGTERM."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


def _reason(exit_code: int) -> str:
    if exit_code == -signal.SIGXCPU:
        return "reading it took more processor time than its size justifies"
    if exit_code == -signal.SIGABRT:
        return "reading it took more memory than a worker may have"
    return f"reading it killed its worker (exit code {exit_code})"


def _serve(pipe: Connection, limit: int) -> None:
    """Carry out calls until the parent is gone."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with_parent()
    os.environ["POLARS_MAX_THREADS"] = "1"  # a worker is a core
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    importlib.import_module("messages.work")  # while the parent lists the files
    with suppress(EOFError):
        while True:
            call: Call = pipe.recv()
            _limit_time(SECONDS + SECONDS_PER_MIB * call.size / MIB)
            pipe.send(answer(call))


def answer(call: Call) -> Any:
    """Carry out a call; return its result, `Failed`, or an `OSError`."""
    module, _, name = call.function.partition(":")
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return function(*call.arguments)
    except MemoryError:
        return Failed("reading it took more memory than a worker may have")
    except OSError as error:
        return error
    except BaseException as error:  # a panic of Polars is not an Exception
        from messages.masking import mask_text  # noqa: PLC0415 - not in the parent

        said = mask_text(str(error).strip().split("\n", 1)[0])  # it may quote what the file holds
        why = f"it cannot be read: {type(error).__name__}: {said}"
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("%s\n%s", printable(why), where.rstrip())
        return Failed(why)


def _limit_time(seconds: float) -> None:
    """Let the kernel end this process after this much more processor time."""
    soft = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _end_with_parent() -> None:
    """End this worker when its parent has ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
    with suppress(OSError):  # when memory runs out, a worker is killed, not its parent
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _end_after(parent: Any) -> None:
    parent.join()
    os._exit(1)
