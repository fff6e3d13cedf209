"""A deployed stack, or the laptop's, as the commands find it by name and outputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from landrun.adapters.clients import translated
from landrun.adapters.manifests import Manifests
from landrun.adapters.step_functions import Executions
from landrun.errors import ConfigurationError, ServiceError
from landrun.models.landing import LandingFilter
from landrun.models.run import InputFormat
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import shown
from landrun_ops.stack.clients import Clients
from landrun_ops.stack.runs_table import RunsReader

OF_LAPTOPS = ("localhost", "127.0.0.1", "::1", "host.docker.internal")
"""Hosts of a laptop's AWS."""


@dataclass(frozen=True)
class Stack:
    """A stack of template.yaml: its outputs, and its parameters with their defaults.

    ``client`` returns the boto3 client of a service (see `Clients`). A stack on a ``laptop`` has no
    pages in AWS's consoles. ``status`` is CloudFormation's, such as ``UPDATE_COMPLETE``.
    """

    name: str
    region: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]
    client: Callable[..., Any]
    laptop: bool = False
    status: str = ""

    def output(self, key: str) -> str:
        """Return one output.

        Raises ConfigurationError when the stack has none of that name: it is another application's,
        or an older one.
        """
        try:
            return self.outputs[key]
        except KeyError:
            raise ConfigurationError(
                f"the stack {self.name} has no output {key}: name a stack of landrun, or deploy"
                " this version of it"
            ) from None

    @property
    def landing(self) -> S3Uri:
        """The landing bucket and prefix."""
        return S3Uri(self.output("LandingBucket"), self.output("LandingPrefix"))

    @property
    def processed(self) -> S3Uri:
        """Where outputs lie: one folder per run."""
        return S3Uri(self.output("OutputBucket"), self.output("OutputPrefix"))

    @property
    def manifests_folder(self) -> S3Uri:
        """Where the runs' manifests lie."""
        return S3Uri(self.output("OutputBucket"), self.output("ManifestPrefix"))

    @property
    def input_message_format(self) -> InputFormat:
        """What ``InputMessage`` of an execution holds; older stacks always pass a manifest."""
        return "uri" if self.outputs.get("InputMessageFormat") == "uri" else "manifest"

    def runs_reader(self) -> RunsReader:
        """Return the reader of the runs table."""
        return RunsReader(self.client("dynamodb"), self.output("RunsTable"))

    def manifests(self) -> Manifests:
        """Return the adapter of the manifests."""
        folder = self.manifests_folder
        return Manifests(self.client("s3"), folder.bucket, folder.key)

    def executions(self) -> Executions:
        """Return the adapter of the state machine."""
        return Executions(self.client("stepfunctions"), self.output("StateMachineArn"))

    def landing_filter(self) -> LandingFilter:
        """Return ObjectCreatedFunction's filter of the objects that start runs."""
        own = tuple((one.bucket, one.key) for one in (self.processed, self.manifests_folder))
        return LandingFilter(self.landing.key, self.outputs.get("LandingSuffix", ""), own)


def find(
    name: str,
    *,
    profile: str = "",
    region: str = "",
    environment: Mapping[str, str] | None = None,
) -> Stack:
    """Find a stack by its name; the options are those of `Clients`.

    Raises ConfigurationError when there is none, or it has no outputs: it is no stack of landrun,
    or not created yet; ServiceError when AWS refuses the call or cannot be reached.
    """
    clients = Clients(profile=profile, region=region, environment=environment)
    cloudformation = clients("cloudformation")
    region = cloudformation.meta.region_name
    host = urlsplit(cloudformation.meta.endpoint_url).hostname or ""
    try:
        with translated("cloudformation:DescribeStacks"):
            found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            outputs, parameters = (
                {one[f"{kind}Key"]: one[f"{kind}Value"] for one in found.get(f"{kind}s", ())}
                for kind in ("Output", "Parameter")
            )
            laptop = host in OF_LAPTOPS or bool(environment)
            name, status = found["StackName"], found["StackStatus"]
    except ServiceError as error:
        if error.code != "ValidationError":  # CloudFormation's answer for an unknown stack
            raise
        raise ConfigurationError(
            f"no stack {shown(name)} in {region}: check --stack, --region and --profile"
        ) from error
    if not outputs:
        raise ConfigurationError(
            f"the stack {name} has no outputs ({status}): name a stack of landrun, or deploy it:"
            " sam deploy"
        )
    return Stack(name, region, outputs, parameters, clients, laptop, status)
