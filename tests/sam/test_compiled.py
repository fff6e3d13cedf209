"""What `make build` compiles: the same bytes each time, told as lying where Lambda has it."""

from __future__ import annotations

import marshal
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "requirements" / "compile.sh"
USED = ("landrun/handlers.py", "aws_lambda_powertools/utilities/batch/base.py")
UNUSED = ("pydantic/v1/old.py", "tzdata/zones.py")
UNCHECKED = 0b01
"""Flags of a compiled file that is valid whatever its source's time is (PEP 552)."""


def compiled(folder):
    """Compile a folder by the script; give what came of it, by the module's path."""
    for name in (*USED, *UNUSED):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("def act():\n    raise ValueError\n", encoding="utf-8")
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable}
    subprocess.run(["sh", SCRIPT, folder], env=environment, check=True, timeout=60)
    found = folder.rglob("*.pyc")
    return {str(path.parent.parent.relative_to(folder)): path.read_bytes() for path in found}


def test_only_what_functions_import_is_compiled_and_no_time_matters(tmp_path):
    found = compiled(tmp_path / "a")
    assert set(found) == {str(Path(name).parent) for name in USED}
    assert int.from_bytes(found["landrun"][4:8], "little") == UNCHECKED


def test_the_same_sources_make_the_same_bytes_wherever_they_lie(tmp_path):
    assert compiled(tmp_path / "a") == compiled(tmp_path / "b")


def test_a_traceback_names_the_file_as_lambda_has_it(tmp_path):
    code = marshal.loads(compiled(tmp_path / "a")["landrun"][16:])
    assert code.co_filename == "/var/task/landrun/handlers.py"
