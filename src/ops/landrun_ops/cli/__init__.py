"""The landrun command: one module per command, imported late so that ``--help`` is instant."""

import contextlib
import errno
import os
import sys
from importlib import import_module
from importlib.metadata import version as installed_version
from typing import Annotated, Any, cast

import typer
from typer._click.core import Context
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from landrun.errors import LandrunError, ServiceError
from landrun_ops.cli import options
from landrun_ops.cli.console import complain

_NO_AWS = '; set up AWS as for the AWS CLI or, for the laptop\'s: eval "$(landrun local env)"'
_UNREACHABLE = "; check the network or, for the laptop's AWS, that landrun local up still runs"
_SIGN_IN = "; sign in again, as with: aws sso login"
_NOT_ALLOWED = "; ask for that permission, or name another --profile"
_NOT_KNOWN = "; check the name, --region and --profile"
_REMEDIES = {
    "NoCredentialsError": _NO_AWS,
    "PartialCredentialsError": _NO_AWS,
    "NoRegionError": "; name one with --region, or set AWS_DEFAULT_REGION",
    "ProfileNotFound": "; aws configure list-profiles lists those there are",
    "ConfigParseError": "; correct the AWS CLI's file",
    "UnexpectedAnswer": "; a proxy or sign-in page may have answered: check the network and"
    " AWS_ENDPOINT_URL",
    "EndpointConnectionError": _UNREACHABLE,
    "ConnectTimeoutError": _UNREACHABLE,
    "ReadTimeoutError": _UNREACHABLE,
    "ConnectionClosedError": _UNREACHABLE,
    "ProxyConnectionError": _UNREACHABLE,
    "SSLError": "; if a proxy intercepts TLS, set AWS_CA_BUNDLE to the file of its certificate",
    "CredentialRetrievalError": "; run the credential_process of the AWS CLI's file yourself",
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "RequestExpired": _SIGN_IN,
    "SSOTokenLoadError": _SIGN_IN,
    "TokenRetrievalError": _SIGN_IN,
    "UnauthorizedSSOTokenError": _SIGN_IN,
    "InvalidClientTokenId": "; AWS does not know these credentials: aws sts get-caller-identity",
    "UnrecognizedClientException": "; AWS does not know these credentials: check them",
    "SignatureDoesNotMatch": "; the secret key is not the access key's, or this clock is wrong",
    "403": _NOT_ALLOWED,
    "AccessDenied": _NOT_ALLOWED,
    "AccessDeniedException": _NOT_ALLOWED,
    "AuthorizationError": _NOT_ALLOWED,
    "ResourceNotFoundException": _NOT_KNOWN,
    "NoSuchBucket": "; check the bucket's name",
    "ThrottlingException": "; AWS asks to slow down: try again in a minute",
}

EXTRAS = {
    "aws_lambda_powertools": "local",
    "moto": "local",
    "polars": "local",
    "samtranslator": "local",
    "sagemaker": "workflow",
    "stepfunctions": "workflow",
}
"""The extra of landrun's package that installs a module, by the module's name."""

PIPE_CLOSED = 141
"""The shell's exit code when the reader of a pipe has gone: 128 plus the signal's number."""

CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)

COMMANDS = {
    "runs": "List the runs table, newest first.",
    "show": "Show one run whole: what it read, did, and left.",
    "logs": "Show the log of a run's Processing jobs.",
    "land": "Put files into S3, where they start runs.",
    "start": "Start a run by hand over objects in S3.",
    "stop": "Stop runs, waiting ones too.",
    "rerun": "Run the manifests of runs again.",
    "explain": "Say which run processed an object, or why none did.",
    "redrive": "Show dead-letter messages, and send them back.",
    "backfill": "Process objects whose events never arrived.",
    "reconcile": "Recover missed events now.",
    "watch": "Watch what lands, waits, runs and ends.",
    "ui": "Serve a page of the runs, which stays up to date.",
    "report": "Write a report of the last weeks, as one HTML file.",
    "doctor": "Check what makes deployments fail, and how to repair it.",
    "verify": "Land a file and see whether the stack works.",
    "adopt": "Let landrun run an existing state machine.",
    "image": "Build the Processing job's image, and push it.",
    "demo": "Try it all on this laptop, with samples or your files.",
    "local": "Start and steer AWS on this laptop.",
    "workflow": "Render, create and execute the workflow.",
}
"""The commands and their help in one line, in the order of an operator's day; each is a module."""


class LazyGroup(TyperGroup):
    """Imports the module of a command only when that command is called: boto3 takes a while."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = cast("dict[str, Any]", dict.fromkeys(COMMANDS))

    def get_command(self, ctx: Context, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002
        """Import a command; None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"landrun_ops.cli.{cmd_name}")
        inner = getattr(module, "app", None)
        if inner is None:
            inner = typer.Typer(add_completion=False, rich_markup_mode=None)
            inner.command(cmd_name)(getattr(module, cmd_name))
        for one in inner.registered_commands:
            one.cls = options.Command
        return cast("TyperCommand", typer.main.get_command(inner))

    def format_commands(self, ctx: Context, formatter: Any) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    name="landrun",
    cls=LazyGroup,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"landrun {installed_version('landrun')}")
        raise typer.Exit


@app.callback()
def landrun(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Run one SageMaker Processing job for each thing that lands in S3, and keep the record.

    Example: landrun demo
    """


def main() -> None:
    """Run the command that the shell's arguments name.

    Exits with 0 when all is well, 1 when runs failed, 2 when something about the call or its
    environment is wrong; one line on stderr then names the problem and the remedy.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            # A key that the terminal's encoding cannot show must not end the command.
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except SystemExit as ended:
        # Typer wraps stdout in this when its reader has closed the pipe, as in landrun runs | head.
        if type(sys.stdout).__name__ != "PacifyFlushWrapper":
            raise
        code = PIPE_CLOSED if ended.code else 0
    except OSError as error:
        if error.errno not in CANNOT_WRITE:
            raise
        complain(f"cannot write the output: {error.strerror}")
        os._exit(2)  # otherwise Python would try to write it once more, and print its own error
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and give its exit code."""
    try:
        result = app(arguments or ["--help"], prog_name="landrun", standalone_mode=False)
    except TyperException as error:
        complain(_usage(error))
        return 2
    except ServiceError as error:
        complain(f"{error}{_REMEDIES.get(error.code, '')}")
        return 2
    except LandrunError as error:
        complain(str(error))
        return 2
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        complain(
            f"{package} is not installed: in landrun's folder, run make setup or"
            f" pipx install --force '.[{EXTRAS[package]}]'"
        )
        return 2
    except typer.Abort:
        return 130
    return result if isinstance(result, int) else 0


def _usage(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    message = " ".join(error.format_message().split()).rstrip(".")
    message = message.replace("Value error, ", "")
    return f"{message}; see: {context.command_path if context else 'landrun'} --help"
