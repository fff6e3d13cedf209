"""What landrun runs on: versions against the pins, Docker, the proxy, the port."""

from __future__ import annotations

import pytest

from landrun_ops.doctor import this_machine as here
from landrun_ops.doctor.findings import Grade

PINS = """\
# comment
boto3==1.44.5 \\
    --hash=sha256:667b344e25d2bcbb7c42fcf6b92a07bb1d73ee9d6d12c3a7873ec4c490b6fb64
    # via -r requirements/ops.in
numpy==2.4.6 ; python_version < '3.0' \\
    --hash=sha256:00
ruamel_yaml==0.18
"""
INSTALLED = {
    "boto3": "1.44.5",
    "ruamel-yaml": "0.18",
    "moto": "5.2.5",
    "setuptools": "80.9.0",
    "aws-sam-translator": "1.115.0",
    "stepfunctions": "2.3.0",
    "sagemaker": "2.257.7",
}


@pytest.mark.parametrize(
    ("version", "grade"), [((3, 10, 9), "fail"), ((3, 11, 0), "ok"), ((3, 15, 0), "warn")]
)
def test_python_is_held_against_what_was_tried(version: tuple[int, ...], grade: str) -> None:
    assert here.judge_python(version).grade == grade


def test_pins_are_those_for_this_machine() -> None:
    assert here.pins(PINS) == {"boto3": "1.44.5", "ruamel-yaml": "0.18"}


def test_packages_as_pinned_are_ok_and_named() -> None:
    found = here.judge_packages(here.pins(PINS), INSTALLED)
    assert found.grade is Grade.OK
    assert found.says.startswith("2 as requirements/ops.txt pins them: boto3 1.44.5, moto 5.2.5")


def test_a_package_of_another_version_or_none_is_named_with_its_pin() -> None:
    installed = {**INSTALLED, "boto3": "1.40.0"}
    del installed["ruamel-yaml"]
    found = here.judge_packages(here.pins(PINS), installed)
    assert found.grade is Grade.WARN
    assert "boto3 1.40.0, pinned 1.44.5, ruamel-yaml missing, pinned 0.18" in found.says
    assert found.remedy == "make setup"


@pytest.mark.parametrize(("name", "version"), [("sagemaker", "3.0.1"), ("setuptools", "81.0")])
def test_what_breaks_the_workflows_sdk_fails(name: str, version: str) -> None:
    found = here.judge_packages({}, {**INSTALLED, name: version})
    assert found.grade is Grade.FAIL
    assert f"{name} {version}" in found.says


def test_docker_is_optional() -> None:
    assert here.judge_docker("27.5.1").grade is Grade.OK
    assert here.judge_docker(None).grade is Grade.SKIP
    assert "daemon" in here.judge_docker(None, "its daemon is not up").says


def test_a_proxy_that_takes_the_laptops_calls_is_told() -> None:
    proxies = {"http": "http://proxy:3128"}
    assert here.judge_proxy({}, bypassed=False).grade is Grade.OK
    assert here.judge_proxy(proxies, bypassed=True).grade is Grade.OK
    assert here.judge_proxy(proxies, bypassed=False).remedy.startswith("export NO_PROXY=127.0.0.1")


def test_a_machine_on_which_nothing_can_listen_fails() -> None:
    assert here.judge_port(None).grade is Grade.OK
    assert here.judge_port(PermissionError(1, "Operation not permitted")).grade is Grade.FAIL
