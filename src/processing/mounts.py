#!/usr/bin/env -S python3 -I
"""Lets the job's container write its outputs as an unprivileged user.

SageMaker mounts ``/opt/ml`` owned by root whatever the image prepared there, so that another user
cannot write a job's outputs (github.com/aws/sagemaker-python-sdk/issues/4764). SageMaker's own SDK
gets round that with ``sudo chmod`` where a job's user is not root (``change_dir_permission`` in
sagemaker/remote_function/runtime_environment/runtime_environment_manager.py); so does this, for the
folders of the job's outputs alone. After ``claim``, neither the process nor its children can gain
privileges (``no_new_privs``, prctl(2)).

The image runs it whenever Python starts, as ``sitecustomize``: your script is the one that ran as
root, and what it reads is read when there is no way back to root. As a program, by sudo, without
arguments and as root, it gives those folders away. Only the image uses it.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OPT_ML = Path("/opt/ml")
USER = 10001
"""The user that runs the job; the Dockerfile creates it."""

_SET_NO_NEW_PRIVS = 38  # linux/prctl.h
_GIVE = ("/usr/bin/sudo", "-n", "/opt/program/mounts.py")


def outputs(opt_ml: Path) -> list[Path]:
    """List the folders that a job writes to: that of its exit message, and each output's.

    SageMaker's ``processingjobconfig.json`` names the outputs; those that would lie elsewhere than
    under ``opt_ml`` are left out.
    """
    found = [opt_ml / "output"]
    for local in _local_paths(opt_ml / "config" / "processingjobconfig.json"):
        path = opt_ml.joinpath(*Path(local).parts[len(OPT_ML.parts) :])
        if Path(local).is_relative_to(OPT_ML / "processing") and ".." not in path.parts:
            found.append(path)
    return found


def _local_paths(config: Path) -> Iterator[str]:
    try:
        job = json.loads(config.read_bytes())
        for output in job["ProcessingOutputConfig"]["Outputs"]:
            yield str(output["S3Output"]["LocalPath"])
    except (OSError, ValueError, LookupError, TypeError):
        return


def give(opt_ml: Path, user: int) -> None:
    """Make the user the owner of the folders of ``outputs``; missing ones are created.

    Raises OSError when that is not allowed, or a folder is a symbolic link.
    """
    for folder in outputs(opt_ml):
        folder.mkdir(parents=True, exist_ok=True)
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            os.fchown(opened, user, user)
        finally:
            os.close(opened)


def claim(opt_ml: Path) -> str:
    """Give the outputs to this process's user, then give up all ways to gain privileges.

    Returns
    -------
    str
        What went wrong; empty when nothing did. A script that cannot write fails by itself.
    """
    trouble = "" if _is_open(opt_ml) else _ask()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        trouble += f"prctl: {os.strerror(ctypes.get_errno())}"
    return trouble


def _ask() -> str:
    try:
        asked = subprocess.run(_GIVE, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        return str(error)
    return " ".join(asked.stderr.split()) if asked.returncode else ""


def at_start() -> None:
    """Claim the outputs where there are any, unless the user is root or a parent did so."""
    if os.geteuid() == 0 or not OPT_ML.is_dir() or (_is_shut() and _is_open(OPT_ML)):
        return
    if trouble := claim(OPT_ML):
        print(  # noqa: T201
            f"landrun: cannot make {OPT_ML} writable for user {os.geteuid()}: {trouble}"
            " (where sudo is not allowed, build the image with --build-arg RUN_AS=root)",
            file=sys.stderr,
            flush=True,
        )


def _is_open(opt_ml: Path) -> bool:
    return all(os.access(folder, os.W_OK) for folder in outputs(opt_ml))


def _is_shut() -> bool:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return "\nNoNewPrivs:\t1" in status


if __name__ == "__main__":
    give(OPT_ML, USER)
elif __name__ == "sitecustomize":
    at_start()
