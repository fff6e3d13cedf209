"""The image pushed for real: to a registry that asks for a password, found through a stack."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from landrun_ops.actions.docker import Docker, DockerError
from landrun_ops.actions.image import Repository, push

from .conftest import IMAGE

REGISTRY = os.environ.get("LANDRUN_DOCKER_REGISTRY", "")
"""The program of Debian's package docker-registry."""

PORT = 5055
HOST = f"localhost:{PORT}"
WORD = "of-the-day"

CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: test, path: {folder}/passwords}}}}
log: {{level: error}}
"""


def encrypted(word: str) -> str:
    """By bcrypt, which Python's standard library has no more."""
    script = 'print crypt($ARGV[0], q($2y$05$) . "a" x 22)'
    done = subprocess.run(["perl", "-e", script, word], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "passwords").write_text(f"AWS:{encrypted(WORD)}\n")
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.format(folder=tmp_path, port=PORT))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([REGISTRY, "serve", str(config)], stdout=log, stderr=log)
        try:
            wait_for(process, tmp_path / "log")
            yield HOST
        finally:
            process.terminate()
            process.wait(10)


def wait_for(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://{HOST}/v2/")
        except urllib.error.HTTPError as error:
            error.close()
            return  # 401: it is up
        except OSError:
            time.sleep(0.1)
    pytest.fail(log.read_text())


def test_the_image_is_pushed_and_its_digest_gets_the_same_image_back(
    registry: str, docker: Docker
) -> None:
    # A name of its own: Docker needs no password for what it has pulled by this name before.
    target = f"{registry}/landrun-{uuid.uuid4().hex}"
    name = push(docker, IMAGE, Repository(target, "AWS", WORD), "latest")
    assert name.startswith(f"{target}@sha256:")
    before = docker("image", "inspect", "--format", "{{.Id}}", IMAGE)
    docker("image", "rm", f"{target}:latest")
    try:
        docker("pull", "--quiet", name)
        assert docker("image", "inspect", "--format", "{{.Id}}", name) == before
    finally:
        docker("logout", registry)
        docker("image", "rm", name)


def test_a_registry_that_does_not_take_the_password_is_an_error(
    registry: str, docker: Docker
) -> None:
    with pytest.raises(DockerError, match="docker login"):
        push(docker, IMAGE, Repository(f"{registry}/landrun", "AWS", "wrong"), "latest")
