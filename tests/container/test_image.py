"""What the image gives a job, and what it does not."""

from __future__ import annotations

import json
from collections.abc import Callable

from .conftest import IMAGE

Shell = Callable[..., str]


def test_it_runs_as_a_user_without_rights(shell):
    assert shell("id -u; id -G") == "10001\n10001"
    assert shell("touch /opt/program/x /usr/bin/x /etc/x 2>/dev/null || echo no") == "no"


def test_sudo_alone_lends_rights_and_to_the_job_s_user_alone(shell):
    found = shell(
        "find / -xdev -type f -perm /6000 -exec stat -c '%n %A %U %G' {} + 2>/dev/null || true"
    )
    assert [line.split()[1:] for line in found.splitlines()] == [["-rwsr-x---", "root", "landrun"]]
    assert found.split()[0].endswith("/sudo")


def test_sudo_runs_one_command_and_no_other(shell):
    allowed = "sudo -n /opt/program/mounts.py && echo yes"
    assert shell(f"mkdir -p /tmp/x; {allowed}") == "yes"
    for refused in ("id", "/opt/program/mounts.py x", "-u nobody /opt/program/mounts.py", "-s"):
        assert shell(f"sudo -n {refused} >/dev/null 2>&1 || echo no") == "no", refused
    # Nothing that the user sets changes what runs.
    tricks = "PATH=/tmp:$PATH PYTHONPATH=/tmp PYTHONSTARTUP=/tmp/x PYTHONHOME=/tmp"
    plant = "cp /bin/false /tmp/python3; echo 'raise SystemExit(9)' > /tmp/json.py"
    assert shell(f"{plant}; cd /tmp; export {tricks}; {allowed}") == "yes"


def test_once_python_has_started_there_is_no_way_back_to_root(shell):
    script = "import subprocess as s; print(s.call(['sudo', '-n', '/opt/program/mounts.py']))"
    assert shell(f'mkdir -p /opt/ml 2>/dev/null; python3 -c "{script}"', *MOUNT).endswith("1")


def test_it_holds_nothing_but_the_job(docker, shell):
    files = shell("cd /opt/program && find . -type f | sort").splitlines()
    assert "./preprocess.py" in files
    assert not [name for name in files if name.endswith((".pyc", "Dockerfile", ".in"))]
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", IMAGE))
    assert config["Entrypoint"] == ["python3", "/opt/program/preprocess.py"]
    assert config["User"] == "landrun"


MOUNT = ("--mount", "type=volume,dst=/opt/ml,volume-nocopy=true")
