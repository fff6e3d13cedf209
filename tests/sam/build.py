"""`sam validate --lint` and `sam build` of template.yaml and of every template in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from .steps import Failure, Steps
from .tools import ARCHITECTURE, ROOT, WORK, Tools, run

TEMPLATE = ROOT / "template.yaml"
BUILD = WORK / "build"
LARGEST = 20_000_000
"""Bytes that a function may have unpacked; Lambda's own limit is 250 MB."""


class _Loader(yaml.SafeLoader):
    """Reads templates; CloudFormation's tags are left as what they are put before."""


def _untagged(loader: _Loader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _untagged)


def resources(template: Path, kind: str) -> dict[str, dict[str, Any]]:
    """The properties of a template's resources of one type, by logical id."""
    content = yaml.load(template.read_text(encoding="utf-8"), _Loader)
    return {
        name: resource.get("Properties", {})
        for name, resource in content["Resources"].items()
        if resource["Type"] == f"AWS::Serverless::{kind}"
    }


def templates(top: Path = TEMPLATE) -> Iterator[Path]:
    """A template, and all that are nested in it."""
    yield top
    for application in resources(top, "Application").values():
        yield from templates((top.parent / application["Location"]).resolve())


def validate(tools: Tools, steps: Steps) -> None:
    """Lint each template by itself, two at a time."""

    def one(template: Path) -> None:
        command = [str(tools.sam), "validate", "--lint", "--template", str(template)]
        try:
            said = run(command, env=tools.environment(), cwd=ROOT)
            if "is a valid SAM Template" not in said:
                raise Failure(f"{template} is not said to be valid: {said}")
        except Failure as error:
            steps.fail(str(error))
        else:
            steps.say(f"   {template.relative_to(ROOT)} is valid")

    with ThreadPoolExecutor(2) as both:
        list(both.map(one, templates()))


def build(tools: Tools, steps: Steps) -> Path:
    """Build into a folder of our own; give the built template."""
    shutil.rmtree(BUILD, ignore_errors=True)
    command = [str(tools.sam), "build", "--build-dir", str(BUILD), "--template", str(TEMPLATE)]
    run([*command, *overrides()], env=tools.environment(), cwd=ROOT)
    built = BUILD / "template.yaml"
    for template in list(templates(built)):
        steps.say(f"   {template.relative_to(ROOT)}")
    for name, function in resources(built, "Function").items():
        compiled(tools, BUILD / function["CodeUri"])
        _check_built(BUILD / function["CodeUri"], function["Handler"], name, steps)
    return built


def compiled(tools: Tools, code: Path) -> None:
    """Compile what was built, as `make build` does; nothing else changes."""
    run(["sh", ROOT / "requirements" / "compile.sh", code], env=tools.environment())


def overrides() -> list[str]:
    return ["--parameter-overrides", f"Architecture={ARCHITECTURE}"]


def handlers(built: Path) -> dict[str, tuple[Path, str]]:
    """Where each function's code is built, and which handler of it is called."""
    return {
        name: (built.parent / function["CodeUri"], function["Handler"])
        for name, function in resources(built, "Function").items()
    }


def _check_built(code: Path, handler: str, name: str, steps: Steps) -> None:
    module = code.joinpath(*handler.split(".")[:-1]).with_suffix(".py")
    if not module.is_file():
        raise Failure(f"{name}: {handler} is not in what was built: no {module}")
    files = [path.stat().st_size for path in code.rglob("*") if path.is_file()]
    steps.say(f"   {name}: {len(files)} files, {sum(files) / 1e6:.1f} MB unpacked")
    if sum(files) > LARGEST:
        raise Failure(f"{name} has {sum(files):,} bytes, over {LARGEST:,}")


def write_variables(variables: dict[str, dict[str, str]], path: Path) -> Path:
    path.write_text(json.dumps(variables), encoding="utf-8")
    return path
