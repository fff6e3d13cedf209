"""Which module may import which: the arrows of the design, held by reading the source."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "src/functions/landrun"
OPS = ROOT / "src/ops/landrun_ops"
PROCESSING = ROOT / "src/processing"

# Each layer may import itself and those above it, never one below.
LAYERS = {
    "models": {"clock", "errors", "models", "sanitize"},
    "adapters": {"adapters"},
    "services": {"observability", "services", "settings"},
    "handlers": {"handlers"},
}
ORDER = list(LAYERS)
AWS = {"boto3", "botocore"}
HANDLERS = [
    FUNCTIONS / f"handlers/{name}.py"
    for name in ("object_created", "schedule", "execution_status", "reconcile")
]
IN_SPARKS_IMAGE = {"boto3", "botocore", "py4j", "pyspark"}
"""What SageMaker's Spark container has, and is used as it is there."""


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if path.name != "__init__.py")


def imports(path: Path) -> set[str]:
    """All modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level)
    return found


def top_level(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


def layer_of(module: str) -> int:
    return next(place for place, layer in enumerate(ORDER) if module in LAYERS[layer])


def own(path: Path) -> set[str]:
    """The modules of landrun that a file imports, by their first name below the package."""
    return {name.split(".")[1] for name in imports(path) if name.startswith("landrun.")}


@pytest.mark.parametrize("path", modules(FUNCTIONS), ids=lambda path: path.stem)
def test_every_module_of_the_functions_imports_only_layers_above_it(path: Path) -> None:
    relative = path.relative_to(FUNCTIONS).with_suffix("").parts[0]
    placed = set().union(*LAYERS.values())

    assert relative in placed, f"place {relative} in a layer of this test"
    assert not any(name.startswith(".") for name in imports(path)), "write absolute imports"
    assert own(path) <= placed
    assert all(layer_of(imported) <= layer_of(relative) for imported in own(path))


@pytest.mark.parametrize("path", modules(FUNCTIONS / "models"), ids=lambda path: path.stem)
def test_models_know_no_aws_client(path: Path) -> None:
    assert not top_level(path) & AWS


def test_errors_import_nothing_of_ours_but_sanitize() -> None:
    assert not own(FUNCTIONS / "sanitize.py")
    assert own(FUNCTIONS / "errors.py") <= {"sanitize"}


@pytest.mark.parametrize("path", modules(FUNCTIONS), ids=lambda path: path.stem)
def test_nothing_that_ships_imports_ops(path: Path) -> None:
    assert not top_level(path) & {"landrun_ops", "moto", "sagemaker", "stepfunctions"}


@pytest.mark.parametrize("path", modules(PROCESSING), ids=lambda path: path.stem)
def test_the_processing_script_imports_nothing_of_ours(path: Path) -> None:
    door = path == PROCESSING / "cluster/store.py"

    assert not top_level(path) & {"landrun", "landrun_ops", *(() if door else AWS)}


def test_what_sparks_job_imports_is_put_into_its_image() -> None:
    """Wheels and code go into the image: machine code cannot be shipped by --py-files."""
    dockerfile = (PROCESSING / "Dockerfile.spark").read_text(encoding="utf-8")
    pinned = (PROCESSING / "requirements-spark.txt").read_text(encoding="utf-8")
    wheels = set(re.findall(r"^([a-z0-9_-]+)==", pinned, re.MULTILINE))
    copied = set(re.findall(r"^COPY (\S+) /opt/program/", dockerfile, re.MULTILINE))
    copied -= {"requirements-spark.txt"}
    files = [PROCESSING / "preprocess.py"]
    files += [path for name in ("cluster", "messages") for path in modules(PROCESSING / name)]

    found = set().union(*map(top_level, files)) - sys.stdlib_module_names

    assert copied == {"preprocess.py", "cluster", "messages"}
    ignored = (PROCESSING / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kinds = {path.suffix for path in (PROCESSING / "messages").iterdir() if path.is_file()}
    assert {f"!messages/*{kind}" for kind in kinds} <= set(ignored)
    assert found - {"cluster", "messages"} <= wheels | IN_SPARKS_IMAGE
    assert not wheels & IN_SPARKS_IMAGE
    assert "--require-hashes" in dockerfile


MAY_IMPORT = {
    "stack": {"stack"},
    "actions": {"actions", "stack", "workflow"},
    "doctor": {"actions", "doctor", "stack", "workflow"},
    "web": {"web", "stack"},
}
PACKAGES = {"actions", "cli", "doctor", "local", "stack", "web", "workflow"}


@pytest.mark.parametrize(
    "path",
    [path for folder in MAY_IMPORT for path in modules(OPS / folder)],
    ids=lambda path: f"{path.parent.name}.{path.stem}",
)
def test_what_knows_a_stack_does_not_know_the_laptop_or_the_screen(path: Path) -> None:
    imported = {name.split(".")[1] for name in imports(path) if name.startswith("landrun_ops.")}

    assert imported & PACKAGES <= MAY_IMPORT[path.relative_to(OPS).parts[0]]


@pytest.mark.parametrize("path", modules(OPS), ids=lambda path: path.stem)
def test_the_sdks_are_imported_by_one_module_only(path: Path) -> None:
    if path != OPS / "workflow/sdk.py":
        assert not top_level(path) & {"sagemaker", "stepfunctions"}


def test_the_operators_commands_make_their_clients_in_one_place() -> None:
    commands = [path for path in modules(OPS) if "local" not in path.relative_to(OPS).parts]
    makers = [path for path in commands if imports(path) & {"boto3", "botocore.session"}]

    assert makers == [OPS / "stack/clients.py"]


def test_only_adapters_call_aws() -> None:
    callers = [path for path in modules(FUNCTIONS) if top_level(path) & AWS]

    assert {path.parent.name for path in callers} == {"adapters"}


def test_only_settings_read_the_environment() -> None:
    readers = {
        path.name
        for path in modules(FUNCTIONS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"))
        or (isinstance(node, ast.Name) and node.id in ("environ", "getenv", "BaseSettings"))
    }

    assert readers == {"settings.py"}


PROBE = """
import os, socket, sys

class Guarded(dict):
    def __getitem__(self, name): self.note(name); return dict.__getitem__(self, name)
    def get(self, name, default=None): self.note(name); return dict.get(self, name, default)
    def note(self, name):
        frame = sys._getframe(2)
        while frame and frame.f_globals.get("__name__", "") in ("os", "_collections_abc"):
            frame = frame.f_back
        if frame and frame.f_globals.get("__name__", "").startswith("landrun"):
            raise SystemExit(f"{frame.f_globals['__name__']} read {name} on import")

os.environ = Guarded(os.environ)
os.getenv = lambda name, default=None: os.environ.get(name, default)
import boto3, botocore.session
def forbidden(*_, **__): raise SystemExit("a client was created on import")
boto3.client = boto3.resource = botocore.session.Session.create_client = forbidden
socket.socket.connect = forbidden
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def test_only_a_handler_acts_on_import_others_read_no_environment_and_make_no_client() -> None:
    names = [
        ".".join(["landrun", *path.relative_to(FUNCTIONS).with_suffix("").parts])
        for path in modules(FUNCTIONS)
        if path not in HANDLERS
    ]

    probe = subprocess.run(
        [sys.executable, "-c", PROBE, *names],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src/functions")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert probe.returncode == 0, probe.stdout + probe.stderr
    assert len(names) + len(HANDLERS) == len(modules(FUNCTIONS))
