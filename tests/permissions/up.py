"""The laptop's AWS with IAM enforced, in a process of its own, until its stdin is closed.

Each line of its stdin holds parameters, as JSON: it deploys the stack again with them, and answers
``ready``.

What IAM decides goes to stderr: refusals are the laptop's own lines, and here are those that say
what was allowed.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path
from typing import Any

from landrun_ops.local import LocalAws
from landrun_ops.local.moto_patches import tasks

PACE = 0.0002
"""Of the waits before retries that an execution has on AWS."""


def hurried(wait: Any) -> Any:
    return lambda env, seconds: wait(env, seconds * PACE)


def telling_what_is_allowed(decide: Any) -> Any:
    def telling(self: Any, role: str, need: Any) -> bool:
        if allowed := decide(self, role, need):
            sys.stderr.write(f"IAM: {role} may {need.action}\n")
            sys.stderr.flush()
        return bool(allowed)

    return telling


def say_ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def main(project: str, state_dir: str, parameters: dict[str, str]) -> None:
    tasks.wait = hurried(tasks.wait)
    with LocalAws.up(
        Path(project), parameters=parameters, state_dir=Path(state_dir), enforce_iam=True
    ) as aws:
        # With this comes moto, which takes seconds: after what up() reports.
        from update import update  # noqa: PLC0415

        from landrun_ops.local.moto_patches.iam import Iam  # noqa: PLC0415

        Iam._decide = telling_what_is_allowed(Iam._decide)
        gc.freeze()  # what moto has is looked through again and again otherwise
        say_ready()
        for line in sys.stdin:
            update(aws, Path(project), json.loads(line))
            say_ready()


main(*json.loads(sys.argv[1]))
