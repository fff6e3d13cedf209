"""The tools: SAM's CLI in an environment of its own, and a Python 3.13 to build with."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .steps import Failure

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
WORK = ROOT / ".landrun" / "sam"
VENV = ROOT / ".venv-sam"
PYTHON = "3.13"
ARCHITECTURE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
"""Of this machine, as Lambda calls it: nothing is emulated."""

WHEELS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
REGION = "us-east-1"


@dataclass(frozen=True)
class Tools:
    """Where they are.

    Attributes
    ----------
    sam : Path
        The command.
    python : Path
        A Python of the functions' version, with pip.
    packages : Path
        What Lambda's own image brings along, installed in a folder: its runtime client and boto3.
    """

    sam: Path
    python: Path
    packages: Path

    @property
    def emulator(self) -> Path:
        """AWS's Lambda runtime interface emulator, out of the SAM CLI's package."""
        [packed] = VENV.glob(
            f"lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-{ARCHITECTURE}"
        )
        runnable = WORK / packed.name
        shutil.copyfile(packed, runnable)
        runnable.chmod(0o755)
        return runnable

    def environment(self) -> dict[str, str]:
        """The environment of the SAM CLI: a region, no account, no telemetry."""
        return bare_environment(PATH=f"{self.python.parent}{os.pathsep}{os.environ['PATH']}")


def bare_environment(**more: str) -> dict[str, str]:
    """This process's environment without whatever would lead to somebody's AWS account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": REGION,
        "SAM_CLI_TELEMETRY": "0",
        **more,
    }


def install() -> Tools:
    """Install what is not there yet, pinned and hashed."""
    WORK.mkdir(parents=True, exist_ok=True)
    lock = ROOT / "requirements" / "sam.txt"
    if _is_stale(VENV, lock):
        run([sys.executable, "-m", "venv", "--clear", VENV])
        _install(["--python", str(VENV / "bin" / "python")], lock, VENV / "bin" / "python")
        _is_made(VENV, lock)
    python = _find_python() or _make_python()
    return Tools(VENV / "bin" / "sam", python, _packages(python))


def run(command: Sequence[str | Path], *, timeout: float = 600, **how: object) -> str:
    """Run a command and give what it wrote to stdout.

    Raises
    ------
    Failure
        When it exits with another status than 0, with the last lines of what it said, or takes
        longer than ``timeout`` seconds.
    """
    words = [str(word) for word in command]
    done = finished(words, timeout, **how)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise Failure(f"{' '.join(words)} exited with {done.returncode}:\n{said}")
    return done.stdout


def finished(
    command: Sequence[str], timeout: float, **how: object
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever its exit status.

    Raises
    ------
    Failure
        When it takes longer than ``timeout`` seconds.
    """
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(  # type: ignore[call-overload]
            command, capture_output=True, text=True, timeout=timeout, check=False, **how
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(command)} took longer than {timeout:.0f} s") from None
    return done


def lambda_runtime(*arguments: str | Path) -> None:
    """Run lambda_runtime.sh; first get the one Debian package that it needs.

    Raises
    ------
    Failure
        When this is not a machine on which it works.
    """
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Failure("needs to be root on Debian to make it from packages")
    if not shutil.which("mmdebstrap"):
        run(["apt-get", "update", "-qq"])
        run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "mmdebstrap"])
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    run(["sh", HERE / "lambda_runtime.sh", *arguments], env={**os.environ, "PATH": path})


def _packages(python: Path) -> Path:
    lock, folder = HERE / "runtime.txt", WORK / "runtime"
    if _is_stale(folder, lock):
        shutil.rmtree(folder, ignore_errors=True)
        built_for = ["--python-version", PYTHON, "--only-binary", ":all:", "--target", str(folder)]
        _install([*built_for, "--python-platform", WHEELS[ARCHITECTURE]], lock)
        run([python, "-m", "compileall", "-q", folder])  # as pip does, and uv does not
        _is_made(folder, lock)
    return folder


def _install(how: Iterable[str], lock: Path, python: Path | None = None) -> None:
    """With uv; with pip where that fails, for it may know registries that uv does not."""
    uv = ROOT / ".venv" / "bin" / "uv"
    try:
        run([uv, "pip", "install", "-q", "--require-hashes", *how, "-r", lock])
    except Failure:
        if python is None:
            raise
        run([python, "-m", "pip", "install", "-q", "--require-hashes", "-r", lock])


def _is_stale(made: Path, lock: Path) -> bool:
    stamp = made / ".made-from"
    return not stamp.is_file() or stamp.read_text() != _digest(lock)


def _is_made(made: Path, lock: Path) -> None:
    (made / ".made-from").write_text(_digest(lock))


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _find_python() -> Path | None:
    """A Python on PATH, or one of pyenv's that is not; it must have pip, which `sam build` uses."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    on_path = shutil.which(f"python{PYTHON}")
    found = [*([Path(on_path)] if on_path else []), *pyenv.glob(f"versions/{PYTHON}.*/bin")]
    for place in found:
        python = place / f"python{PYTHON}" if place.is_dir() else place
        if _works(python):
            return python
    return None


def _works(python: Path) -> bool:
    asked = subprocess.run([python, "-c", "import pip, ssl"], capture_output=True, check=False)
    return asked.returncode == 0


def _make_python() -> Path:
    [pip] = VENV.glob("lib/*/site-packages/pip")
    lambda_runtime("python", WORK / "made", pip)
    return WORK / "made" / "python" / "bin" / f"python{PYTHON}"
