"""The scripts that are made of pages run what they should, and notice what fails."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .pages import Block, blocks, script

PAGE = """\
<!-- not run: needs an AWS account -->
```sh
exit 9
```

<!-- exits: 0 3 -->
```sh
ends_with() { return "$1"; }
ends_with 3
```

```json
{}
```

<!-- stays -->
```sh
sh -c 'echo up; exec sleep 60'   # until Ctrl-C
```

```sh
cat "$SCRATCH/out"
echo RUNS s3://BUCKET/KEY
```
"""


def run(page: str, scratch: Path) -> subprocess.CompletedProcess[str]:
    env = {"LANDRUN_LANDING_BUCKET": "landings", "SCRATCH": str(scratch), "PATH": "/usr/bin:/bin"}
    command = ["sh", "-c", script(page)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=20, check=False)


def test_a_script_runs_what_is_to_be_run_and_ends_what_stays(tmp_path: Path) -> None:
    done = run(PAGE, tmp_path)

    assert [one.language for one in blocks(PAGE)] == ["sh", "sh", "json", "sh", "sh"]
    assert blocks(PAGE)[0] == Block("not run", "needs an AWS account", "sh", "exit 9\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "up\nRUNS s3://landings/incoming/orders.jsonl\n"


def test_a_script_ends_where_a_command_fails_or_does_not_stay(tmp_path: Path) -> None:
    assert run("```sh\nfalse\necho on\n```\n", tmp_path).returncode == 1
    done = run("<!-- stays -->\n```sh\nsh -c 'echo no >&2; exit 1'\n```\n", tmp_path)
    assert (done.returncode, done.stderr) == (2, "no\n")
