"""What the image gives a job and what it does not, and that it is pushed for real."""

import json
import os
import socket
import subprocess
import uuid

import pytest

from landrun_ops.actions.image import Repository, push
from laptop_stack import eventually

from .conftest import IMAGE

MOUNTS = "sudo -n /opt/program/mounts.py"
MOUNT = ("--mount", "type=volume,dst=/opt/ml,volume-nocopy=true")
FIND = "find / -xdev -type f -perm /6000 -exec stat -c '%n %A %U %G' {} + 2>/dev/null || true"
TRICKS = (
    "cp /bin/false /tmp/python3; echo 'raise SystemExit(9)' > /tmp/json.py; cd /tmp;"
    "export PATH=/tmp:$PATH PYTHONPATH=/tmp PYTHONSTARTUP=/tmp/x PYTHONHOME=/tmp"
)
AFTER_PYTHON = f"import subprocess as s; print(s.call('{MOUNTS}'.split()))"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("id -u; id -G", "10001\n10001"),
        ("touch /opt/program/x /usr/bin/x /etc/x 2>/dev/null || echo no", "no"),
        (f"{MOUNTS} && echo yes", "yes"),
        ("sudo -n id >/dev/null 2>&1 || echo no", "no"),
        (f"{MOUNTS} x >/dev/null 2>&1 || echo no", "no"),
        ("sudo -n -u nobody /opt/program/mounts.py >/dev/null 2>&1 || echo no", "no"),
        ("sudo -n -s >/dev/null 2>&1 || echo no", "no"),
        (f"{TRICKS}; {MOUNTS} && echo yes", "yes"),
    ],
)
def test_the_job_s_user_has_no_rights_but_to_run_one_command_whatever_it_sets(shell, command, said):
    assert shell(command) == said


def test_sudo_alone_lends_rights_and_to_the_job_s_user_alone(shell):
    [found] = [line.split() for line in shell(FIND).splitlines()]
    assert found[0].endswith("/sudo")
    assert found[1:] == ["-rwsr-x---", "root", "landrun"]


def test_once_python_has_started_there_is_no_way_back_to_root(shell):
    said = shell(f'mkdir -p /opt/ml 2>/dev/null; python3 -c "{AFTER_PYTHON}"', *MOUNT)
    assert said.endswith("1")


def test_it_holds_nothing_but_the_job_and_starts_it(docker, shell):
    files = shell("cd /opt/program && find . -type f | sort").splitlines()
    assert "./preprocess.py" in files
    assert not [name for name in files if name.endswith((".pyc", "Dockerfile", ".in"))]
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", IMAGE))
    assert config["Entrypoint"] == ["python3", "/opt/program/preprocess.py"]
    assert config["User"] == "landrun"


# The program of Debian's package docker-registry.
REGISTRY = os.environ.get("LANDRUN_DOCKER_REGISTRY", "")
PORT = 5055
CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "127.0.0.1:{port}"}}
log: {{level: error}}
"""


@pytest.fixture
def registry(tmp_path):
    """The address of a registry of this machine."""
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.format(folder=tmp_path, port=PORT))

    def listens():
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", PORT)) == 0

    with subprocess.Popen([REGISTRY, "serve", str(config)]) as process:
        eventually(listens)
        yield f"localhost:{PORT}"
        process.terminate()


@pytest.mark.skipif(not REGISTRY, reason="the package docker-registry cannot be had here")
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
