"""Each scanner of `make scan` sees the mistake that it is there for."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .stacks import write

if "LANDRUN_SCAN" not in os.environ:
    pytest.skip("make scan installs the scanners, and runs these", allow_module_level=True)

ROOT = Path(__file__).parents[2]
SCANNERS = ROOT / ".venv-scan"
CHECKOV = (str(SCANNERS / "bin/checkov"), "--config-file", str(ROOT / "tests/scan/checkov.yaml"))
CFN_LINT = (f"{sysconfig.get_path('scripts')}/cfn-lint", "--regions", "us-east-1", "--")
# In parts, so that this file has no secret in it.
KEY_ID = "AKIA" + "Q7WZ2N5XJ4R8TY3K"
PASSWORD = "-".join(("wJalrXUtn", "FEMIK7MDE", "NGbPxRfiC", "Yzq8Lk2Vt"))

Resources = dict[str, Any]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The template of a stack with all defaults."""
    folder = tmp_path_factory.mktemp("scan")
    write(folder)
    return json.loads((folder / "defaults.json").read_text(encoding="utf-8"))


def run(*command: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(SCANNERS / "secrets"), "LOG_LEVEL": "ERROR"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def misspelt_property(resources: Resources) -> None:
    resources["ObjectCreatedFunction"]["Properties"]["MemorySze"] = 512


def unknown_action(resources: Resources) -> None:
    document = resources["StartRunsPolicy"]["Properties"]["PolicyDocument"]
    document["Statement"][0]["Action"] = "s3:PutObjct"


def state_that_leads_nowhere(resources: Resources) -> None:
    machine = resources["ProcessingStateMachine"]["Properties"]["Definition"]
    machine["States"]["Process messages"] |= {"End": "yes"}


def open_bucket(resources: Resources) -> None:
    del resources["OutputBucket"]["Properties"]["PublicAccessBlockConfiguration"]


def topic_in_clear(resources: Resources) -> None:
    del resources["NotificationsTopic"]["Properties"]["KmsMasterKeyId"]


@pytest.mark.parametrize(
    ("scanner", "mistake", "says"),
    [
        (CFN_LINT, misspelt_property, "E3002"),
        (CFN_LINT, unknown_action, "W3037"),
        (CFN_LINT, state_that_leads_nowhere, "E3601"),
        ((*CHECKOV, "-f"), open_bucket, "CKV_AWS_53"),
        ((*CHECKOV, "-f"), topic_in_clear, "CKV_AWS_26"),
    ],
)
def test_a_mistake_in_the_template_is_seen(
    template: Any,
    tmp_path: Path,
    scanner: tuple[str, ...],
    mistake: Callable[[Resources], None],
    says: str,
) -> None:
    planted = json.loads(json.dumps(template))
    mistake(planted["Resources"])
    path = tmp_path / "planted.json"
    path.write_text(json.dumps(planted), encoding="utf-8")
    code, output = run(*scanner, str(path))
    assert code
    assert says in output


def test_a_job_that_runs_as_root_is_seen(tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    text = (ROOT / "src/processing/Dockerfile").read_text(encoding="utf-8")
    dockerfile.write_text(f"{text}\nUSER root\n", encoding="utf-8")
    code, output = run(*CHECKOV, "-f", str(dockerfile))
    assert code
    assert "CKV_DOCKER_8" in output


@pytest.mark.parametrize(
    ("name", "line", "kind"),
    [
        ("samconfig.toml", f'aws_access_key_id = "{KEY_ID}"', "AWS Access Key"),
        ("env.json", f'  "AWS_SECRET_ACCESS_KEY": "{PASSWORD}"', "Secret Keyword"),
        ("object-created.json", f'      "body": "{KEY_ID}",', "AWS Access Key"),
        ("deploy.pem", "-----BEGIN RSA " + "PRIVATE KEY-----", "Private Key"),
    ],
    ids=["key id", "secret", "in an event", "pem"],
)
def test_a_secret_is_seen(tmp_path: Path, name: str, line: str, kind: str) -> None:
    path = tmp_path / name
    path.write_text(f"\n{line}\n", encoding="utf-8")
    code, output = run("sh", str(ROOT / "tests/scan/secrets.sh"), str(path))
    assert code
    assert kind in output
