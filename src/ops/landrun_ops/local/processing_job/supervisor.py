"""Runs a program, and ends all its processes with it, or with the process that started this one.

``python -I -S supervisor.py GRACE PROGRAM [ARGUMENT...]``, with a pipe as stdin. When the other
side closes it, or is killed, the program gets SIGTERM and GRACE seconds later SIGKILL. When the
program has ended, all processes that it started end; on Linux also those that left its group. The
exit code is the program's, as a shell gives it.
"""

import contextlib
import ctypes
import glob
import os
import signal
import subprocess
import sys
import threading

_PR_SET_CHILD_SUBREAPER = 36


def _signal_group(group: int, number: signal.Signals) -> None:
    # macOS refuses to signal a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _end_with_the_pipe(program: int, grace: float, ended: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    _signal_group(program, signal.SIGTERM)
    if not ended.wait(grace):
        _signal_group(program, signal.SIGKILL)


def _kill_all_children() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:  # what a killed process leaves behind becomes a child of this one
            for stat in glob.glob("/proc/[0-9]*/stat"):  # noqa: PTH207 - pathlib imports slowly
                with contextlib.suppress(OSError), open(stat, "rb") as file:  # noqa: PTH123
                    parent = file.read().rpartition(b")")[2].split()[1]
                    if int(parent) == os.getpid():
                        os.kill(int(stat.split("/")[2]), signal.SIGKILL)
            os.wait()


def main(grace: float, command: list[str]) -> int:
    """Run ``command`` and return its exit code."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]!r}: {error}\n")
        return 127
    ended = threading.Event()
    watched = (program.pid, grace, ended)
    threading.Thread(target=_end_with_the_pipe, args=watched, daemon=True).start()
    pid = 0
    while pid != program.pid:
        pid, status = os.wait()
    program.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    _signal_group(program.pid, signal.SIGKILL)
    _kill_all_children()
    return program.returncode if program.returncode >= 0 else 128 - program.returncode


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
