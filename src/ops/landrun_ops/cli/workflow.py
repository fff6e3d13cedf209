"""``landrun workflow``: the notebook's workflow, rendered, created, drawn and executed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.errors import ConfigurationError
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, say, show_json
from landrun_ops.cli.state_machine import ARN_VARIABLE, Machine, clients_of, find_machine
from landrun_ops.cli.target import ProjectOption, Target, on_stack, project_folder

if TYPE_CHECKING:
    from landrun.models.run import ExecutionInput
    from landrun.models.s3_uri import S3Uri
    from landrun_ops.workflow import WorkflowConfig

ASL = Path("src/statemachine/processing.asl.yaml")
FLAGS = {"role": "--role", "processing_role": "--processing-role", "image_uri": "--image"}
"""Settings that have an option of their own."""

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


def _option(flag: str, metavar: str, help_text: str, **more: Any) -> Any:
    return typer.Option(flag, metavar=metavar, help=help_text, show_default=False, **more)


ArnOption = Annotated[
    str,
    _option(
        "--state-machine-arn",
        "ARN",
        "An existing state machine. Default: the stack's.",
        envvar=ARN_VARIABLE,
    ),
]
ConfigOption = Annotated[Path | None, _option("--config", "FILE", "Settings as TOML or JSON.")]
SetOption = Annotated[
    list[str] | None,
    _option(
        "--set",
        "NAME=VALUE",
        "A setting, such as instance_count=2, arguments='--lang de' or tags.team=ml; repeatable.",
    ),
]
RoleOption = Annotated[str, _option("--role", "ARN", "The role that the state machine assumes.")]
ProcessingRoleOption = Annotated[
    str, _option("--processing-role", "ARN", "The role that the Processing jobs assume.")
]
ImageOption = Annotated[str, _option("--image", "URI", "The container image of the jobs.")]


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
    out: Annotated[str, typer.Option(metavar="FILE", help="Where to write; - is stdout.")] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if the file differs.")
    ] = False,
    config: ConfigOption = None,
    settings: SetOption = None,
    project: ProjectOption = None,
    json: options.JsonOption = False,
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
    path = Path(out) if out else project_folder(project, Path.cwd()) / ASL
    if not check:
        _write(path, text)
    same = path.is_file() and path.read_text(encoding="utf-8") == text
    if not same:
        complain(f"{path} is not what the workflow renders: run landrun workflow render")
    if json:
        show_json({"path": str(path), "same": same, "written": not check})
    elif not check:
        say(f"wrote {path}")
    return 0 if same else 1


@app.command()
@on_stack
def create(
    target: Target,
    *,
    name: Annotated[str, _option("--name", "NAME", "The state machine's name.")] = "",
    role: RoleOption = "",
    processing_role: ProcessingRoleOption = "",
    image: ImageOption = "",
    config: ConfigOption = None,
    settings: SetOption = None,
    json: options.JsonOption = False,
) -> None:
    """Create the state machine in AWS (or on the laptop), and show its ARN.

    Example: landrun workflow create --config workflow.toml --set instance_count=2
    """
    given = {"name": name, "role": role, "processing_role": processing_role, "image_uri": image}
    wanted = _config(_settings(config, settings), given, needed=FLAGS)
    from landrun_ops.workflow import create as created  # noqa: PLC0415

    _show_arn(created(wanted, clients_of(target)("stepfunctions")), json=json)


@app.command()
@on_stack
def update(
    target: Target,
    *,
    arn: ArnOption = "",
    role: RoleOption = "",
    processing_role: ProcessingRoleOption = "",
    image: ImageOption = "",
    config: ConfigOption = None,
    settings: SetOption = None,
    json: options.JsonOption = False,
) -> None:
    """Replace an existing state machine's definition, and its role if --role names one.

    Example: landrun workflow update --state-machine-arn ARN --config workflow.toml
    """
    given = {"role": role, "processing_role": processing_role, "image_uri": image}
    needed = ("processing_role", "image_uri")
    wanted = _config(_settings(config, settings), given, needed=needed)
    from landrun_ops.workflow import update as updated  # noqa: PLC0415

    machine = find_machine(target, arn)
    updated(wanted, machine.arn, machine.client("stepfunctions"))
    _show_arn(machine.arn, json=json)


@app.command()
@on_stack
def graph(target: Target, *, arn: ArnOption = "", json: options.JsonOption = False) -> None:
    """Draw a state machine as a Mermaid diagram; without an ARN or a stack, template.yaml's.

    Example: landrun workflow graph > workflow.mmd
    """
    from landrun_ops import workflow  # noqa: PLC0415
    from landrun_ops.workflow.definition_file import parse  # noqa: PLC0415

    if arn or target.stack:
        machine = find_machine(target, arn)
        described = workflow.describe(machine.arn, machine.client("stepfunctions"))
        definition = parse(described["definition"])
    else:
        definition = workflow.template()
    if json:
        show_json(definition)
    else:
        sys.stdout.write(workflow.graph(definition))


@app.command()
@on_stack
def execute(
    target: Target,
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="What to read: an object, a folder of objects, or a manifest."
        ),
    ],
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="The folder to write to.")],
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
        str, typer.Option(metavar="WORD", help="The beginning of the run's name.")
    ] = "landrun",
    json: options.JsonOption = False,
) -> int:
    """Start a run by hand, as the notebook's execute() and get_output(wait=True) did.

    Exits with 1 when the run that it waited for did not succeed.

    Example: landrun workflow execute s3://bucket/in/ s3://bucket/out/ --wait
    """
    from landrun.models.s3_uri import S3Uri  # noqa: PLC0415
    from landrun_ops import workflow  # noqa: PLC0415

    uris = S3Uri.parse(source), S3Uri.parse(output)
    machine = find_machine(target, arn)
    steps = machine.client("stepfunctions")
    workflow.describe(machine.arn, steps)  # or no manifest is written
    run = _prepare(machine, *uris, prefix, as_is=as_is)
    inputs = run.to_dict()
    if as_is:
        del inputs["Trigger"]
    execution = workflow.execute(machine.arn, inputs, steps)
    if not json:
        say(f"started {run.PreprocessingJobName}, reading {run.InputMessage}")
    if not wait:
        if json:
            show_json({"ExecutionArn": execution, **inputs, "Status": "RUNNING"})
        return 0
    try:
        end = workflow.wait(execution, steps)
    except KeyboardInterrupt:
        complain(f"no longer waiting; the run goes on: {execution}")
        return 130
    return _show_end(end, inputs, json=json)


def _prepare(
    machine: Machine, source: S3Uri, output: S3Uri, prefix: str, *, as_is: bool
) -> ExecutionInput:
    """Make the run's input and, unless it is passed as it is, write its manifest."""
    from landrun.models.run import manual_run_name  # noqa: PLC0415
    from landrun.models.s3_uri import S3Uri  # noqa: PLC0415
    from landrun_ops.actions import manual_input  # noqa: PLC0415

    manifests = S3Uri(machine.output_bucket or output.bucket, "manifests/")
    where = manual_input.Locations(manifests, machine.landing)
    person = manual_input.who(machine.client("sts"))
    if as_is:
        where.refuse_landing(output, "the output")
        return manual_input.make_input(manual_run_name(prefix), str(source), str(output), person)
    return manual_input.prepare(
        machine.client("s3"),
        source,
        output,
        where,
        prefix=prefix,
        started_by=person,
        input_format=machine.input_format,
    )


def _show_end(end: dict[str, Any], inputs: dict[str, Any], *, json: bool) -> int:
    """Show how an execution ended, from DescribeExecution's answer, and return the exit code."""
    from landrun.models.processing_job import ProcessingJob  # noqa: PLC0415
    from landrun.sanitize import json_object  # noqa: PLC0415

    status, error, cause = end["status"], end.get("error"), end.get("cause")
    seconds = (end["stopDate"] - end["startDate"]).total_seconds()
    if json:
        report = {"ExecutionArn": end["executionArn"], **inputs, "Status": status}
        report |= {"Seconds": seconds, "Output": json_object(end.get("output")) or None}
        show_json({**report, "Error": error, "Cause": cause})
    elif status == "SUCCEEDED":
        say(f"{status} in {seconds:.0f} s: {inputs['OutputProcessedMessage']}")
    else:
        job = ProcessingJob.from_json(cause)
        reason = (job and job.exit_message) or cause or "Step Functions gave no cause"
        say(f"{status} after {seconds:.0f} s: {f'{error}: ' if error else ''}{reason}")
    return 0 if status == "SUCCEEDED" else 1


def _settings(path: Path | None, words: list[str] | None) -> dict[str, Any]:
    """Read the settings of the file, and those of --set over them."""
    from landrun_ops.workflow.settings import read_settings, with_words  # noqa: PLC0415

    return with_words(read_settings(path) if path else {}, words or ())


def _config(settings: dict[str, Any], given: dict[str, str], needed: Any) -> WorkflowConfig:
    """Lay the options over the settings.

    Raises
    ------
    ConfigurationError
        When some are missing, by the names of their options; or some are wrong.
    """
    from landrun_ops.workflow import WorkflowConfig  # noqa: PLC0415

    merged = settings | {name: value for name, value in given.items() if value}
    missing = [FLAGS[name] for name in needed if not merged.get(name)]
    if missing:
        raise ConfigurationError(
            f"missing {', '.join(missing)}: give them, or the settings of --config or --set"
        )
    return WorkflowConfig.read(merged)


def _show_arn(arn: str, *, json: bool) -> None:
    if json:
        show_json({"StateMachineArn": arn})
    else:
        say(arn)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
