"""``landrun image``: build the Processing job's container image, and push it for a stack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landrun_ops.cli import options, places
from landrun_ops.cli.terminal import show_json

IMAGE = "landrun-preprocess"
"""What the image is called on this machine."""


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
    base_image: Annotated[
        str,
        typer.Option(
            metavar="IMAGE",
            help="What to build on; else what the Dockerfile names.",
            show_default=False,
        ),
    ] = "",
    name: Annotated[
        str, typer.Option(metavar="IMAGE", help="What to call it on this machine.")
    ] = IMAGE,
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
    from landrun_ops import image as images  # noqa: PLC0415
    from landrun_ops import stack as stacks  # noqa: PLC0415
    from landrun_ops.docker import Docker  # noqa: PLC0415

    docker = Docker()
    options = {"BASE_IMAGE": base_image, "RUN_AS": run_as}
    if not stack:
        images.build(docker, folder / "src" / "processing", name, platform, options)
        _say(name, json=json)
        return
    # First: building takes longer than failing here.
    repository = images.repository(stacks.find(stack, profile=profile, region=region))
    wanted = platform or images.SAGEMAKER_PLATFORM
    images.build(docker, folder / "src" / "processing", name, wanted, options)
    _say(images.push(docker, name, repository, tag), json=json)


def _say(name: str, *, json: bool) -> None:
    if json:
        show_json({"image": name})
    else:
        typer.echo(name)
