"""``landrun demo``: process the user's files on the laptop's AWS, from landing to output."""

import json as json_module
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from landrun.adapters.clients import translated
from landrun.adapters.s3_listing import list_objects
from landrun.errors import ConfigurationError
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions.land import Upload, check, files, land, run_of
from landrun_ops.cli import options
from landrun_ops.cli.console import console, is_live, note, say, show_json, stoppable
from landrun_ops.cli.follow import Followed, follow
from landrun_ops.cli.image import IMAGE
from landrun_ops.cli.local import parsed_parameters
from landrun_ops.cli.tables import runs_table
from landrun_ops.cli.target import ProjectOption, project_folder
from landrun_ops.local.settings import STACK
from landrun_ops.stack.engines import job_arguments
from landrun_ops.stack.job_logs import JobLogs
from landrun_ops.stack.stack import Stack, find
from landrun_ops.units import count

STATE_FOLDER = Path(".landrun", "demo-aws")
"""A folder of its own, as `landrun local up` may run at the same time."""

FORMATS = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")
COMPRESSIONS = ("", ".gz", ".zst", ".bz2")
DATA_SUFFIXES = tuple(form + packed for form in FORMATS for packed in COMPRESSIONS)
"""File name extensions that the default job reads."""

NEXT = """
what next:
  your own files     landrun demo FOLDER
  your own script    docs/bring-your-own.md: landrun demo --parameter JobEntrypoint=…
  a stack to keep    landrun local up
  a stack on AWS     docs/deploy.md"""


def demo(
    source: Annotated[
        Path | None,
        options.argument("INPUT", "A file or folder of messages. Default: the project's samples."),
    ] = None,
    *,
    arguments: Annotated[str, options.option("TEXT", "Appended to the job's arguments.")] = "",
    parameter: Annotated[
        list[str] | None,
        options.option("NAME=VALUE", "A parameter of the template; repeatable."),
    ] = None,
    patience: options.PatienceOption = 120,
    docker: Annotated[
        bool, options.flag("Run the jobs in their container, as SageMaker does.", "--docker")
    ] = False,
    image: Annotated[
        str, typer.Option(metavar="IMAGE", help="The container's image, with --docker.")
    ] = IMAGE,
    project: ProjectOption = None,
    json: options.JsonOption = False,
) -> int:
    """Land files in S3 on the laptop's AWS, and show their runs.

    Starts AWS on the laptop, deploys template.yaml, lands each file, follows its run, and leaves
    the outputs in .landrun/demo. --parameter "JobEntrypoint=python3 /opt/program/count_lines.py"
    runs a script of your own. Exits with 1 when a run failed.

    Example: landrun demo messages.csv --arguments "--text-column v2"
    """
    folder = project_folder(project, Path.cwd())
    parameters = _with_arguments(parsed_parameters(parameter or []), arguments)
    data, others = data_files(source or folder / "samples")
    if others:
        (note if json else say)(f"left out, not data or empty: {', '.join(others)}")
    engine = None
    if docker:
        from landrun_ops.local.processing_job.docker_container import connect  # noqa: PLC0415

        remedy = "make image builds the project's own, --image names another"
        engine, parameters["ImageUri"] = connect(image, remedy), image
    outputs, state = folder / ".landrun" / "demo", folder / STATE_FOLDER
    if is_live(stderr=True):
        note("starting AWS on this laptop and deploying template.yaml")
    from landrun_ops.local import LocalAws  # noqa: PLC0415  (takes a second)

    laptop = LocalAws.up(folder, state_dir=state, report=note, parameters=parameters, docker=engine)
    with stoppable(), laptop as aws:
        stack = find(STACK, environment=aws.environment())
        followed = _land(stack, data)
        if not json:
            say(f"landed {count(len(followed), 'file')}")
        follow(stack, followed, patience=patience, quiet=json)
        for one in followed:
            if one.run:
                fetch(stack, one.run, outputs / one.label)
    if json:
        runs = [(one.label, one.run.attributes()) for one in followed if one.run]
        show_json([{"file": name, "output": str(outputs / name), "run": run} for name, run in runs])
    else:
        _show_results(followed, outputs)
    return 0 if all(one.succeeded for one in followed) else 1


def _with_arguments(parameters: dict[str, str], arguments: str) -> dict[str, str]:
    """Append arguments to those of the job."""
    if not arguments.strip():
        return parameters
    words = [*job_arguments(parameters), *arguments.split()]
    return parameters | {"JobArguments": json_module.dumps(words)}


def data_files(source: Path) -> tuple[list[tuple[Path, str]], list[str]]:
    """Return the data files with their names, and the names of the files left out.

    Raises ConfigurationError when there is no such file or folder, or nothing in it to land.
    """
    data, others = list[tuple[Path, str]](), list[str]()
    for file, name in files(source):
        # An empty object starts no run, so there is nothing to wait for.
        if name.lower().endswith(DATA_SUFFIXES) and file.stat().st_size:
            data.append((file, name))
        else:
            others.append(name)
    if not data:
        forms, packed = ", ".join(FORMATS), ", ".join(COMPRESSIONS[1:])
        raise ConfigurationError(f"{source} has no data in {forms}, plain or as {packed}")
    return data, others


def fetch(stack: Stack, run: RunRecord, folder: Path) -> None:
    """Download a run's output into a folder; if it failed, also its job's log, as ``job.log``.

    Raises ServiceError when AWS refuses a call.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    prefix = S3Uri.parse(str(run.output_processed_message))
    s3 = stack.client("s3")
    for found in list_objects(s3, prefix):
        file = folder / found.key.removeprefix(prefix.key)
        file.parent.mkdir(parents=True, exist_ok=True)
        with translated("s3:GetObject"):
            s3.download_file(prefix.bucket, found.key, str(file))
    if run.job_name and not run.succeeded:
        lines = JobLogs(stack.client("logs")).lines(f"{run.job_name}/")
        text = "".join(f"{line.message}\n" for line in lines)
        (folder / "job.log").write_text(text, encoding="utf-8")


def _land(stack: Stack, data: Sequence[tuple[Path, str]]) -> list[Followed]:
    uploads = [Upload(file, f"{stack.landing.key}{name}") for file, name in data]
    check(stack, uploads)
    landed = [land(stack, upload) for upload in uploads]
    return [
        Followed(name, partial(run_of, stack, one))
        for (_, name), one in zip(data, landed, strict=True)
    ]


def _show_results(followed: Sequence[Followed], outputs: Path) -> None:
    here = Path.cwd()
    say("")
    console().print(runs_table([one.run for one in followed if one.run]))
    say("")
    say("outputs, and the logs of jobs that failed:")
    for one in followed:
        path = outputs / one.label
        short = path.relative_to(here) if path.is_relative_to(here) else path
        if path.exists():
            say(f"  {short}/{'' if one.succeeded else 'job.log'}")
    typer.echo(NEXT)
