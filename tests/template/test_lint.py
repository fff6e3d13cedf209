"""cfn-lint, on the template and its parts; `make scan` lints what SAM translates them to."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

CFN_LINT = Path(sysconfig.get_path("scripts")) / "cfn-lint"


def test_cfn_lint_finds_nothing_in_any_part_of_the_template(root):
    parts = sorted((root / "src/stacks").glob("*.yaml"))
    assert [part.stem for part in parts] == [
        "monitoring",
        "notifications",
        "processing",
        "roles",
        "storage",
    ]
    done = subprocess.run(
        [CFN_LINT, "--regions", "us-east-1", "--", root / "template.yaml", *parts],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
