"""What `make scan` configures sees what it is there for, planted all at once."""

import json
import os
import subprocess
from pathlib import Path

import pytest

if "LANDRUN_SCAN" not in os.environ:
    pytest.skip("make scan installs the scanners, and runs these", allow_module_level=True)

ROOT = Path(__file__).parents[2]
CHECKOV = (ROOT / ".venv-scan/bin/checkov", "--config-file", ROOT / "tests/scan/checkov.yaml", "-d")
OPEN = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}, "Topic": {"Type": "AWS::SNS::Topic"}}}
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


def test_checkov_sees_an_open_bucket_a_topic_in_clear_and_a_job_as_root(tmp_path):
    (tmp_path / "open.json").write_text(json.dumps(OPEN), encoding="utf-8")
    dockerfile = (ROOT / "src/processing/Dockerfile").read_text(encoding="utf-8")
    (tmp_path / "Dockerfile").write_text(f"{dockerfile}\nUSER root\n", encoding="utf-8")
    found = complaints(*CHECKOV, tmp_path)
    assert all(rule in found for rule in ("CKV_AWS_53", "CKV_AWS_26", "CKV_DOCKER_8"))


def test_secrets_are_seen(tmp_path):
    for name, line in SECRETS.items():
        (tmp_path / name).write_text(f"\n{line}\n", encoding="utf-8")
    found = complaints("sh", ROOT / "tests/scan/secrets.sh", *tmp_path.iterdir())
    assert all(f"{name}:2" in found for name in SECRETS)
