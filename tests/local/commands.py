"""landrun's commands, as somebody types them who has typed ``eval "$(landrun local env)"``."""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from landrun_ops import cli

LANDRUN = str(Path(sys.executable).with_name("landrun"))
"""The installed command."""

SECONDS = 60
"""Longest wait for anything."""

_NOT_OURS = ("LANDRUN_", "AWS_", "NO_PROXY", "no_proxy", "COLUMNS", "CI", "MAKE", "MFLAGS")


def environment(aws, **more):
    """A terminal of 80 columns, somewhere else than where the laptop's AWS has its state."""
    return shell() | aws.environment() | {"LANDRUN_STATE_DIR": "/nowhere"} | more


def shell(**more):
    """A terminal of 80 columns, in which nobody has typed eval."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
    return kept | {"NO_PROXY": "127.0.0.1", "COLUMNS": "80"} | more


def landrun(env, *arguments, cwd=None):
    """Run a command in this process, where nobody answers questions."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, env, clear=True),
        mock.patch.object(sys, "stdin", io.StringIO()),
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = cli.run(list(arguments))
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def told(env, *arguments, code=0):
    """What a command says with --json; it must end with ``code``."""
    done = landrun(env, *arguments, "--json")
    assert done.returncode == code, done.stderr + done.stdout
    return json.loads(done.stdout)


def installed(env, *arguments, command, cwd):
    """Run an installed command, as a process."""
    return subprocess.run(
        [command, *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=2 * SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
        cwd=cwd,
    )
