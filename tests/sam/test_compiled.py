"""What `make build` compiles: the same bytes each time, told as lying where Lambda has it."""

import marshal
import subprocess
import sys

USED = ("landrun/handlers.py", "aws_lambda_powertools/utilities/batch/base.py")
UNUSED = ("pydantic/v1/old.py", "tzdata/zones.py")
UNCHECKED = 0b01
"""Flags of a compiled file that is valid whatever its source's time is (PEP 552)."""


def compiled(root, folder):
    """Compile a folder by the script; give what came of it, by the module's folder."""
    for name in (*USED, *UNUSED):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("def act():\n    raise ValueError\n", encoding="utf-8")
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable}
    script = root / "requirements/compile.sh"
    subprocess.run(["sh", script, folder], env=environment, check=True, timeout=60)
    found = folder.rglob("*.pyc")
    return {str(path.relative_to(folder).parents[1]): path.read_bytes() for path in found}


def test_what_functions_import_is_compiled_to_the_same_bytes_wherever_and_whenever(root, tmp_path):
    found = compiled(root, tmp_path / "a")
    assert found.keys() == {name.rpartition("/")[0] for name in USED}
    assert int.from_bytes(found["landrun"][4:8], "little") == UNCHECKED
    assert marshal.loads(found["landrun"][16:]).co_filename == "/var/task/landrun/handlers.py"
    assert found == compiled(root, tmp_path / "b")
