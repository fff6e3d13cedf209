"""The wheel alone, without the repository: what it declares is enough on a deployed stack.

What it holds is imported in place of the repository's, and no package can be imported but those
that it declares, and theirs.
"""

import shutil
import subprocess
import sys
from importlib.metadata import distribution, distributions, packages_distributions

import pytest
from packaging.requirements import Requirement

from local.commands import SECONDS, environment

FILES = ("pyproject.toml", "README.md", "LICENSE")
PACKAGED = (*FILES, "src/functions/landrun", "src/ops/landrun_ops")


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """The folder of what the wheel holds."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in PACKAGED:
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        copy(root / name, folder / "source" / name)
    options = ("-q", "--no-deps", "--no-index", "--no-build-isolation", "-w", folder)
    build = (sys.executable, "-m", "pip", "wheel", *options, folder / "source")
    subprocess.run(build, check=True, timeout=SECONDS)
    (wheel,) = folder.glob("*.whl")
    shutil.unpack_archive(wheel, folder / "wheel", "zip")
    return folder / "wheel"


def needed(package, *extras):
    """The names of the packages that one declares, and that these declare; checks the versions."""
    names = set()
    for line in package.requires or ():
        wanted = Requirement(line)
        environments = [{"extra": extra} for extra in ("", *extras)]
        if wanted.marker and not any(map(wanted.marker.evaluate, environments)):
            continue
        found = distribution(wanted.name)
        assert wanted.specifier.contains(found.version), f"{line}: {found.version} is tested"
        names |= {found.name} | needed(found, *wanted.extras)
    return names


@pytest.fixture(scope="module")
def run(wheel):
    """``run("print(1)", env, folder)`` is Python without what the wheel does not declare."""
    (package,) = distributions(path=[str(wheel)])
    declared = needed(package) | {"landrun"}
    modules = {name for name, of in packages_distributions().items() if not declared & {*of}}
    without = f"import sys; sys.modules.update(dict.fromkeys({modules}));"

    def run(code, env, cwd):
        command = [sys.executable, "-c", f"{without} {code}"]
        env |= {"PYTHONPATH": str(wheel)}
        return subprocess.run(
            command, env=env, cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    return run


def typed(*words):
    return f"sys.argv = ['landrun', *{words}]; from landrun_ops.cli import main; main()"


@pytest.mark.parametrize(
    ("words", "output"),
    [("runs --json", "["), ("report", "wrote report.html"), ("doctor", "function roles")],
)
def test_the_wheel_alone_works_on_a_stack(aws, run, tmp_path, words, output):
    done = run(typed(*words.split()), environment(aws, LANDRUN_STACK="landrun"), tmp_path)
    # 1 is what doctor found: other tests may have left dead-letter messages.
    assert done.returncode in (0, int(words == "doctor")), done.stderr
    assert output in done.stdout


def test_every_command_imports_what_the_wheel_declares(run, wheel, tmp_path):
    imports = "from importlib import import_module as load; from landrun_ops.cli import COMMANDS"
    code = f"{imports}; print([load(f'landrun_ops.cli.{{name}}').__file__ for name in COMMANDS])"
    done = run(code, {}, tmp_path)
    assert (done.stderr, done.stdout.count(str(wheel))) == ("", done.stdout.count(".py"))


@pytest.mark.parametrize(
    ("words", "in_repository", "remedy"),
    [
        ("local up", False, "no template.yaml in"),
        ("local up", True, "pipx install --force '.[local]'"),
        ("workflow render", True, "pipx install --force '.[workflow]'"),
    ],
)
def test_what_needs_the_repository_or_an_extra_says_so_in_one_line(
    root, run, tmp_path, words, in_repository, remedy
):
    env = {"HOME": str(tmp_path), "LANDRUN_STATE_DIR": str(tmp_path / "state")}
    done = run(typed(*words.split()), env, root if in_repository else tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("landrun: ")
    assert remedy in line


def test_the_extras_name_packages_of_this_environment_in_ranges_that_hold(wheel):
    (package,) = distributions(path=[str(wheel)])
    assert {"moto", "sagemaker"} <= needed(package, "local", "workflow") - needed(package)
