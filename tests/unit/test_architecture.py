"""Which module may import which: the arrows of the design, held by reading the source."""

import ast
import re
import sys
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "src/functions/landrun"
OPS = ROOT / "src/ops/landrun_ops"
PROCESSING = ROOT / "src/processing"

# Each layer may import itself and those above it, never one below.
LAYERS = {"clock": 0, "sanitize": 0, "errors": 1, "models": 2, "adapters": 3, "handlers": 5}
LAYERS |= {"observability": 4, "services": 4, "settings": 4}
MAY_IMPORT = {
    "stack": {"stack"},
    "actions": {"actions", "stack", "workflow"},
    "doctor": {"actions", "doctor", "stack", "workflow"},
    "web": {"web", "stack"},
}
PACKAGES = {"actions", "cli", "doctor", "local", "stack", "web", "workflow"}
AWS = {"boto3", "botocore"}
IN_SPARKS_IMAGE = {"boto3", "botocore", "py4j", "pyspark"}
"""What SageMaker's Spark container has, and is used as it is there."""


def modules(folder):
    return sorted(path for path in folder.rglob("*.py") if path.name != "__init__.py")


@lru_cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@lru_cache
def imports(path):
    """All modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(tree(path)):
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


@pytest.mark.parametrize("path", modules(PROCESSING), ids=lambda path: path.stem)
def test_the_processing_script_imports_nothing_of_ours(path):
    store = path == PROCESSING / "cluster/store.py"
    assert not top_level(path) & {"landrun", "landrun_ops", *(() if store else AWS)}


def test_sparks_image_has_all_that_its_job_imports():
    """Wheels and code go into the image: machine code cannot be shipped by --py-files."""
    dockerfile, pinned, ignored = (
        (PROCESSING / name).read_text(encoding="utf-8")
        for name in ("Dockerfile.spark", "requirements-spark.txt", ".dockerignore")
    )
    wheels = set(re.findall(r"^([a-z0-9_-]+)==", pinned, re.MULTILINE))
    copied = set(re.findall(r"^COPY (\S+) /opt/program/", dockerfile, re.MULTILINE))
    kinds = {path.suffix for path in (PROCESSING / "messages").iterdir() if path.is_file()}
    files = [path for name in ("cluster", "messages") for path in modules(PROCESSING / name)]
    found = set().union(*map(top_level, [PROCESSING / "preprocess.py", *files]))
    assert copied == {"requirements-spark.txt", "preprocess.py", "cluster", "messages"}
    assert {f"!messages/*{kind}" for kind in kinds} <= set(ignored.splitlines())
    assert found - sys.stdlib_module_names <= wheels | IN_SPARKS_IMAGE | {"cluster", "messages"}
    assert not wheels & IN_SPARKS_IMAGE
    assert "--require-hashes" in dockerfile


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_packages_about_a_stack_import_neither_the_laptop_nor_the_screen(folder):
    used = {path.stem: own(path, "landrun_ops") & PACKAGES for path in modules(OPS / folder)}
    assert {stem for stem, found in used.items() if not found <= MAY_IMPORT[folder]} == set()


def test_sdks_and_clients_of_the_operators_commands_are_each_made_in_one_place():
    sdks = [path for path in modules(OPS) if top_level(path) & {"sagemaker", "stepfunctions"}]
    makers = {path for path in modules(OPS) if imports(path) & {"boto3", "botocore.session"}}
    assert sdks == [OPS / "workflow/sdk.py"]
    assert makers - {*modules(OPS / "local")} == {OPS / "stack/clients.py"}


def test_only_settings_read_the_environment():
    readers = {
        path.name
        for path in modules(FUNCTIONS)
        for node in ast.walk(tree(path))
        if getattr(node, "attr", getattr(node, "id", "")) in ("environ", "getenv", "BaseSettings")
    }
    assert readers == {"settings.py"}


def test_only_handlers_read_their_settings_and_make_clients_when_they_are_imported():
    acting = {
        path.stem
        for path in modules(FUNCTIONS)
        for statement in tree(path).body
        for node in ast.walk(statement)
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef)
        and isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in ("client", "create_client", "load")
    }
    assert acting == {"object_created", "schedule", "execution_status", "reconcile"}
