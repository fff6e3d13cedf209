"""``landrun image``: build the Processing job's container image, and push it for a stack."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from landrun_ops.cli import options
from landrun_ops.cli import target as places
from landrun_ops.cli.console import show_json

IMAGE = "landrun-preprocess"
"""What the image is called on this machine; Spark's has its engine behind that."""


class Engine(StrEnum):
    """What the job runs on."""

    script = "script"
    spark = "spark"


def image(
    *,
    stack: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Push to this stack's repository, too.",
        ),
    ] = "",
    profile: places.ProfileOption = "",
    region: places.RegionOption = "",
    tag: Annotated[str, typer.Option(metavar="TAG", help="Pushed under this tag.")] = "latest",
    platform: Annotated[
        str,
        typer.Option(
            metavar="OS/ARCH",
            help="Build for it; else for linux/amd64, as SageMaker's instances are, with --stack,"
            " and for this machine without.",
            show_default=False,
        ),
    ] = "",
    engine: Annotated[
        Engine | None,
        typer.Option(
            help="What the job runs on; else the stack's parameter Engine with --stack, and script"
            " without.",
            show_default=False,
        ),
    ] = None,
    base_image: Annotated[
        str,
        typer.Option(
            metavar="IMAGE",
            help="What to build on; else what the Dockerfile names or, for Spark with --stack,"
            " SageMaker's Spark image of the stack's region, for whose registry Docker must be"
            " signed in.",
            show_default=False,
        ),
    ] = "",
    name: Annotated[
        str,
        typer.Option(
            metavar="IMAGE",
            help=f"What to call it on this machine; else {IMAGE}, for Spark {IMAGE}-spark.",
            show_default=False,
        ),
    ] = "",
    run_as: Annotated[
        str, typer.Option(metavar="USER", help="Who runs the job: landrun, or root.")
    ] = "landrun",
    project: places.ProjectOption = None,
    json: options.JsonOption = False,
) -> None:
    """Build the Processing job's image from src/processing; given a stack, push it.

    Ends with the image's name, or, pushed, with the name that has its digest: deploy with
    ImageUri set to that and nobody can put another in its place.

    Example: landrun image --stack landrun
    """
    folder = places.project_folder(project, Path.cwd())
    # Late: boto3 takes longer to import than --help may take.
    from landrun_ops.actions import image as images  # noqa: PLC0415
    from landrun_ops.actions.docker import Docker  # noqa: PLC0415
    from landrun_ops.stack import stack as stacks  # noqa: PLC0415

    docker = Docker()
    code = folder / "src" / "processing"
    if not stack:
        chosen = engine or Engine.script
        options = _options(chosen, base_image, run_as)
        images.build(docker, code, _name(name, chosen), platform, options, engine=chosen)
        _say(_name(name, chosen), json=json)
        return
    # First: building takes longer than failing here.
    found = stacks.find(stack, profile=profile, region=region)
    repository = images.repository(found)
    chosen = engine or Engine(found.parameters.get("Engine") or "script")
    if chosen == Engine.spark and not base_image:
        base_image = images.spark_base(found.region)
    options, wanted = _options(chosen, base_image, run_as), platform or images.SAGEMAKER_PLATFORM
    images.build(docker, code, _name(name, chosen), wanted, options, engine=chosen)
    _say(images.push(docker, _name(name, chosen), repository, tag), json=json)


def _options(engine: Engine, base_image: str, run_as: str) -> dict[str, str]:
    """Give the Dockerfile's arguments; SageMaker's Spark image runs as root and nothing else."""
    base = {"BASE_IMAGE": base_image}
    return base if engine == Engine.spark else {**base, "RUN_AS": run_as}


def _name(name: str, engine: Engine) -> str:
    return name or (IMAGE if engine == Engine.script else f"{IMAGE}-{engine}")


def _say(name: str, *, json: bool) -> None:
    if json:
        show_json({"image": name})
    else:
        typer.echo(name)
