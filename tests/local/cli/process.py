"""The installed ``landrun``, as somebody types it who has typed ``eval "$(landrun local env)"``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landrun_ops.local import LocalAws

LANDRUN = str(Path(sys.executable).with_name("landrun"))
SECONDS = 60
"""Longest wait for anything."""

_NOT_OURS = ("LANDRUN_", "AWS_", "NO_PROXY", "no_proxy")


def environment(aws: LocalAws, **more: str) -> dict[str, str]:
    """A terminal of 80 columns, somewhere else than where the laptop's AWS has its state."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
    here = {"NO_PROXY": "127.0.0.1", "LANDRUN_STATE_DIR": "/nowhere", "COLUMNS": "80"}
    return kept | aws.environment() | here | more


def landrun(
    env: Mapping[str, str],
    *arguments: str,
    command: str = LANDRUN,
    timeout: float = SECONDS,
    **how: Any,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        check=False,
        **how,
    )


def told(env: Mapping[str, str], *arguments: str, code: int = 0, timeout: float = SECONDS) -> Any:
    """What the command says with --json; it must end with ``code``."""
    done = landrun(env, *arguments, "--json", timeout=timeout)
    assert done.returncode == code, done.stderr + done.stdout
    return json.loads(done.stdout)
