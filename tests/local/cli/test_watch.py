"""`landrun watch` on a terminal: it draws a stack until somebody types q."""

from __future__ import annotations

import os
import pty
import select
import subprocess

import pytest

from landrun_ops.local import LocalAws

from .process import LANDRUN, SECONDS, environment


@pytest.mark.parametrize("columns", ["80", "120"])
def test_watch_draws_the_stack_and_q_ends_it(aws: LocalAws, columns: str) -> None:
    env = environment(aws, COLUMNS=columns, LINES="24", TERM="xterm-256color")
    env.pop("CI", None)
    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        [LANDRUN, "watch"], env=env, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE
    ) as process:
        os.close(terminal)
        seen = b""
        while b"last hour" not in seen or b"q ends" not in seen:
            assert select.select([keyboard], [], [], SECONDS)[0], seen
            seen += os.read(keyboard, 65536)
        os.write(keyboard, b"xq")
        assert process.wait(SECONDS) == 0
        assert process.stderr
        assert process.stderr.read() == b""
    os.close(keyboard)
    assert b"landrun in us-east-1" in seen
