"""``landrun image``: build the Processing job's container image, and push it for a stack."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from landrun_ops.actions import image as images
from landrun_ops.actions.docker import Docker
from landrun_ops.cli import options
from landrun_ops.cli.console import say, show_json
from landrun_ops.cli.target import (
    ProfileOption,
    ProjectOption,
    RegionOption,
    Target,
    project_folder,
)

IMAGE = "landrun-preprocess"
"""The image's name on this machine; Spark's ends with the engine."""


class Engine(StrEnum):
    """What the job runs on."""

    script = "script"
    spark = "spark"


def _option(metavar: str, help_text: str) -> Any:
    return typer.Option(metavar=metavar, help=help_text, show_default=False)


def image(
    *,
    stack: Annotated[str, _option("NAME", "Push it to this stack's repository, too.")] = "",
    profile: ProfileOption = "",
    region: RegionOption = "",
    tag: Annotated[str, typer.Option(metavar="TAG", help="The tag to push.")] = "latest",
    platform: Annotated[
        str,
        _option(
            "OS/ARCH",
            "The platform to build for. Default: linux/amd64 with --stack, as SageMaker's instances"
            " are; this machine's without.",
        ),
    ] = "",
    engine: Annotated[
        Engine | None,
        typer.Option(
            help="What the job runs on. Default: the stack's parameter Engine with --stack, script"
            " without.",
            show_default=False,
        ),
    ] = None,
    base_image: Annotated[
        str,
        _option(
            "IMAGE",
            "The image to build on. Default: the Dockerfile's or, for Spark with --stack,"
            " SageMaker's Spark image of the stack's region; Docker must be signed in to its"
            " registry.",
        ),
    ] = "",
    name: Annotated[
        str,
        _option("IMAGE", f"Its name on this machine. Default: {IMAGE}, for Spark {IMAGE}-spark."),
    ] = "",
    run_as: Annotated[
        str, typer.Option(metavar="USER", help="The user that runs the job: landrun, or root.")
    ] = "landrun",
    project: ProjectOption = None,
    json: options.JsonOption = False,
) -> None:
    """Build the Processing job's image from src/processing and, with --stack, push it.

    Prints the image's name; of a pushed image, with its digest. Deploy with ImageUri set to that,
    and nobody can replace the image unnoticed.

    Example: landrun image --stack landrun
    """
    folder = project_folder(project, Path.cwd()) / "src" / "processing"
    docker = Docker()
    found = Target(stack, profile, region).find() if stack else None
    repository = images.repository(found) if found else None  # before the build, which takes longer
    if found:
        engine = engine or Engine(found.parameters.get("Engine") or "script")
        platform = platform or images.SAGEMAKER_PLATFORM
        if engine == Engine.spark and not base_image:
            base_image = images.spark_base(found.region)
    arguments = {"BASE_IMAGE": base_image}
    if engine == Engine.spark:
        name = name or f"{IMAGE}-spark"
    else:
        arguments["RUN_AS"] = run_as  # SageMaker's Spark image runs as root and nothing else
    name = name or IMAGE
    images.build(docker, folder, name, engine=engine or "script", platform=platform, **arguments)
    made = images.push(docker, name, repository, tag) if repository else name
    if json:
        show_json({"image": made})
    else:
        say(made)
