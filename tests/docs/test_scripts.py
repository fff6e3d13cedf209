"""The scripts that are made of pages run what they should, and notice what fails."""

from __future__ import annotations

import subprocess

import pytest

from .pages import HEAD, script

PAGE = """\
<!-- not run: needs an AWS account -->
```sh
exit 9
```

<!-- may exit: 3 -->
```sh
sh -c 'exit 3'
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
ENDS = "<!-- stays -->\n```sh\nsh -c 'echo no >&2; exit 1'\n```\n"


@pytest.mark.parametrize(
    ("page", "code", "out", "err"),
    [
        (PAGE, 0, "up\nRUNS s3://landings/incoming/orders.jsonl\n", ""),
        ("```sh\nfalse\necho on\n```\n", 1, "", ""),
        (PAGE.replace("exit 3'", "exit 4'"), 1, "", ""),
        (ENDS, 1, "", "no\n"),
    ],
    ids=["all goes well", "a command fails", "it exits otherwise", "what should stay ends"],
)
def test_a_script_runs_what_is_to_be_run(tmp_path, page, code, out, err):
    env = {"LANDRUN_LANDING_BUCKET": "landings", "SCRATCH": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = ["sh", "-c", HEAD + script(page)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=20, check=False)

    assert (done.returncode, done.stdout) == (code, out)
    assert err in done.stderr
