"""Lambda's image for Python: under AWS's name where it is here or can be had, else a stand-in."""

from __future__ import annotations

import hashlib
import shutil

from .steps import Steps
from .tools import ARCHITECTURE, HERE, PYTHON, WORK, Tools, finished, lambda_runtime

AWS = f"public.ecr.aws/lambda/python:{PYTHON}-{ARCHITECTURE}"
STAND_IN = "landrun/lambda-python"
PATIENCE = 900  # seconds, for AWS's image to be pulled


def has_docker() -> bool:
    return bool(shutil.which("docker")) and _docker("info")


def find(tools: Tools, steps: Steps) -> list[str]:
    """Give what `sam local` needs to be told so that it finds an image.

    The stand-in has a name of its own: nobody's SAM CLI should take it for AWS's image.

    Raises
    ------
    Failure
        When AWS's cannot be had, and none can be made here.
    """
    if _docker("image", "inspect", AWS) or _docker("pull", "-q", AWS):
        steps.say(f"   on {AWS}, as it is here")
        return ["--skip-pull-image"]
    made = f"{STAND_IN}:{_recipe()}"
    if not _docker("image", "inspect", made):
        lambda_runtime("image", WORK / "made", tools.packages, made)
        # SAM's own layer on the image before this one, which it would go on using.
        _docker("image", "rm", "--force", f"{STAND_IN}:rapid-{ARCHITECTURE}")
    steps.say(f"   {AWS} cannot be had here: on a stand-in made from Debian's packages, {made}")
    return ["--skip-pull-image", "--invoke-image", made]


def _recipe() -> str:
    """A tag that changes with what the stand-in is made from."""
    parts = [(HERE / name).read_bytes() for name in ("lambda_runtime.sh", "runtime.txt")]
    return f"{hashlib.sha256(b''.join(parts)).hexdigest()[:12]}-{ARCHITECTURE}"


def _docker(*arguments: str) -> bool:
    return finished(["docker", *arguments], PATIENCE).returncode == 0
