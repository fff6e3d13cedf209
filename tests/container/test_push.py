"""The image pushed for real: to a registry that asks for a password, found through a stack."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
import uuid

import pytest

from landrun_ops.actions.docker import DockerError
from landrun_ops.actions.image import Repository, push

from .conftest import IMAGE

# The program of Debian's package docker-registry.
REGISTRY = os.environ.get("LANDRUN_DOCKER_REGISTRY", "")
HOST = "localhost:5055"
CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "127.0.0.1:5055"}}
auth: {{htpasswd: {{realm: test, path: {folder}/passwords}}}}
log: {{level: error}}
"""
# bcrypt, which Python's standard library has no more.
ENCRYPT = 'print "AWS:" . crypt("of-the-day", q($2y$05$) . "a" x 22) . "\n"'


@pytest.fixture
def registry(tmp_path):
    done = subprocess.run(["perl", "-e", ENCRYPT], capture_output=True, text=True, check=True)
    (tmp_path / "passwords").write_text(done.stdout)
    (tmp_path / "config.yml").write_text(CONFIG.format(folder=tmp_path))
    command, log = [REGISTRY, "serve", str(tmp_path / "config.yml")], tmp_path / "log"
    with (
        log.open("wb") as said,
        subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT) as process,
    ):
        try:
            assert is_up(process), log.read_text()
            yield HOST
        finally:
            process.terminate()


def is_up(process):
    """Wait for the registry to refuse a call without a password."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://{HOST}/v2/")
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 401
        except OSError:
            time.sleep(0.1)
    return False


def test_the_image_is_pushed_and_its_digest_gets_the_same_image_back(registry, docker):
    # A name of its own: Docker needs no password for what it has pulled by this name before.
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


def test_a_registry_that_does_not_take_the_password_is_an_error(registry, docker):
    with pytest.raises(DockerError, match="docker login"):
        push(docker, IMAGE, Repository(f"{registry}/landrun", "AWS", "wrong"), "latest")
