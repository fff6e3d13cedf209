"""The laptop's AWS with IAM enforced, in a process of its own, until its stdin is closed.

What IAM decides goes to stderr: refusals are the laptop's own lines, and here are those that say
what was allowed.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

from landrun_ops.local import LocalAws, retry_wait

PACE = 0.0002
"""Of the waits before retries that an execution has on AWS."""


def hurried(wait):
    return lambda env, seconds: wait(env, seconds * PACE)


def telling_what_is_allowed(decide):
    def telling(self, role, need):
        if allowed := decide(self, role, need):
            sys.stderr.write(f"IAM: {role} may {need.action}\n")
            sys.stderr.flush()
        return allowed

    return telling


def main(project, state_dir, parameters):
    retry_wait.wait = hurried(retry_wait.wait)
    with LocalAws.up(
        Path(project), parameters=parameters, state_dir=Path(state_dir), enforce_iam=True
    ):
        # With this comes moto, which takes seconds: after what up() reports.
        from landrun_ops.local.iam import Iam  # noqa: PLC0415

        Iam._decide = telling_what_is_allowed(Iam._decide)
        gc.freeze()  # what moto has is looked through again and again otherwise
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()


main(*json.loads(sys.argv[1]))
