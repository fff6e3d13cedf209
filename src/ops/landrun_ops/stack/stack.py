"""A stack as the operator's commands find it: by its outputs, deployed or on the laptop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from landrun.adapters.clients import translated
from landrun.adapters.manifests import Manifests
from landrun.adapters.step_functions import Executions
from landrun.errors import ConfigurationError, ServiceError
from landrun.models.landing import LandingFilter
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import shown
from landrun_ops.stack.clients import Clients

if TYPE_CHECKING:
    from collections.abc import Callable

    from landrun.models.run import InputFormat
    from landrun_ops.stack.runs_table import RunsReader

OF_LAPTOPS = ("localhost", "127.0.0.1", "::1", "host.docker.internal")
"""Where a laptop's AWS answers; AWS's own endpoints have names of many partitions."""


@dataclass(frozen=True)
class Stack:
    """A stack of template.yaml.

    Attributes
    ----------
    name : str
        What CloudFormation calls it.
    region : str
        Where it is.
    outputs, parameters : Mapping[str, str]
        As CloudFormation gives them; parameters with their defaults.
    client : Callable
        Returns the boto3 client of a service (see `Clients`).
    laptop : bool
        Whether it is on a laptop's AWS: nothing there has a page in AWS's console.
    status : str
        CloudFormation's, such as ``UPDATE_COMPLETE``.
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
        """Where data lands: the bucket, and what keys begin with."""
        return S3Uri(self.output("LandingBucket"), self.output("LandingPrefix"))

    @property
    def processed(self) -> S3Uri:
        """Where outputs lie, one folder a run."""
        return S3Uri(self.output("OutputBucket"), self.output("OutputPrefix"))

    @property
    def manifests_folder(self) -> S3Uri:
        """Where the lists of the objects that runs read lie."""
        return S3Uri(self.output("OutputBucket"), self.output("ManifestPrefix"))

    @property
    def input_message_format(self) -> InputFormat:
        """What ``InputMessage`` of an execution holds; older stacks always pass a manifest."""
        return "uri" if self.outputs.get("InputMessageFormat") == "uri" else "manifest"

    def runs_reader(self) -> RunsReader:
        """Return the reader of the runs table."""
        from landrun_ops.stack.runs_table import RunsReader  # noqa: PLC0415  (for start-up)

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
    report: Callable[[str], None] | None = None,
) -> Stack:
    """Find a stack by its name.

    Raises ConfigurationError when there is none, or it has no outputs: it is no stack of landrun,
    or not created yet; ServiceError when AWS refuses the call or cannot be reached.

    Parameters
    ----------
    name : str
        CloudFormation's name of it.
    profile, region : str
        Of the AWS CLI; empty for what its environment says.
    environment : Mapping[str, str], optional
        What ``landrun local env`` shows, in the place of the process's own and of a profile.
    report : Callable, optional
        Takes a line when AWS does not answer for some seconds (see `Clients`).
    """
    clients = Clients(profile=profile, region=region, environment=environment, report=report)
    cloudformation = clients("cloudformation")
    host = urlsplit(cloudformation.meta.endpoint_url).hostname or ""
    try:
        with translated("cloudformation:DescribeStacks"):
            found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            stack = Stack(
                name=found["StackName"],
                region=cloudformation.meta.region_name,
                outputs=_pairs(found, "Output"),
                parameters=_pairs(found, "Parameter"),
                client=clients,
                laptop=host in OF_LAPTOPS or bool(environment),
                status=found["StackStatus"],
            )
    except ServiceError as error:
        if error.code != "ValidationError":  # CloudFormation's answer for what is not there
            raise
        raise ConfigurationError(
            f"no stack {shown(name)} in {cloudformation.meta.region_name}: check --stack, --region"
            " and --profile"
        ) from error
    if not stack.outputs:
        raise ConfigurationError(
            f"the stack {name} has no outputs ({stack.status}): name a stack of landrun, or deploy"
            " it: sam deploy"
        )
    return stack


def _pairs(found: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Read the outputs or parameters of DescribeStacks' answer."""
    return {one[f"{kind}Key"]: one[f"{kind}Value"] for one in found.get(f"{kind}s", ())}
