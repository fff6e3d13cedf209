"""The wait before a retry, which in moto's engine outlasts the execution.

There it is ``time.sleep``: an execution stopped meanwhile stays RUNNING until the sleep ends, ten
minutes for a quota. Here the wait ends with the execution, and a request that can never become
valid is not repeated: the run fails in its first second, with AWS's own error.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.common.retry.retrier_outcome import RetrierOutcome

from landrun_ops.local.patches import Patches
from landrun_ops.local.processing_sync import RefusedForGood

_TICK = 0.1


def wait(env: Any, seconds: float) -> None:
    """Wait ``seconds``, or until the execution of ``env`` no longer runs."""
    deadline = time.monotonic() + seconds
    while env.is_running() and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(_TICK, left))


class _Clock(threading.local):
    """Stands for the module ``time`` in the engine's retrier, which only sleeps."""

    env: Any = None

    def sleep(self, seconds: float) -> None:
        wait(self.env, seconds)


def adapt(patches: Patches) -> None:
    """Let the retrier's wait end with the execution."""
    clock = _Clock()
    evaluate = RetrierDecl._eval_body

    def eval_body(self: Any, env: Any) -> None:
        clock.env = env
        if isinstance(env.stack[-1], RefusedForGood):
            env.stack[-1] = RetrierOutcome.Failed
        else:
            evaluate(self, env)

    patches.set(retrier_decl, "time", clock)
    patches.set(RetrierDecl, "_eval_body", eval_body)
