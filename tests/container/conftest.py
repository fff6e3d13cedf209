"""Tests of the job's real image, in a real Docker: only where `check.sh` runs them.

They fail rather than skip: whoever asks for them wants to know.
"""

import os

import pytest

from landrun_ops.actions.docker import Docker

IMAGE = os.environ.get("LANDRUN_CONTAINER_IMAGE", "")
"""The image under test, built on the base of packages."""

collect_ignore_glob = [] if IMAGE else ["test_*.py"]


@pytest.fixture
def docker():
    return Docker()


@pytest.fixture
def shell(docker):
    """Runs a command of sh in the image and gives what it wrote."""

    def run_in_image(command, *options):
        return docker("run", "--rm", *options, "--entrypoint", "sh", IMAGE, "-c", command)

    return run_in_image
