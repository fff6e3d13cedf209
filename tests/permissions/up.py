"""The laptop's AWS with IAM enforced, in a process of its own, until its stdin is closed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from landrun_ops.local import LocalAws, retry_wait

PACE = 0.0002
"""Of the waits before retries that an execution has on AWS."""


def hurried(wait: Any) -> Any:
    return lambda env, seconds: wait(env, seconds * PACE)


def main(project: str, state_dir: str, parameters: dict[str, str]) -> None:
    retry_wait.wait = hurried(retry_wait.wait)
    with LocalAws.up(
        Path(project), parameters=parameters, state_dir=Path(state_dir), enforce_iam=True
    ):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()


main(*json.loads(sys.argv[1]))
