"""``landrun image``: build the Processing job's container image, and push it for a stack."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from landrun_ops.cli import options
from landrun_ops.cli.console import complain, say, show_json
from landrun_ops.cli.target import ProfileOption, ProjectOption, RegionOption, project_folder

IMAGE = "landrun-preprocess"
"""The image's name on this machine; Spark's ends with the engine."""


class Engine(StrEnum):
    """What the job runs on."""

    script = "script"
    spark = "spark"


def image(
    *,
    stack: Annotated[
        str,
        typer.Option(metavar="NAME", help="Push it to this stack's repository, too."),
    ] = "",
    profile: ProfileOption = "",
    region: RegionOption = "",
    tag: Annotated[str, typer.Option(metavar="TAG", help="The tag to push.")] = "latest",
    platform: Annotated[
        str,
        typer.Option(
            metavar="OS/ARCH",
            help="The platform to build for. Default: linux/amd64 with --stack, as SageMaker's"
            " instances are; this machine's without.",
            show_default=False,
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
        typer.Option(
            metavar="IMAGE",
            help="The image to build on. Default: the Dockerfile's or, for Spark with --stack,"
            " SageMaker's Spark image of the stack's region; Docker must be signed in to its"
            " registry.",
            show_default=False,
        ),
    ] = "",
    name: Annotated[
        str,
        typer.Option(
            metavar="IMAGE",
            help=f"Its name on this machine. Default: {IMAGE}, for Spark {IMAGE}-spark.",
            show_default=False,
        ),
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
    folder = project_folder(project, Path.cwd())
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
        _show(_name(name, chosen), json=json)
        return
    # First: building takes longer than failing here.
    found = stacks.find(stack, profile=profile, region=region, report=complain)
    repository = images.repository(found)
    chosen = engine or Engine(found.parameters.get("Engine") or "script")
    if chosen == Engine.spark and not base_image:
        base_image = images.spark_base(found.region)
    options, wanted = _options(chosen, base_image, run_as), platform or images.SAGEMAKER_PLATFORM
    images.build(docker, code, _name(name, chosen), wanted, options, engine=chosen)
    _show(images.push(docker, _name(name, chosen), repository, tag), json=json)


def _options(engine: Engine, base_image: str, run_as: str) -> dict[str, str]:
    """Return the Dockerfile's arguments; SageMaker's Spark image runs as root and nothing else."""
    base = {"BASE_IMAGE": base_image}
    return base if engine == Engine.spark else {**base, "RUN_AS": run_as}


def _name(name: str, engine: Engine) -> str:
    return name or (IMAGE if engine == Engine.script else f"{IMAGE}-{engine}")


def _show(name: str, *, json: bool) -> None:
    if json:
        show_json({"image": name})
    else:
        say(name)
