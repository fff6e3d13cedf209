"""Each scanner of `make scan` sees the mistakes that it is there for, planted all at once."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from .stacks import write

if "LANDRUN_SCAN" not in os.environ:
    pytest.skip("make scan installs the scanners, and runs these", allow_module_level=True)

ROOT = Path(__file__).parents[2]
CFN_LINT = (f"{sysconfig.get_path('scripts')}/cfn-lint", "--regions", "us-east-1", "--")
CHECKOV = (ROOT / ".venv-scan/bin/checkov", "--config-file", ROOT / "tests/scan/checkov.yaml", "-d")
# In parts, so that this file has no secret in it.
KEY_ID = "AKIA" + "Q7WZ2N5XJ4R8TY3K"
PASSWORD = "-".join(("wJalrXUtn", "FEMIK7MDE", "NGbPxRfiC", "Yzq8Lk2Vt"))
SECRETS = {
    "samconfig.toml": f'aws_access_key_id = "{KEY_ID}"',
    "env.json": f'  "AWS_SECRET_ACCESS_KEY": "{PASSWORD}"',
    "object-created.json": f'      "body": "{KEY_ID}",',
    "deploy.pem": "-----BEGIN RSA " + "PRIVATE KEY-----",
}


def complaints(*command):
    """Run a scanner, which must fail, and return what it says."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A folder with the template of a stack, and the job's Dockerfile, each with its mistakes."""
    folder = tmp_path_factory.mktemp("planted")
    write(folder, ["defaults"])
    file = folder / "defaults.json"
    template = json.loads(file.read_text(encoding="utf-8"))
    properties = {name: one["Properties"] for name, one in template["Resources"].items()}
    properties["ObjectCreatedFunction"]["MemorySze"] = 512
    properties["StartRunsPolicy"]["PolicyDocument"]["Statement"][0]["Action"] = "s3:PutObjct"
    machine = properties["ProcessingStateMachine"]["Definition"]
    machine["States"]["Process messages"] |= {"End": "yes"}
    del properties["OutputBucket"]["PublicAccessBlockConfiguration"]
    del properties["NotificationsTopic"]["KmsMasterKeyId"]
    file.write_text(json.dumps(template), encoding="utf-8")
    dockerfile = (ROOT / "src/processing/Dockerfile").read_text(encoding="utf-8")
    (folder / "Dockerfile").write_text(f"{dockerfile}\nUSER root\n", encoding="utf-8")
    return folder


def test_cfn_lint_sees_an_unknown_property_an_unknown_action_and_a_bad_state(planted):
    found = complaints(*CFN_LINT, planted / "defaults.json")
    assert all(rule in found for rule in ("E3002", "W3037", "E3601"))


def test_checkov_sees_an_open_bucket_a_topic_in_clear_and_a_job_as_root(planted):
    found = complaints(*CHECKOV, planted)
    assert all(rule in found for rule in ("CKV_AWS_53", "CKV_AWS_26", "CKV_DOCKER_8"))


def test_secrets_are_seen(tmp_path):
    for name, line in SECRETS.items():
        (tmp_path / name).write_text(f"\n{line}\n", encoding="utf-8")
    found = complaints("sh", ROOT / "tests/scan/secrets.sh", *tmp_path.iterdir())
    assert all(f"{name}:2" in found for name in SECRETS)
