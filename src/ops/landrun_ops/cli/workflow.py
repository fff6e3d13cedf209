"""``landrun workflow``: render, create, update and execute the notebook's workflow."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from landrun.errors import ConfigurationError
from landrun.models.run import manual_run_name
from landrun.models.s3_uri import S3Uri
from landrun_ops import workflow
from landrun_ops.cli.console import complain, say, show_json
from landrun_ops.cli.options import JsonOption, WaitOption, argument, flag, option
from landrun_ops.cli.target import ProjectOption, Target, on_stack, project_folder
from landrun_ops.stack.history_events import plain
from landrun_ops.units import spelled
from landrun_ops.workflow import WorkflowConfig
from landrun_ops.workflow.settings import read_settings, with_words

ASL = Path("src/statemachine/processing.asl.yaml")

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)

ArnOption = Annotated[
    str,
    option("ARN", "An existing state machine. Default: the stack's.", "--state-machine-arn"),
]
ConfigOption = Annotated[Path | None, option("FILE", "Settings as TOML or JSON.")]
SetOption = Annotated[
    list[str] | None,
    option(
        "NAME=VALUE",
        "A setting, such as instance_count=2, arguments='--lang de' or tags.team=ml; repeatable.",
        "--set",
    ),
]


@app.callback()
def settings() -> None:
    """Render, create, update and execute the workflow: one SageMaker Processing job per run.

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
    out: Annotated[str, option("FILE", "The file to write; - is stdout.")] = "",
    check: Annotated[bool, flag("Only compare; exit with 1 if they differ.", "--check")] = False,
    config: ConfigOption = None,
    settings: SetOption = None,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> int:
    """Write the state machine's definition that template.yaml deploys.

    Example: landrun workflow render --check
    """
    text = workflow.render(_settings(config, settings))
    if out == "-":
        sys.stdout.write(text)
        return 0
    path = Path(out) if out else project_folder(project, Path.cwd()) / ASL
    if not check:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
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
    config: ConfigOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Create the state machine in AWS (or on the laptop), and show its ARN.

    Example: landrun workflow create --config workflow.toml --set instance_count=2
    """
    wanted = WorkflowConfig.read(_settings(config, settings))
    _show_arn(workflow.create(wanted, target.clients()("stepfunctions")), json=json)


@app.command()
@on_stack
def update(
    target: Target,
    *,
    arn: ArnOption = "",
    config: ConfigOption = None,
    settings: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Replace an existing state machine's definition, and its role if the settings name one.

    Example: landrun workflow update --state-machine-arn ARN --config workflow.toml
    """
    wanted = WorkflowConfig.read(_settings(config, settings))
    machine, client, _ = _machine(target, arn)
    workflow.update(wanted, machine, client("stepfunctions"))
    _show_arn(machine, json=json)


@app.command()
@on_stack
def execute(
    target: Target,
    source: Annotated[str, argument("INPUT", "The S3 URI to read.")],
    output: Annotated[str, argument("OUTPUT", "The folder to write to.")],
    *,
    arn: ArnOption = "",
    wait: WaitOption = False,
    prefix: Annotated[
        str, typer.Option(metavar="WORD", help="The prefix of the run's name.")
    ] = "landrun",
    json: JsonOption = False,
) -> int:
    """Execute any state machine as a notebook does: with both URIs as given, and no Trigger.

    The state machine reads INPUT as an S3Prefix or as a manifest, as its definition says. landrun
    start writes a manifest and records who started the run. With --wait, exits with 1 when the run
    did not succeed.

    Example: landrun workflow execute s3://bucket/in/ s3://bucket/out/ --wait
    """
    to = S3Uri.parse(output)
    inputs = {
        "PreprocessingJobName": manual_run_name(prefix),
        "InputMessage": str(S3Uri.parse(source)),
        "OutputProcessedMessage": str(to),
    }
    machine, client, landing = _machine(target, arn)
    if landing and to.bucket == landing.bucket and to.key.startswith(landing.key):
        raise ConfigurationError(
            f"the output {to} lies under the landing prefix {landing}, where"
            " it would start runs of its own: choose another place"
        )
    steps = client("stepfunctions")
    execution = workflow.execute(machine, inputs, steps)
    end: dict[str, Any] = {"status": "RUNNING"}
    if not json:
        say(f"started {inputs['PreprocessingJobName']}, reading {inputs['InputMessage']}")
    if wait:
        try:
            end = workflow.wait(execution, steps)
        except KeyboardInterrupt:
            complain(f"no longer waiting; the run goes on: {execution}")
            return 130
    return _show_end({"ExecutionArn": execution, **inputs}, end, json=json)


def _show_end(started: dict[str, Any], end: dict[str, Any], *, json: bool) -> int:
    """Show DescribeExecution's answer about an ended execution, and return the exit code."""
    status, error, cause = end["status"], end.get("error"), end.get("cause")
    seconds = (end["stopDate"] - end["startDate"]).total_seconds() if "stopDate" in end else None
    if json:
        about = {"Status": status, "Seconds": seconds, "Error": error, "Cause": cause}
        show_json(started | about)
    elif seconds is not None:
        why = plain(error, cause) or started["OutputProcessedMessage"]
        say(f"{status} in {spelled(seconds)}: {why}")
    return 0 if status in ("SUCCEEDED", "RUNNING") else 1


def _machine(target: Target, arn: str) -> tuple[str, Callable[[str], Any], S3Uri | None]:
    """Return the ARN or the stack's, what makes its clients, and where the stack's data lands."""
    if arn:
        return arn, target.clients(), None
    stack = target.find()
    return stack.output("StateMachineArn"), stack.client, stack.landing


def _settings(path: Path | None, words: list[str] | None) -> dict[str, Any]:
    """Read the settings of the file, and those of --set over them."""
    return with_words(read_settings(path) if path else {}, words or ())


def _show_arn(arn: str, *, json: bool) -> None:
    if json:
        show_json({"StateMachineArn": arn})
    else:
        say(arn)
