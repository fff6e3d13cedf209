"""The image pushed for real, to a registry of this machine."""

import os
import subprocess
import urllib.request
import uuid

import pytest

from landrun_ops.actions.image import Repository, push
from laptop_stack import eventually

from .conftest import IMAGE

# The program of Debian's package docker-registry.
REGISTRY = os.environ.get("LANDRUN_DOCKER_REGISTRY", "")
HOST = "localhost:5055"
CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "127.0.0.1:5055"}}
log: {{level: error}}
"""


@pytest.fixture
def registry(tmp_path):
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.format(folder=tmp_path))
    with subprocess.Popen([REGISTRY, "serve", str(config)]) as process:
        eventually(answers)
        yield HOST
        process.terminate()


def answers():
    try:
        with urllib.request.urlopen(f"http://{HOST}/v2/") as answer:
            return answer.status == 200
    except OSError:
        return False


def test_the_image_is_pushed_and_its_digest_gets_the_same_image_back(registry, docker):
    # A name of its own: Docker asks no registry for what it has pulled by this name before.
    target = f"{registry}/landrun-{uuid.uuid4().hex}"
    name = push(docker, IMAGE, Repository(target, "AWS", "of-the-day"), "latest")
    assert name.startswith(f"{target}@sha256:")
    before = docker("image", "inspect", "--format", "{{.Id}}", IMAGE)
    docker("image", "rm", f"{target}:latest")
    try:
        docker("pull", "--quiet", name)
        assert docker("image", "inspect", "--format", "{{.Id}}", name) == before
    finally:
        docker("logout", registry)
        docker("image", "rm", name)
