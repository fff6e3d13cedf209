"""``landrun image``: build the Processing job's container image, and push it for a stack."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from landrun_ops.actions import image as images
from landrun_ops.actions.docker import Docker
from landrun_ops.cli import options, target
from landrun_ops.cli.console import say, show_json

IMAGE = "landrun-preprocess"
"""The image's name on this machine; Spark's ends with the engine."""

Engine = StrEnum("Engine", ["script", "spark"])


def image(
    *,
    stack: Annotated[str, options.option("NAME", "Also push the image for this stack.")] = "",
    profile: target.ProfileOption = "",
    region: target.RegionOption = "",
    platform: Annotated[
        str,
        options.option(
            "OS/ARCH",
            "The platform to build for. Default: linux/amd64 with --stack, as SageMaker's instances"
            " are; this machine's without.",
        ),
    ] = "",
    engine: Annotated[
        Engine | None,
        options.flag(
            "The job's engine. Default: the stack's parameter Engine with --stack, otherwise"
            " script."
        ),
    ] = None,
    base_image: Annotated[
        str,
        options.option(
            "IMAGE",
            "The image to build on. Default: the Dockerfile's or, for Spark with --stack,"
            " SageMaker's Spark image of the stack's region; Docker must be signed in to its"
            " registry.",
        ),
    ] = "",
    name: Annotated[
        str,
        options.option(
            "IMAGE", f"The image's local name. Default: {IMAGE}; for Spark {IMAGE}-spark."
        ),
    ] = "",
    run_as: Annotated[
        str, typer.Option(metavar="USER", help="The user that runs the job: landrun, or root.")
    ] = "landrun",
    project: target.ProjectOption = None,
    json: options.JsonOption = False,
) -> None:
    """Build the Processing job's image from src/processing and, with --stack, push it as latest.

    Prints the image's name, with its digest if it was pushed. Deploy with ImageUri set to that
    name, so that the image cannot be replaced unnoticed.

    Example: landrun image --stack landrun
    """
    folder = target.project_folder(project, Path.cwd()) / "src" / "processing"
    docker = Docker()
    found = target.Target(stack, profile, region).find() if stack else None
    repository = images.repository(found) if found else None  # before the build, which takes longer
    if found:
        engine = engine or Engine(found.parameters.get("Engine") or "script")
        platform = platform or images.SAGEMAKER_PLATFORM
        if engine == Engine.spark and not base_image:
            base_image = images.spark_base(found.region)
    arguments = {"BASE_IMAGE": base_image}
    if engine != Engine.spark:  # SageMaker's Spark image runs as root and nothing else
        arguments["RUN_AS"] = run_as
    name = name or (f"{IMAGE}-spark" if engine == Engine.spark else IMAGE)
    images.build(docker, folder, name, engine=engine or "script", platform=platform, **arguments)
    made = images.push(docker, name, repository, "latest") if repository else name
    if json:
        show_json({"image": made})
    else:
        say(made)
