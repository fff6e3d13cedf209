"""``landrun workflow``: the notebook's workflow, rendered, created, drawn and executed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.errors import ConfigurationError, ServiceError
from landrun_ops.cli import target as places
from landrun_ops.cli.console import complain, show_json
from landrun_ops.cli.follow import follow
from landrun_ops.cli.state_machine import ARN_VARIABLE, client_of, found

if TYPE_CHECKING:
    from landrun_ops.workflow import WorkflowConfig

ASL = Path("src/statemachine/processing.asl.yaml")
_NO_AWS = ("NoCredentialsError", "NoRegionError", "EndpointConnectionError", "ProfileNotFound")

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

ArnOption = Annotated[
    str,
    typer.Option(
        "--state-machine-arn",
        metavar="ARN",
        envvar=ARN_VARIABLE,
        help="A state machine that exists already; else the stack's.",
        show_default=False,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings as TOML or JSON.", show_default=False),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="One setting, as instance_count=2, arguments='--lang de' or tags.team=ml; repeatable.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]


@app.callback()
def workflow() -> None:
    """Render, create, draw and execute the workflow: one SageMaker Processing job per run.

    Settings (--config, --set): name role processing_role engine image_uri entrypoint arguments
    environment instance_type instance_count volume_size_in_gb max_runtime_in_seconds
    timeout_in_seconds input_data_type input_distribution manifests job_name_prefix slot_queue
    limited_runs input_path output_path tags workflow_tags experiment_config volume_kms_key
    output_kms_key network

    Example: landrun workflow execute s3://bucket/in/ s3://bucket/out/ --wait
    """


@app.command()
def render(
    *,
    out: Annotated[str, typer.Option(metavar="FILE", help="Where to write; - is the screen.")] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if the file differs.")
    ] = False,
    config: ConfigOption = None,
    settings: SetOption = None,
    project: places.ProjectOption = None,
    json: JsonOption = False,
) -> int:
    """Write the state machine's definition for template.yaml; its parameters fill it in.

    Example: landrun workflow render --check
    """
    # Late, here and below: pydantic and the SDKs take longer to import than --help may take.
    from landrun_ops.workflow import render as rendered  # noqa: PLC0415

    text = rendered(_settings(config, settings))
    if out == "-":
        sys.stdout.write(text)
        return 0
    path = Path(out) if out else places.project_folder(project, Path.cwd()) / ASL
    if not check:
        _write(path, text)
    return _said(path, same=not check or _is(path, text), written=not check, json=json)


@app.command()
@places.on_stack
def create(
    target: places.Target,
    *,
    name: Annotated[str, typer.Option(metavar="NAME", help="The state machine's name.")] = "",
    role: Annotated[str, typer.Option(metavar="ARN", help="The role it assumes.")] = "",
    processing_role: Annotated[
        str, typer.Option(metavar="ARN", help="The role that its jobs assume.")
    ] = "",
    image: Annotated[str, typer.Option(metavar="URI", help="The jobs' container image.")] = "",
    config: ConfigOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Create the state machine in AWS (or on the laptop), and show its ARN.

    Example: landrun workflow create --config workflow.toml --set instance_count=2
    """
    from landrun_ops import workflow as machine  # noqa: PLC0415

    given = _given(name=name, role=role, processing_role=processing_role, image_uri=image)
    wanted = _config(config, settings, given)
    with _hinting():
        _show_arn(machine.create(wanted, client_of(target, "stepfunctions")), json=json)


@app.command()
@places.on_stack
def update(
    target: places.Target,
    *,
    arn: ArnOption = "",
    role: Annotated[
        str, typer.Option(metavar="ARN", help="The role it assumes; else the one it has.")
    ] = "",
    processing_role: Annotated[
        str, typer.Option(metavar="ARN", help="The role that its jobs assume.")
    ] = "",
    image: Annotated[str, typer.Option(metavar="URI", help="The jobs' container image.")] = "",
    config: ConfigOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Give a state machine that exists the definition that the settings make.

    Example: landrun workflow update --state-machine-arn ARN --config workflow.toml
    """
    from landrun_ops import workflow as machine  # noqa: PLC0415

    given = _given(role=role, processing_role=processing_role, image_uri=image)
    wanted = _config(config, settings, given)
    with _hinting():
        one = found(target, arn)
        _show_arn(machine.update(wanted, one.arn, one.client("stepfunctions")), json=json)


@app.command()
@places.on_stack
def graph(target: places.Target, *, arn: ArnOption = "", json: JsonOption = False) -> None:
    """Draw a state machine as a Mermaid diagram; without an ARN or a stack, template.yaml's.

    Example: landrun workflow graph > workflow.mmd
    """
    from landrun_ops import workflow as machine  # noqa: PLC0415

    if arn or target.stack:
        with _hinting():
            one = found(target, arn)
            drawn = machine.attach(one.arn, one.client("stepfunctions")).definition.to_dict()
    else:
        drawn = machine.template()
    if json:
        show_json(drawn)
    else:
        sys.stdout.write(machine.graph(drawn))


@app.command()
@places.on_stack
def execute(
    target: places.Target,
    input_uri: Annotated[
        str, typer.Argument(help="What to read: an object, a folder of objects, or a manifest.")
    ],
    output_uri: Annotated[str, typer.Argument(help="The folder to write to.")],
    *,
    arn: ArnOption = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until the run has ended, and say how.")
    ] = False,
    as_is: Annotated[
        bool,
        typer.Option(
            "--as-is",
            help="Pass both URIs unchanged and no Trigger, as a notebook does: for an S3Prefix.",
        ),
    ] = False,
    prefix: Annotated[
        str, typer.Option(metavar="WORD", help="What the run's name begins with.")
    ] = "landrun",
    manifests: Annotated[
        str,
        typer.Option(
            metavar="S3URI", help="Where the manifest goes; else manifests/ beside the outputs."
        ),
    ] = "",
    output_bucket: Annotated[
        str, typer.Option(envvar="LANDRUN_OUTPUT_BUCKET", help="The bucket of outputs, if known.")
    ] = "",
    landing_bucket: Annotated[
        str,
        typer.Option(envvar="LANDRUN_LANDING_BUCKET", help="The bucket of landings, if known."),
    ] = "",
    landing_prefix: Annotated[
        str | None, typer.Option(envvar="LANDRUN_LANDING_PREFIX", help="Where in it objects land.")
    ] = None,
    json: JsonOption = False,
) -> int:
    """Start a run by hand, as the notebook's execute() and get_output(wait=True) did.

    Exits with 1 when the run that it waited for did not succeed.

    Example: landrun workflow execute s3://bucket/in/ s3://bucket/out/ --wait
    """
    from landrun.models.run import manual_run_name  # noqa: PLC0415
    from landrun.models.s3_uri import S3Uri  # noqa: PLC0415
    from landrun_ops import workflow as machine  # noqa: PLC0415

    source, output = S3Uri.parse(input_uri), S3Uri.parse(output_uri)
    known = landing_bucket and landing_prefix is not None
    landing = S3Uri(landing_bucket, landing_prefix or "") if known else None
    with _hinting():
        one = found(target, arn)
        attached = machine.attach(one.arn, one.client("stepfunctions"))
        person = machine.who(one.client("sts"))
        bucket = one.output_bucket or output_bucket
        where = machine.places(output, manifests, bucket, one.landing or landing)
        where.refuse_landing(output, "the output")
        if as_is:
            run = machine.make_input(manual_run_name(prefix), input_uri, output_uri, person)
        else:
            run = machine.prepare(
                one.client("s3"),
                source,
                output,
                where,
                prefix=prefix,
                started_by=person,
                input_format=one.input_format,
            )
        inputs = run.to_dict()
        if as_is:
            del inputs["Trigger"]
        return follow(machine.execute(attached, inputs), inputs, wait=wait, json=json)


def _settings(path: Path | None, words: list[str] | None) -> dict[str, Any]:
    """Lay the words over the file."""
    from landrun_ops.workflow.settings import read_settings, with_words  # noqa: PLC0415

    return with_words(read_settings(path) if path else {}, words or ())


def _config(path: Path | None, words: list[str] | None, options: dict[str, str]) -> WorkflowConfig:
    """Lay the options over the words and the file."""
    from landrun_ops.workflow import WorkflowConfig  # noqa: PLC0415

    return WorkflowConfig.read({**_settings(path, words), **options})


def _given(**options: str) -> dict[str, str]:
    return {name: value for name, value in options.items() if value}


@contextmanager
def _hinting() -> Iterator[None]:
    """Say what to do where no AWS is set up at all."""
    try:
        yield
    except ServiceError as error:
        if error.code not in _NO_AWS:
            raise
        raise ConfigurationError(
            f"{error}; set up the AWS CLI's environment or, for the laptop's AWS, run"
            ' eval "$(landrun local env)"'
        ) from error


def _show_arn(arn: str, *, json: bool) -> None:
    if json:
        show_json({"StateMachineArn": arn})
    else:
        typer.echo(arn)


def _said(path: Path, *, same: bool, written: bool, json: bool) -> int:
    if not same:
        complain(f"{path} is not what the workflow renders: run landrun workflow render")
    if json:
        show_json({"path": str(path), "same": same, "written": written})
    elif written:
        typer.echo(f"wrote {path}")
    return 0 if same else 1


def _is(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except FileNotFoundError:
        return False


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
