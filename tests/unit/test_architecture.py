"""Which module may import which: the arrows of the design, held by reading the source."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "src/functions/landrun"
OPS = ROOT / "src/ops/landrun_ops"
PROCESSING = ROOT / "src/processing"

# Each layer may import itself and those above it, never one below.
LAYERS = {"clock": 0, "errors": 0, "models": 0, "sanitize": 0, "adapters": 1, "handlers": 3}
LAYERS |= {"observability": 2, "services": 2, "settings": 2}
MAY_IMPORT = {
    "stack": {"stack"},
    "actions": {"actions", "stack", "workflow"},
    "doctor": {"actions", "doctor", "stack", "workflow"},
    "web": {"web", "stack"},
}
PACKAGES = {"actions", "cli", "doctor", "local", "stack", "web", "workflow"}
AWS = {"boto3", "botocore"}
HANDLERS = [
    FUNCTIONS / f"handlers/{name}.py"
    for name in ("object_created", "schedule", "execution_status", "reconcile")
]
IN_SPARKS_IMAGE = {"boto3", "botocore", "py4j", "pyspark"}
"""What SageMaker's Spark container has, and is used as it is there."""


def modules(folder):
    return sorted(path for path in folder.rglob("*.py") if path.name != "__init__.py")


@lru_cache
def tree(path):
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports(path):
    """All modules that a file imports, wherever in it."""
    found = set()
    for node in tree(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def top_level(path):
    return {name.partition(".")[0] for name in imports(path)}


def own(path, package="landrun"):
    """The modules of ours that a file imports, by their first name below the package."""
    return {name.split(".")[1] for name in imports(path) if name.startswith(f"{package}.")}


@pytest.mark.parametrize("path", modules(FUNCTIONS), ids=lambda path: path.stem)
def test_every_module_of_the_functions_imports_only_layers_above_it_and_nothing_of_ops(path):
    layer = path.relative_to(FUNCTIONS).with_suffix("").parts[0]

    assert layer in LAYERS, f"place {layer} in a layer of this test"
    assert not any(name.startswith(".") for name in imports(path)), "write absolute imports"
    assert all(LAYERS[imported] <= LAYERS[layer] for imported in own(path))
    assert not top_level(path) & {"landrun_ops", "moto", "sagemaker", "stepfunctions"}
    assert layer == "adapters" or not top_level(path) & AWS


def test_errors_import_nothing_of_ours_but_sanitize():
    assert not own(FUNCTIONS / "sanitize.py")
    assert own(FUNCTIONS / "errors.py") <= {"sanitize"}


@pytest.mark.parametrize("path", modules(PROCESSING), ids=lambda path: path.stem)
def test_the_processing_script_imports_nothing_of_ours(path):
    store = path == PROCESSING / "cluster/store.py"

    assert not top_level(path) & {"landrun", "landrun_ops", *(() if store else AWS)}


def test_sparks_image_has_all_that_its_job_imports():
    """Wheels and code go into the image: machine code cannot be shipped by --py-files."""
    dockerfile = (PROCESSING / "Dockerfile.spark").read_text(encoding="utf-8")
    pinned = (PROCESSING / "requirements-spark.txt").read_text(encoding="utf-8")
    wheels = set(re.findall(r"^([a-z0-9_-]+)==", pinned, re.MULTILINE))
    copied = set(re.findall(r"^COPY (\S+) /opt/program/", dockerfile, re.MULTILINE))
    ignored = (PROCESSING / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kinds = {path.suffix for path in (PROCESSING / "messages").iterdir() if path.is_file()}
    files = [path for name in ("cluster", "messages") for path in modules(PROCESSING / name)]
    found = set().union(*map(top_level, [PROCESSING / "preprocess.py", *files]))

    assert copied == {"requirements-spark.txt", "preprocess.py", "cluster", "messages"}
    assert {f"!messages/*{kind}" for kind in kinds} <= set(ignored)
    assert found - sys.stdlib_module_names <= wheels | IN_SPARKS_IMAGE | {"cluster", "messages"}
    assert not wheels & IN_SPARKS_IMAGE
    assert "--require-hashes" in dockerfile


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_packages_about_a_stack_import_neither_the_laptop_nor_the_screen(folder):
    found = {path.stem: own(path, "landrun_ops") & PACKAGES for path in modules(OPS / folder)}

    assert {
        stem: wrong for stem, used in found.items() if (wrong := used - MAY_IMPORT[folder])
    } == {}


def test_sdks_and_clients_of_the_operators_commands_are_each_made_in_one_place():
    found = {path: imports(path) for path in modules(OPS)}
    sdks = [path for path in found if top_level(path) & {"sagemaker", "stepfunctions"}]
    makers = [path for path, used in found.items() if used & {"boto3", "botocore.session"}]

    assert sdks == [OPS / "workflow/sdk.py"]
    assert [path for path in makers if OPS / "local" not in path.parents] == [
        OPS / "stack/clients.py"
    ]


def test_only_settings_read_the_environment():
    readers = {
        path.name
        for path in modules(FUNCTIONS)
        for node in tree(path)
        if getattr(node, "attr", getattr(node, "id", "")) in ("environ", "getenv", "BaseSettings")
    }

    assert readers == {"settings.py"}


PROBE = """
import importlib, socket, sys
import boto3, botocore.session

def forbidden(*_, **__):
    raise SystemExit("a client was created, or a connection made, on import")

boto3.client = boto3.resource = botocore.session.Session.create_client = forbidden
socket.socket.connect = forbidden
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def test_only_a_handler_acts_on_import_others_need_no_environment_and_make_no_client():
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
