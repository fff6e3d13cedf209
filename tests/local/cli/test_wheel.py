"""The wheel alone, without the repository: what it declares is enough on a deployed stack.

The environment is fresh, and holds the wheel and the packages that it declares, with theirs: they
are linked from this environment, which has the versions of requirements/ops.txt, so that no
registry is needed. What is not declared cannot be imported.
"""

import os
import shutil
import subprocess
import sys
import venv
from importlib.metadata import distribution, distributions

import pytest
from packaging.requirements import Requirement

from local.commands import SECONDS, environment, installed

FILES = ("pyproject.toml", "README.md", "LICENSE")
PACKAGED = (*FILES, "src/functions/landrun", "src/ops/landrun_ops")


@pytest.fixture(scope="module")
def command(root, tmp_path_factory):
    """``landrun`` of the wheel, in an environment of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in PACKAGED:
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        copy(root / name, folder / "source" / name)
    pip = (sys.executable, "-m", "pip", "-q", "--python", sys.executable)
    offline = ("--no-deps", "--no-index")
    build = (*pip, "wheel", *offline, "--no-build-isolation", "-w", folder, folder / "source")
    subprocess.run(build, check=True, timeout=SECONDS)
    venv.create(folder / "venv")
    (wheel,) = folder.glob("*.whl")
    install = (*pip[:-1], folder / "venv/bin/python", "install", *offline, wheel)
    subprocess.run(install, check=True, timeout=SECONDS)
    (site,) = (folder / "venv/lib").glob("python3*/site-packages")
    (installed,) = distributions(path=[str(site)])
    for needed in closure(installed, set()):
        link(needed, site)
    return folder / "venv/bin/landrun"


def closure(package, found, extras=frozenset()):
    """Find what a package declares that it needs, and what that needs; checks the versions."""
    for line in package.requires or ():
        wanted = Requirement(line)
        environments = [{"extra": extra} for extra in ("", *extras)]
        if wanted.marker and not any(map(wanted.marker.evaluate, environments)):
            continue
        needed = distribution(wanted.name)
        assert wanted.specifier.contains(needed.version), f"{line}: {needed.version} is tested"
        key = f"{wanted.name}{sorted(wanted.extras)}"
        if key not in found:
            found.add(key)
            yield needed
            yield from closure(needed, found, frozenset(wanted.extras))


def link(package, site):
    for name in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
        target = site / name
        if not target.exists():
            target.symlink_to(os.fspath(package.locate_file(name)))


@pytest.mark.parametrize(
    ("words", "output"),
    [
        ("runs --json", "["),
        ("report", "wrote report.html"),
        ("doctor", "function roles"),
    ],
)
def test_the_wheel_alone_works_on_a_stack(aws, command, tmp_path, words, output):
    env = environment(aws, LANDRUN_STACK="landrun")
    done = installed(env, *words.split(), command=str(command), cwd=tmp_path)
    # 1 is what doctor found: other tests may have left dead-letter messages.
    assert done.returncode in (0, int(words == "doctor")), done.stderr
    assert output in done.stdout


def test_every_command_imports_what_the_wheel_declares(command):
    imports = "from importlib import import_module as load; from landrun_ops.cli import COMMANDS"
    code = f"{imports}; [load(f'landrun_ops.cli.{{name}}') for name in COMMANDS]"
    subprocess.run([command.with_name("python"), "-c", code], check=True, timeout=SECONDS)


@pytest.mark.parametrize(
    ("words", "in_repository", "remedy"),
    [
        ("local up", False, "no template.yaml in"),
        ("local up", True, "pipx install --force '.[local]'"),
        ("workflow render", True, "pipx install --force '.[workflow]'"),
    ],
)
def test_what_needs_the_repository_or_an_extra_says_so_in_one_line(
    root, command, tmp_path, words, in_repository, remedy
):
    env = {"HOME": str(tmp_path), "LANDRUN_STATE_DIR": str(tmp_path / "state")}
    folder = root if in_repository else tmp_path
    done = installed(env, *words.split(), command=str(command), cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("landrun: ")
    assert remedy in line


@pytest.mark.parametrize("extra", ["local", "workflow"])
def test_an_extra_names_packages_of_this_environment_in_ranges_that_hold(command, extra):
    (site,) = (command.parents[1] / "lib").glob("python3*/site-packages")
    (installed,) = distributions(path=[str(site)], name="landrun")
    assert list(closure(installed, set(), frozenset([extra])))
